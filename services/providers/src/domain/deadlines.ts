import type { ErrorCode, Timeouts } from '@weir/contracts';

/** Times of one attempt in milliseconds of a monotonic clock. */
export interface AttemptTimes {
  readonly startedAt: number;
  readonly firstTokenAt: number | null;
  /** When the upstream last sent anything, or when its read was last resumed. */
  readonly lastDataAt: number;
  /** The read is paused by us: the silence is not the upstream's. */
  readonly isPaused: boolean;
}

/** Scaled limits of a provider. */
export function scaleTimeouts(timeouts: Timeouts, factor: number): Timeouts {
  return {
    connectMs: timeouts.connectMs * factor,
    firstTokenMs: timeouts.firstTokenMs * factor,
    betweenTokensMs: timeouts.betweenTokensMs * factor,
    totalMs: timeouts.totalMs * factor,
  };
}

/**
 * The limit an attempt has passed, if any. The wait for a free connection counts as wait for the first token; of an answer that is not streamed
 * the first token is its first byte.
 */
export function findPassedDeadline(times: AttemptTimes, timeouts: Timeouts, now: number): ErrorCode | null {
  if (now - times.startedAt >= timeouts.totalMs) return 'upstream_total_timeout';
  if (times.firstTokenAt === null) {
    return now - times.startedAt >= timeouts.firstTokenMs ? 'upstream_first_token_timeout' : null;
  }
  if (!times.isPaused && now - times.lastDataAt >= timeouts.betweenTokensMs) return 'upstream_idle_timeout';
  return null;
}
