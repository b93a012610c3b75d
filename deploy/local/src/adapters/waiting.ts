import { setTimeout as delay } from 'node:timers/promises';

export interface WaitOptions {
  readonly timeoutMs: number;
  readonly everyMs?: number;
  readonly signal?: AbortSignal;
}

/** Polls until `check` holds. Resolves false when the time is up; rejects when `signal` aborts or `check` throws. */
export async function waitUntil(check: () => boolean | Promise<boolean>, options: WaitOptions): Promise<boolean> {
  const endsAt = performance.now() + options.timeoutMs;
  for (;;) {
    options.signal?.throwIfAborted();
    if (await check()) return true;
    if (performance.now() >= endsAt) return false;
    await delay(options.everyMs ?? 50, undefined, options.signal === undefined ? {} : { signal: options.signal });
  }
}
