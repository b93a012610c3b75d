const FIRST_MS = 200;
const LONGEST_MS = 5_000;
/** A child that lived this long had recovered: its next death starts the backoff anew. */
const RECOVERED_AFTER_MS = 30_000;

/** The wait before restart number `deaths` (from 1): 0.2 s, doubling, at most 5 s. */
export function backoffMs(deaths: number): number {
  return Math.min(FIRST_MS * 2 ** Math.max(0, deaths - 1), LONGEST_MS);
}

/** Deaths in a row after one more, given how long the child lived. */
export function countDeaths(before: number, livedMs: number): number {
  return livedMs >= RECOVERED_AFTER_MS ? 1 : before + 1;
}
