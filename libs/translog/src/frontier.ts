import { EMPTY_ROOT, HASH_BYTES, nodeHash, type Hash } from './hash.js';

/**
 * The right edge of a Merkle tree (RFC 9162 §2.1): the roots of its largest full subtrees, largest first. All that is needed to append
 * leaves and to state the root, in at most 53 hashes, however large the tree is.
 */
export class Frontier {
  private constructor(
    private count: number,
    private readonly hashes: Hash[],
  ) {}

  /** The tree without leaves. */
  static empty(): Frontier {
    return new Frontier(0, []);
  }

  /**
   * A frontier as {@link encode} wrote it.
   *
   * @throws RangeError where the number of hashes is not what a tree of this size has.
   */
  static decode(size: number, bytes: Uint8Array): Frontier {
    if (!Number.isSafeInteger(size) || size < 0) throw new RangeError(`not a size: ${size}`);
    if (bytes.length !== countOnes(size) * HASH_BYTES) {
      throw new RangeError(`the frontier of ${size} leaves has ${countOnes(size)} hashes, not ${bytes.length} bytes`);
    }
    const hashes: Hash[] = [];
    for (let at = 0; at < bytes.length; at += HASH_BYTES) hashes.push(bytes.slice(at, at + HASH_BYTES));
    return new Frontier(size, hashes);
  }

  /** Number of leaves. */
  get size(): number {
    return this.count;
  }

  /** Its hashes one after the other, largest subtree first. */
  encode(): Buffer {
    return Buffer.concat(this.hashes);
  }

  /** One that can be appended to while this one stays as it is. */
  clone(): Frontier {
    return new Frontier(this.count, [...this.hashes]);
  }

  /** Appends the hash of a leaf. The array is kept, not copied. */
  append(leaf: Hash): void {
    let hash = leaf;
    // As an addition carries: two subtrees of one size become one of twice that size.
    for (let rest = this.count; rest % 2 === 1; rest = (rest - 1) / 2) {
      const left = this.hashes.pop();
      if (!left) throw new Error('the frontier has lost a subtree');
      hash = nodeHash(left, hash);
    }
    this.hashes.push(hash);
    this.count += 1;
  }

  /** The root of the tree as it is now. */
  root(): Hash {
    const last = this.hashes.at(-1);
    if (!last) return EMPTY_ROOT;
    return this.hashes.slice(0, -1).reduceRight((right, left) => nodeHash(left, right), last);
  }
}

function countOnes(size: number): number {
  let ones = 0;
  for (let rest = size; rest > 0; rest = Math.floor(rest / 2)) ones += rest % 2;
  return ones;
}
