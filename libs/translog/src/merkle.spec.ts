import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { Frontier } from './frontier.js';
import { EMPTY_ROOT, leafHash, nodeHash, type Hash } from './hash.js';
import { RangeRoots, consistencyRanges, inclusionRanges, isConsistent, isIncluded, type LeafRange } from './proofs.js';

const bytes = (hex: string): Uint8Array => Buffer.from(hex, 'hex');
const hex = (hash: Uint8Array): string => Buffer.from(hash).toString('hex');

/**
 * The published vectors of the Certificate Transparency reference (RFC 6962; RFC 9162 keeps its tree), as in the tests of
 * github.com/google/certificate-transparency (merkletree) and github.com/transparency-dev/merkle (proof).
 */
const LEAVES = ['', '00', '10', '2021', '3031', '40414243', '5051525354555657', '606162636465666768696a6b6c6d6e6f'];
const ROOTS = [
  '6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d',
  'fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125',
  'aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77',
  'd37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7',
  '4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4',
  '76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef',
  'ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c',
  '5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328',
];
const INCLUSION: readonly { leaf: number; size: number; proof: readonly string[] }[] = [
  { leaf: 1, size: 1, proof: [] },
  {
    leaf: 1,
    size: 8,
    proof: [
      '96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7',
      '5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e',
      '6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4',
    ],
  },
  {
    leaf: 6,
    size: 8,
    proof: [
      'bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b',
      'ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0',
      'd37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7',
    ],
  },
  { leaf: 3, size: 3, proof: ['fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125'] },
  {
    leaf: 2,
    size: 5,
    proof: [
      '6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d',
      '5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e',
      'bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b',
    ],
  },
];
const CONSISTENCY: readonly { first: number; second: number; proof: readonly string[] }[] = [
  { first: 1, second: 1, proof: [] },
  {
    first: 1,
    second: 8,
    proof: [
      '96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7',
      '5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e',
      '6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4',
    ],
  },
  {
    first: 6,
    second: 8,
    proof: [
      '0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a',
      'ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0',
      'd37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7',
    ],
  },
  {
    first: 2,
    second: 5,
    proof: [
      '5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e',
      'bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b',
    ],
  },
  {
    first: 6,
    second: 7,
    proof: [
      '0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a',
      'b08693ec2e721597130641e8211e7eedccb4c26413963eee6c1e2ed16ffb1a5f',
      'd37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7',
    ],
  },
];

const leaves = LEAVES.map((leaf) => leafHash(bytes(leaf)));
const rootOf = (size: number): Hash => bytes(ROOTS[size - 1] ?? '');
const proofOf = (ranges: readonly LeafRange[], hashes: readonly Hash[]): readonly Hash[] => {
  const roots = new RangeRoots(ranges);
  for (const hash of hashes) roots.push(hash);
  return roots.proof();
};
const frontierOf = (hashes: readonly Hash[]): Frontier => {
  const frontier = Frontier.empty();
  for (const hash of hashes) frontier.append(hash);
  return frontier;
};
const flip = (hash: Hash, bit: number): Hash => {
  const copy = Uint8Array.from(hash);
  copy[bit >> 3] = (copy[bit >> 3] ?? 0) ^ (1 << (bit & 7));
  return copy;
};

