import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import {
  SequenceRanges,
  contains,
  findGap,
  fromWatermark,
  intersect,
  isSameRanges,
  type Ranges,
} from './sequence-ranges.js';

const sequences = fc.array(fc.integer({ min: 1, max: 60 }));
const rangesOf = (list: readonly number[]): Ranges => {
  const ranges = new SequenceRanges();
  for (const sequence of list) ranges.add(sequence);
  return ranges.list();
};
const all = Array.from({ length: 62 }, (_, i) => i);
const membersOf = (ranges: Ranges): number[] => all.filter((sequence) => contains(ranges, sequence));

describe('ranges of sequences', () => {
  it('hold what was added, in whatever order, sorted, disjoint and never adjacent, and tell what is there already', () => {
    fc.assert(
      fc.property(sequences, (list) => {
        const ranges = new SequenceRanges();
        const seen = new Set<number>();
        for (const sequence of list) {
          expect(ranges.add(sequence)).toBe(!seen.has(sequence));
          seen.add(sequence);
        }
        expect(membersOf(ranges.list())).toEqual([...seen].sort((a, b) => a - b));
        ranges.list().forEach(([first, last], i) => {
          expect(first).toBeLessThanOrEqual(last);
          expect(first).toBeGreaterThan((ranges.list()[i - 1]?.[1] ?? -1) + 1);
        });
      }),
    );
  });

  it('show the first gap, also before the first', () => {
    fc.assert(
      fc.property(sequences, (list) => {
        const last = Math.max(0, ...list);
        const missing = all.slice(1).find((sequence) => sequence < last && !list.includes(sequence));
        expect(findGap(rangesOf(list))).toBe(missing);
      }),
    );
  });

  it('have in common what is in both', () => {
    fc.assert(
      fc.property(sequences, sequences, (first, second) => {
        const both = first.filter((sequence) => second.includes(sequence));
        expect(membersOf(intersect(rangesOf(first), rangesOf(second)))).toEqual(membersOf(rangesOf(both)));
      }),
    );
  });

  it('are read from a watermark', () => {
    expect(isSameRanges([[1, 2]], [[1, 2]])).toBe(true);
    expect(isSameRanges([[1, 2]], [[1, 3]])).toBe(false);
    expect(fromWatermark(0, [])).toEqual([]);
    expect(fromWatermark(3, [[5, 6]])).toEqual([
      [1, 3],
      [5, 6],
    ]);
  });
});
