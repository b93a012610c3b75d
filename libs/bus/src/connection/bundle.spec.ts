import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { encodeBundle, isBundle, readBundle } from './bundle.js';

const entries = fc.array(
  fc.record({ address: fc.stringMatching(/^[!-~]{0,40}$/), payload: fc.uint8Array({ maxLength: 300 }) }),
  { minLength: 1, maxLength: 20 },
);

function read(bundle: Buffer): { read: { address: string; payload: Uint8Array }[]; isWhole: boolean } {
  const found: { address: string; payload: Uint8Array }[] = [];
  const isWhole = readBundle(bundle, (address, payload) => found.push({ address, payload: new Uint8Array(payload) }));
  return { read: found, isWhole };
}

describe('a bundle', () => {
  it('gives back what was put in, in order', () => {
    fc.assert(
      fc.property(entries, (given) => {
        const bundle = encodeBundle(given);
        expect(isBundle(bundle)).toBe(true);
        expect(read(bundle)).toEqual({
          read: given.map((entry) => ({ ...entry, payload: new Uint8Array(entry.payload) })),
          isWhole: true,
        });
      }),
    );
  });

  it('that is cut off hands over the whole entries before the cut, and says so', () => {
    const given = [
      { address: 'a', payload: Buffer.from('one') },
      { address: 'b.c', payload: Buffer.alloc(0) },
      { address: '', payload: Buffer.from('three') },
    ];
    const bundle = encodeBundle(given);
    const ends = [1, 11, 20, bundle.length];
    for (let length = 1; length <= bundle.length; length++) {
      const { read: found, isWhole } = read(bundle.subarray(0, length));
      expect(isWhole).toBe(ends.includes(length));
      expect(found).toHaveLength(ends.filter((end) => end > 1 && end <= length).length);
    }
  });

  it('hands over what follows an entry whose reader throws, and then throws', () => {
    const bundle = encodeBundle(['a', 'b', 'c'].map((address) => ({ address, payload: Buffer.from(address) })));
    const seen: string[] = [];
    const read = (): boolean =>
      readBundle(bundle, (address) => {
        seen.push(address);
        if (address === 'a') throw new Error('of a');
      });
    expect(read).toThrow('of a');
    expect(seen).toEqual(['a', 'b', 'c']);
  });

  it('is told from a call message and from a frame', () => {
    expect(isBundle(Buffer.alloc(0))).toBe(false);
    expect(isBundle(Buffer.from([0, 0, 1, 0]))).toBe(false);
    expect(isBundle(Buffer.from([7, 1, 0, 0, 0, 0]))).toBe(false);
  });
});
