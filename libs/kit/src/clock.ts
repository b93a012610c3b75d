/** Where a process takes the time from: milliseconds since the epoch. Injected, so that tests may run their own. */
export interface Clock {
  now(): number;
}

export const systemClock: Clock = { now: () => Date.now() };
