import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import {
  NOTHING_LANDED,
  addRange,
  countLanded,
  gapsOf,
  hasLanded,
  type LandedRanges,
  type Range,
} from './landed-ranges.js';

const range = fc
  .tuple(fc.integer({ min: 1, max: 60 }), fc.integer({ min: 0, max: 12 }))
  .map(([first, more]): Range => [first, first + more]);
const batches = fc.array(range, { maxLength: 20 });
const sequencesOf = ([first, last]: Range): number[] =>
  Array.from({ length: last - first + 1 }, (_, index) => first + index);
const modelOf = (all: readonly Range[]): Set<number> => new Set(all.flatMap(sequencesOf));
const land = (all: readonly Range[]): LandedRanges => all.reduce<LandedRanges>(addRange, NOTHING_LANDED);

describe('landed ranges', () => {
  it('know exactly the sequences that were added, in whatever order and however often', () => {
    fc.assert(
      fc.property(batches, (all) => {
        const landed = land(all);
        const model = modelOf(all);
        for (let sequence = 1; sequence <= 80; sequence++)
          expect(hasLanded(landed, sequence)).toBe(model.has(sequence));
      }),
    );
  });

  it('are in one form only: contiguous from 1, then sorted, disjoint and not adjacent', () => {
    fc.assert(
      fc.property(batches, (all) => {
        const { through, above } = land(all);
        const model = modelOf(all);
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
        const model = modelOf(all);
        const highest = Math.max(0, ...model);
        const missing = Array.from({ length: highest }, (_, index) => index + 1).filter((n) => !model.has(n));
        const gaps = gapsOf(land(all)).flatMap(sequencesOf);
        expect(gaps).toEqual(missing);
      }),
    );
  });

  it('count what has landed of a range', () => {
    fc.assert(
      fc.property(batches, range, (all, asked) => {
        const model = modelOf(all);
        expect(countLanded(land(all), asked)).toBe(sequencesOf(asked).filter((n) => model.has(n)).length);
      }),
    );
  });
});
