import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { NOTHING_LANDED, addLanded, gapsOf, hasLanded, rangesOf, type LandedRanges } from './landed-ranges.js';

const batches = fc.array(fc.array(fc.integer({ min: 1, max: 60 }), { maxLength: 20 }), { maxLength: 20 });
const land = (all: number[][]): LandedRanges => all.reduce<LandedRanges>(addLanded, NOTHING_LANDED);

describe('landed ranges', () => {
  it('know exactly the sequences that were added, in whatever order and however often', () => {
    fc.assert(
      fc.property(batches, (all) => {
        const landed = land(all);
        const model = new Set(all.flat());
        for (let sequence = 1; sequence <= 61; sequence++)
          expect(hasLanded(landed, sequence)).toBe(model.has(sequence));
      }),
    );
  });

  it('are in one form only: contiguous from 1, then sorted, disjoint and not adjacent', () => {
    fc.assert(
      fc.property(batches, (all) => {
        const { through, above } = land(all);
        const model = new Set(all.flat());
        let contiguous = 0;
        while (model.has(contiguous + 1)) contiguous++;
        expect(through).toBe(contiguous);
        let end = through;
        for (const [first, last] of above) {
          expect(first).toBeGreaterThan(end + 1);
          expect(last).toBeGreaterThanOrEqual(first);
          end = last;
        }
        expect(land([...all].reverse())).toEqual({ through, above });
      }),
    );
  });

  it('name what is missing below the highest', () => {
    fc.assert(
      fc.property(batches, (all) => {
        const model = new Set(all.flat());
        const highest = Math.max(0, ...model);
        const missing = Array.from({ length: highest }, (_, index) => index + 1).filter((n) => !model.has(n));
        const gaps = gapsOf(land(all)).flatMap(([first, last]) =>
          Array.from({ length: last - first + 1 }, (_, index) => first + index),
        );
        expect(gaps).toEqual(missing);
      }),
    );
  });

  it('cover a set of sequences with as few ranges as there are runs', () => {
    expect(rangesOf([5, 1, 2, 2, 9, 4])).toEqual([
      [1, 2],
      [4, 5],
      [9, 9],
    ]);
    expect(rangesOf([])).toEqual([]);
  });
});
