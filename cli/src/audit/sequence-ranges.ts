/** Inclusive ranges of sequences, sorted, disjoint and never adjacent. */
export type Ranges = readonly (readonly [first: number, last: number])[];

/** Sequences of one producer and epoch as they stand in the log. */
export class SequenceRanges {
  private readonly ranges: [number, number][] = [];

  /** False where it was there already. */
  add(sequence: number): boolean {
    return this.addRange(sequence, sequence) === undefined;
  }

  /** Adds `first` to `last`; where any was there already, the lowest of them comes back, and nothing is added. */
  addRange(first: number, last: number): number | undefined {
    // Almost always the next one of the last range.
    let at = this.ranges.length - 1;
    while (at >= 0 && (this.ranges[at]?.[0] ?? 0) > first) at -= 1;
    const [before, after] = [this.ranges[at], this.ranges[at + 1]];
    if (before && first <= before[1]) return first;
    if (after && last >= after[0]) return after[0];
    this.join(at, first, last);
    return undefined;
  }

  /** Puts a range after the one at a place, and makes one of what has become adjacent. */
  private join(at: number, first: number, last: number): void {
    const before = this.ranges[at];
    const after = this.ranges[at + 1];
    const joinsBefore = before?.[1] === first - 1;
    const joinsAfter = after?.[0] === last + 1;
    if (before && joinsBefore && !joinsAfter) {
      before[1] = last;
      return;
    }
    const start = joinsBefore ? at : at + 1;
    const joined: [number, number] = [before && joinsBefore ? before[0] : first, after && joinsAfter ? after[1] : last];
    this.ranges.splice(start, Number(joinsBefore) + Number(joinsAfter), joined);
  }

  list(): Ranges {
    return this.ranges;
  }
}

/** The first sequence from 1 on that is missing below the last one; undefined where none is. */
export function findGap(ranges: Ranges): number | undefined {
  const [first, ...rest] = ranges;
  if (!first) return undefined;
  if (first[0] > 1) return 1;
  return rest.length > 0 ? first[1] + 1 : undefined;
}

export const contains = (ranges: Ranges, sequence: number): boolean =>
  ranges.some(([first, last]) => sequence >= first && sequence <= last);

/** What is in both. */
export function intersect(first: Ranges, second: Ranges): Ranges {
  return first.flatMap(([from, to]) =>
    second.flatMap(([start, end]): (readonly [number, number])[] => {
      const [low, high] = [Math.max(from, start), Math.min(to, end)];
      return low <= high ? [[low, high]] : [];
    }),
  );
}

/** Ranges as landing keeps them: everything up to `through`, and what lies above a gap. */
export const fromWatermark = (through: number, above: Ranges): Ranges =>
  through > 0 ? [[1, through], ...above] : above;

export const isSameRanges = (first: Ranges, second: Ranges): boolean =>
  JSON.stringify(first) === JSON.stringify(second);
