/** Inclusive ranges of sequences, sorted, disjoint and never adjacent. */
export type Ranges = readonly (readonly [first: number, last: number])[];

/** Sequences of one producer and epoch as they stand in the log. */
export class SequenceRanges {
  private readonly ranges: [number, number][] = [];

  /** False where it was there already. */
  add(sequence: number): boolean {
    // Almost always the next one of the last range.
    let at = this.ranges.length - 1;
    while (at >= 0 && (this.ranges[at]?.[0] ?? 0) > sequence) at -= 1;
    const before = this.ranges[at];
    if (before && sequence <= before[1]) return false;
    this.join(at, sequence);
    return true;
  }

  /** Puts a sequence after the range at a place, and makes one of what has become adjacent. */
  private join(at: number, sequence: number): void {
    const joinsBefore = this.ranges[at]?.[1] === sequence - 1;
    const joinsAfter = this.ranges[at + 1]?.[0] === sequence + 1;
    const first = joinsBefore ? (this.ranges[at]?.[0] ?? sequence) : sequence;
    const last = joinsAfter ? (this.ranges[at + 1]?.[1] ?? sequence) : sequence;
    const start = joinsBefore ? at : at + 1;
    this.ranges.splice(start, Number(joinsBefore) + Number(joinsAfter), [first, last]);
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
