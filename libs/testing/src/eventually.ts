import { setTimeout as delay } from 'node:timers/promises';

export interface EventuallyOptions {
  readonly timeoutMs: number;
  /** Between two tries; default 25 ms. */
  readonly everyMs?: number;
}

/**
 * Calls `attempt` until it returns without throwing, and returns what it returned. Throws the last error when the time is up: the
 * assertion that never held, not "timeout".
 */
export async function eventually<Result>(
  attempt: () => Result | Promise<Result>,
  options: EventuallyOptions,
): Promise<Result> {
  const endsAt = performance.now() + options.timeoutMs;
  for (;;) {
    try {
      return await attempt();
    } catch (error) {
      if (performance.now() >= endsAt) throw error;
    }
    await delay(options.everyMs ?? 25);
  }
}
