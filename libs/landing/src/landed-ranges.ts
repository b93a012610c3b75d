/** Inclusive range of sequences. */
export type Range = readonly [first: number, last: number];

/**
 * Which sequences of one (producer, epoch) have landed: all from 1 to `through`, and those in `above`. Ranges of `above` are sorted,
 * disjoint, never adjacent and begin beyond `through + 1`; what lies between them are the gaps.
 */
export interface LandedRanges {
  readonly through: number;
  readonly above: readonly Range[];
}

export const NOTHING_LANDED: LandedRanges = Object.freeze({ through: 0, above: [] });

export function hasLanded(landed: LandedRanges, sequence: number): boolean {
  return sequence <= landed.through || landed.above.some(([first, last]) => sequence >= first && sequence <= last);
}

/** How many sequences of a range have landed. */
export function countLanded(landed: LandedRanges, [first, last]: Range): number {
  let count = Math.max(0, Math.min(last, landed.through) - first + 1);
  for (const [from, to] of landed.above) count += Math.max(0, Math.min(last, to) - Math.max(first, from) + 1);
  return count;
}

/** The same with more sequences landed; those that had landed before change nothing. */
export function addRange(landed: LandedRanges, range: Range): LandedRanges {
  const [start, ...above] = mergeRanges([[0, landed.through], ...landed.above, range]);
  return { through: start?.[1] ?? landed.through, above };
}

/** Sequences that are missing below the highest that has landed. */
export function gapsOf(landed: LandedRanges): readonly Range[] {
  const gaps: Range[] = [];
  let next = landed.through + 1;
  for (const [first, last] of landed.above) {
    gaps.push([next, first - 1]);
    next = last + 1;
  }
  return gaps;
}

function mergeRanges(ranges: readonly Range[]): readonly Range[] {
  const merged: [number, number][] = [];
  for (const [first, last] of [...ranges].sort((a, b) => a[0] - b[0])) {
    const open = merged.at(-1);
    if (open && first <= open[1] + 1) open[1] = Math.max(open[1], last);
    else merged.push([first, last]);
  }
  return merged;
}
