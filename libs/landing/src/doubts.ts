import { countLanded, type LandedRanges } from './landed-ranges.js';
import { producerKey, type Run } from './landing-event.js';

/** Doubts that no watermark has settled yet. */
export function openDoubts(doubts: readonly Run[], landedOf: (producer: string) => LandedRanges): readonly Run[] {
  return doubts.filter(
    (run) => countLanded(landedOf(producerKey(run)), [run.first, run.last]) < run.last - run.first + 1,
  );
}

/** Whether a batch holds an event in doubt. */
export function touchesDoubt(doubts: readonly Run[], runs: readonly (Run | null)[]): boolean {
  return doubts.some((doubt) => runs.some((run) => run !== null && overlap(doubt, run)));
}

const overlap = (one: Run, other: Run): boolean =>
  producerKey(one) === producerKey(other) && one.first <= other.last && other.first <= one.last;
