import { Frontier } from './frontier.js';
import { HASH_BYTES, isSameHash, nodeHash, type Hash } from './hash.js';

/** Leaves `start` up to but not including `end`: a subtree whose root a proof needs. */
export interface LeafRange {
  readonly start: number;
  readonly end: number;
}

/**
 * Which subtrees' roots make up the inclusion proof of a leaf (RFC 9162 §2.1.3.1), in the proof's order.
 *
 * @throws RangeError where the tree has no such leaf.
 */
export function inclusionRanges(index: number, size: number): readonly LeafRange[] {
  checkSize(size);
  if (!Number.isSafeInteger(index) || index < 0 || index >= size) {
    throw new RangeError(`a tree of ${size} leaves has no leaf ${index}`);
  }
  const ranges: LeafRange[] = [];
  let [start, end] = [0, size];
  while (end - start > 1) {
    const middle = start + splitOf(end - start);
    if (index < middle) {
      ranges.push({ start: middle, end });
      end = middle;
    } else {
      ranges.push({ start, end: middle });
      start = middle;
    }
  }
  return ranges.reverse();
}

/**
 * Which subtrees' roots make up the proof that the tree of `first` leaves is the beginning of the one of `second` (RFC 9162 §2.1.4.1),
 * in the proof's order. Empty where the proof is empty: equal sizes, and a first tree without leaves.
 *
 * @throws RangeError where the first tree is the larger one.
 */
export function consistencyRanges(first: number, second: number): readonly LeafRange[] {
  checkSize(first);
  checkSize(second);
  if (first > second) throw new RangeError(`a tree of ${first} leaves is not the beginning of one of ${second}`);
  if (first === 0 || first === second) return [];
  const ranges: LeafRange[] = [];
  let [start, end] = [0, second];
  while (end !== first) {
    const middle = start + splitOf(end - start);
    if (first <= middle) {
      ranges.push({ start: middle, end });
      end = middle;
    } else {
      ranges.push({ start, end: middle });
      start = middle;
    }
  }
  // The whole first tree is known to whoever checks; a part of it is not.
  if (start > 0) ranges.push({ start, end });
  return ranges.reverse();
}

/**
 * Roots of some subtrees of a log, from one pass over its leaf hashes in order, in memory that does not grow with the log. The ranges are
 * disjoint, as those of one proof are.
 */
export class RangeRoots {
  private readonly order: readonly { readonly range: LeafRange; readonly frontier: Frontier }[];
  private readonly roots = new Map<LeafRange, Hash>();
  private next = 0;
  private index = 0;

  constructor(private readonly ranges: readonly LeafRange[]) {
    this.order = [...ranges].sort((a, b) => a.start - b.start).map((range) => ({ range, frontier: Frontier.empty() }));
  }

  /** The next leaf's hash. */
  push(leaf: Hash): void {
    const current = this.order[this.next];
    const index = this.index++;
    if (!current || index < current.range.start) return;
    current.frontier.append(leaf);
    if (this.index < current.range.end) return;
    this.roots.set(current.range, current.frontier.root());
    this.next += 1;
  }

  /**
   * The proof: the ranges' roots in their own order.
   *
   * @throws RangeError where leaves are missing.
   */
  proof(): readonly Hash[] {
    return this.ranges.map((range) => {
      const root = this.roots.get(range);
      if (!root)
        throw new RangeError(`leaves ${range.start} to ${range.end} were not seen: the log ends at ${this.index}`);
      return root;
    });
  }
}

export interface InclusionClaim {
  readonly index: number;
  readonly size: number;
  readonly leafHash: Hash;
  readonly proof: readonly Hash[];
  readonly root: Hash;
}

/** Whether a proof shows that the leaf is in the tree of this size and root (RFC 9162 §2.1.3.2). */
export function isIncluded({ index, size, leafHash, proof, root }: InclusionClaim): boolean {
  if (!isSize(index) || !isSize(size) || index >= size) return false;
  if (![leafHash, root, ...proof].every(isHash)) return false;
  const sides = findSides(index, size - 1, proof.length);
  if (!sides) return false;
  const hash = proof.reduce((below, node, i) => (sides[i] ? nodeHash(node, below) : nodeHash(below, node)), leafHash);
  return isSameHash(hash, root);
}

export interface ConsistencyClaim {
  readonly firstSize: number;
  readonly firstRoot: Hash;
  readonly secondSize: number;
  readonly secondRoot: Hash;
  readonly proof: readonly Hash[];
}

/** Whether a proof shows that the first tree is the beginning of the second (RFC 9162 §2.1.4.2). Every tree begins with the empty one. */
export function isConsistent(claim: ConsistencyClaim): boolean {
  const { firstSize, firstRoot, secondSize, secondRoot, proof } = claim;
  if (!isSize(firstSize) || !isSize(secondSize) || firstSize > secondSize) return false;
  if (firstSize === secondSize) return proof.length === 0 && isSameHash(firstRoot, secondRoot);
  if (firstSize === 0) return proof.length === 0;
  if (proof.length === 0 || ![firstRoot, secondRoot, ...proof].every(isHash)) return false;
  return climbsToBoth(claim);
}

function climbsToBoth({ firstSize, firstRoot, secondSize, secondRoot, proof }: ConsistencyClaim): boolean {
  const [start, ...path] = isPowerOfTwo(firstSize) ? [firstRoot, ...proof] : proof;
  if (!start) return false;
  let [fn, sn] = [firstSize - 1, secondSize - 1];
  while (fn % 2 === 1) [fn, sn] = [half(fn), half(sn)];
  const sides = findSides(fn, sn, path.length);
  if (!sides) return false;
  let [first, second] = [start, start];
  path.forEach((node, i) => {
    if (sides[i]) first = nodeHash(node, first);
    second = sides[i] ? nodeHash(node, second) : nodeHash(second, node);
  });
  return isSameHash(first, firstRoot) && isSameHash(second, secondRoot);
}

/**
 * Whether each node of a proof stands on the left on the way up from node `fn` of a level whose last is `sn`, in the RFC's names; undefined
 * where the way has not that many nodes.
 */
function findSides(fn: number, sn: number, nodes: number): readonly boolean[] | undefined {
  const sides: boolean[] = [];
  for (let i = 0; i < nodes; i++) {
    if (sn === 0) return undefined;
    const isLeft = fn % 2 === 1 || fn === sn;
    // The last node of a level that has no sibling moves up as it is.
    if (isLeft) while (fn % 2 === 0 && fn !== 0) [fn, sn] = [half(fn), half(sn)];
    sides.push(isLeft);
    [fn, sn] = [half(fn), half(sn)];
  }
  return sn === 0 ? sides : undefined;
}

/** The largest power of two below `size`, which is at least 2. */
function splitOf(size: number): number {
  let split = 1;
  while (split * 2 < size) split *= 2;
  return split;
}

const half = (value: number): number => Math.floor(value / 2);
const isHash = (hash: Hash): boolean => hash.length === HASH_BYTES;
const isSize = (value: number): boolean => Number.isSafeInteger(value) && value >= 0;

function isPowerOfTwo(size: number): boolean {
  let rest = size;
  while (rest % 2 === 0) rest /= 2;
  return rest === 1;
}

function checkSize(size: number): void {
  if (!isSize(size)) throw new RangeError(`not a size: ${size}`);
}