describe('the published vectors', () => {
  it('hash the empty tree and a leaf as RFC 9162 does', () => {
    expect(hex(EMPTY_ROOT)).toBe('e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855');
    expect(hex(leafHash(''))).toBe('6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d');
    expect(hex(leafHash('L123456'))).toBe('395aa064aa4c29f7010acfe3f25db9485bbd4b91897b6ad7ad547639252b4d56');
  });

  it('give the root of each size', () => {
    const frontier = Frontier.empty();
    expect(frontier.root()).toEqual(EMPTY_ROOT);
    leaves.forEach((leaf, index) => {
      frontier.append(leaf);
      expect(hex(frontier.root())).toBe(ROOTS[index]);
    });
  });

  it.each(INCLUSION)('prove leaf $leaf in the tree of $size', ({ leaf, size, proof }) => {
    const hashes = proof.map(bytes);
    expect(proofOf(inclusionRanges(leaf - 1, size), leaves).map(hex)).toEqual(proof);
    const claim = { index: leaf - 1, size, leafHash: leaves[leaf - 1]!, proof: hashes, root: rootOf(size) };
    expect(isIncluded(claim)).toBe(true);
    const wrong = [
      { ...claim, index: claim.index - 1 },
      { ...claim, index: claim.index + 1 },
      { ...claim, index: claim.index ^ 2 },
      { ...claim, size: size * 2 },
      { ...claim, size: Math.floor(size / 2) },
      { ...claim, leafHash: Buffer.from('WrongLeaf') },
      { ...claim, root: EMPTY_ROOT },
      { ...claim, proof: [...hashes, new Uint8Array()] },
      { ...claim, proof: [...hashes, claim.root] },
      { ...claim, proof: [new Uint8Array(), ...hashes] },
      { ...claim, proof: [claim.root, ...hashes] },
      ...hashes.map((_, at) => ({ ...claim, proof: hashes.map((hash, i) => (i === at ? flip(hash, 3) : hash)) })),
      ...(hashes.length > 0 ? [{ ...claim, proof: hashes.slice(0, -1) }] : []),
    ];
    for (const claimed of wrong) expect({ claimed, holds: isIncluded(claimed) }).toMatchObject({ holds: false });
  });

  it.each(CONSISTENCY)('prove that $first leaves are the beginning of $second', ({ first, second, proof }) => {
    const hashes = proof.map(bytes);
    expect(proofOf(consistencyRanges(first, second), leaves).map(hex)).toEqual(proof);
    const claim = {
      firstSize: first,
      firstRoot: rootOf(first),
      secondSize: second,
      secondRoot: rootOf(second),
      proof: hashes,
    };
    expect(isConsistent(claim)).toBe(true);
    const wrong = [
      { ...claim, firstRoot: EMPTY_ROOT },
      { ...claim, secondRoot: EMPTY_ROOT },
      { ...claim, proof: [...hashes, new Uint8Array()] },
      { ...claim, proof: [...hashes, claim.firstRoot] },
      { ...claim, proof: [claim.firstRoot, ...hashes] },
      ...(hashes.length === 0
        ? []
        : [
            { ...claim, firstSize: first - 1 },
            { ...claim, firstSize: first + 1 },
            { ...claim, firstSize: first ^ 2 },
            { ...claim, secondSize: second * 2 },
            { ...claim, secondSize: Math.floor(second / 2) },
            { ...claim, firstRoot: claim.secondRoot, secondRoot: claim.firstRoot },
            { ...claim, proof: [] },
            { ...claim, proof: hashes.slice(0, -1) },
            { ...claim, proof: [hashes[0]!, ...hashes] },
            ...hashes.map((_, at) => ({ ...claim, proof: hashes.map((hash, i) => (i === at ? flip(hash, 4) : hash)) })),
          ]),
    ];
    for (const claimed of wrong) expect({ claimed, holds: isConsistent(claimed) }).toMatchObject({ holds: false });
  });

  it('judge the sizes that need no proof', () => {
    const [one, two] = [Buffer.from("don't care 1"), Buffer.from("don't care 2")];
    const check = (
      [firstSize, firstRoot]: [number, Hash],
      [secondSize, secondRoot]: [number, Hash],
      proof: Hash[] = [],
    ) => isConsistent({ firstSize, secondSize, firstRoot, secondRoot, proof });
    expect([check([0, one], [0, one]), check([0, one], [1, two]), check([1, two], [1, two])]).toEqual([
      true,
      true,
      true,
    ]);
    expect([check([0, one], [0, two]), check([1, one], [1, two])]).toEqual([false, false]);
    expect([check([1, one], [0, two]), check([2, one], [1, two]), check([1, one], [2, two])]).toEqual([
      false,
      false,
      false,
    ]);
    expect([check([0, one], [0, one], [EMPTY_ROOT]), check([0, one], [1, one], [EMPTY_ROOT])]).toEqual([false, false]);
  });
});

/** RFC 9162 §2.1.1, written down as it stands there. */
function treeHash(hashes: readonly Hash[]): Hash {
  if (hashes.length === 0) return EMPTY_ROOT;
  if (hashes.length === 1) return hashes[0]!;
  let split = 1;
  while (split * 2 < hashes.length) split *= 2;
  return nodeHash(treeHash(hashes.slice(0, split)), treeHash(hashes.slice(split)));
}

const logs = fc
  .integer({ min: 0, max: 300 })
  .map((size) => Array.from({ length: size }, (_, i) => leafHash(`leaf ${i}`)));

describe('any log', () => {
  it('has the root the definition gives, also when the frontier was put away and taken up between batches', () => {
    fc.assert(
      fc.property(logs, fc.nat(300), (hashes, cut) => {
        const before = frontierOf(hashes.slice(0, cut));
        const size = before.size;
        const after = Frontier.decode(size, before.encode());
        for (const hash of hashes.slice(cut)) after.append(hash);
        expect(hex(after.root())).toBe(hex(treeHash(hashes)));
        expect([before.size, after.size]).toEqual([size, hashes.length]);
      }),
    );
  });

  it('proves each of its leaves, and no other place, leaf or tree with the same proof', () => {
    fc.assert(
      fc.property(logs, fc.nat(), fc.nat(), fc.nat(255), (hashes, at, elsewhere, bit) => {
        if (hashes.length === 0) return;
        const [index, size] = [at % hashes.length, hashes.length];
        const claim = {
          index,
          size,
          leafHash: hashes[index]!,
          proof: proofOf(inclusionRanges(index, size), hashes),
          root: treeHash(hashes),
        };
        expect(isIncluded(claim)).toBe(true);
        expect(isIncluded({ ...claim, leafHash: flip(claim.leafHash, bit) })).toBe(false);
        expect(isIncluded({ ...claim, root: flip(claim.root, bit) })).toBe(false);
        const other = elsewhere % size;
        if (other !== index) expect(isIncluded({ ...claim, index: other })).toBe(false);
      }),
    );
  });

  it('proves that any beginning of it is one, and that a changed beginning is none', () => {
    fc.assert(
      fc.property(logs, fc.nat(), fc.nat(255), (hashes, at, bit) => {
        const [firstSize, secondSize] = [at % (hashes.length + 1), hashes.length];
        const claim = {
          firstSize,
          firstRoot: treeHash(hashes.slice(0, firstSize)),
          secondSize,
          secondRoot: treeHash(hashes),
          proof: proofOf(consistencyRanges(firstSize, secondSize), hashes),
        };
        expect(isConsistent(claim)).toBe(true);
        if (firstSize > 0) expect(isConsistent({ ...claim, firstRoot: flip(claim.firstRoot, bit) })).toBe(false);
        if (firstSize > 0) expect(isConsistent({ ...claim, secondRoot: flip(claim.secondRoot, bit) })).toBe(false);
      }),
    );
  });

  it('keeps a frontier of 2^40 leaves in one hash, and goes on from there', () => {
    const frontier = Frontier.decode(2 ** 40, leafHash('root'));
    frontier.append(leafHash('next'));
    expect(frontier.size).toBe(2 ** 40 + 1);
    expect(frontier.root()).toEqual(nodeHash(leafHash('root'), leafHash('next')));
    expect(inclusionRanges(2 ** 40, 2 ** 40 + 1)).toEqual([{ start: 0, end: 2 ** 40 }]);
  });

  it('hashes a leaf the same as text and as bytes, longer than its buffer too', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (text) => {
        expect(leafHash(text)).toEqual(leafHash(Buffer.from(text)));
      }),
    );
    expect(leafHash('堰'.repeat(100_000))).toEqual(leafHash(Buffer.from('堰'.repeat(100_000))));
  });

  it('refuses a frontier, a leaf and a beginning that cannot be', () => {
    expect(() => Frontier.decode(3, new Uint8Array(32))).toThrow(RangeError);
    expect(() => Frontier.decode(-1, new Uint8Array())).toThrow(RangeError);
    expect(() => inclusionRanges(3, 3)).toThrow(RangeError);
    expect(() => consistencyRanges(4, 3)).toThrow(RangeError);
    expect(() => proofOf(inclusionRanges(0, 8), leaves.slice(0, 7))).toThrow(RangeError);
  });
});
