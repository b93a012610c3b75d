/** When a target is taken out and tried again. Times in milliseconds, already scaled. */
export interface HealthPolicy {
  /** Failures within `windowMs` that open a target, provided they are at least `failureRatio` of its outcomes there. */
  readonly failuresToOpen: number;
  readonly failureRatio: number;
  readonly windowMs: number;
  /** Wait before the first probe of an open target; doubled with each failed probe up to `probeAfterMaxMs`. */
  readonly probeAfterMs: number;
  readonly probeAfterMaxMs: number;
  /** Longest rest that a provider's `Retry-After` can impose. */
  readonly restMaxMs: number;
}

interface Bucket {
  readonly from: number;
  readonly ok: number;
  readonly failed: number;
}

/** What one router knows of one target. Nothing here is for ever: `open` ends by a probe, `restUntil` by the clock. */
export interface TargetHealth {
  readonly phase: 'closed' | 'open';
  readonly buckets: readonly Bucket[];
  /** Open: a probe may be sent from here on. */
  readonly probeAt: number;
  /** Open: a probe has been sent and not answered yet. */
  readonly isProbing: boolean;
  /** Probes that failed in a row since it opened. */
  readonly failedProbes: number;
  readonly restUntil: number;
}

/** `jitter` is in 0…1 and spreads the probes of several routers. `count`: outcomes of this kind that the message stands for. */
export type HealthEvent =
  | { readonly kind: 'ok'; readonly at: number; readonly count: number }
  | { readonly kind: 'failed'; readonly at: number; readonly retryAfterMs: number | null; readonly jitter: number }
  | { readonly kind: 'probe-sent'; readonly at: number; readonly jitter: number };

export type Availability = 'healthy' | 'probe' | 'open' | 'resting';

export const UNKNOWN_HEALTH: TargetHealth = Object.freeze({
  phase: 'closed',
  buckets: [],
  probeAt: 0,
  isProbing: false,
  failedProbes: 0,
  restUntil: 0,
});

const BUCKETS_PER_WINDOW = 10;

function count(state: TargetHealth, at: number, policy: HealthPolicy, added: Omit<Bucket, 'from'>): Bucket[] {
  const width = policy.windowMs / BUCKETS_PER_WINDOW;
  const recent = state.buckets.filter((bucket) => bucket.from > at - policy.windowMs);
  const last = recent.at(-1);
  if (last && at < last.from + width) {
    return [...recent.slice(0, -1), { from: last.from, ok: last.ok + added.ok, failed: last.failed + added.failed }];
  }
  return [...recent, { from: at, ...added }];
}

function isTooBad(buckets: readonly Bucket[], policy: HealthPolicy): boolean {
  const failed = buckets.reduce((sum, bucket) => sum + bucket.failed, 0);
  const all = buckets.reduce((sum, bucket) => sum + bucket.ok + bucket.failed, 0);
  return failed >= policy.failuresToOpen && failed >= all * policy.failureRatio;
}

function probeDelay(failedProbes: number, jitter: number, policy: HealthPolicy): number {
  const delay = Math.min(policy.probeAfterMaxMs, policy.probeAfterMs * 2 ** failedProbes);
  return delay * (1 + 0.5 * jitter);
}

function reduceFailure(
  state: TargetHealth,
  event: HealthEvent & { kind: 'failed' },
  policy: HealthPolicy,
): TargetHealth {
  const rest = Math.min(event.retryAfterMs ?? 0, policy.restMaxMs);
  const restUntil = Math.max(state.restUntil, rest > 0 ? event.at + rest : 0);
  const buckets = count(state, event.at, policy, { ok: 0, failed: 1 });
  if (state.phase === 'open') {
    // Calls that were under way when it opened go on failing; only the probe's failure says something new.
    if (!state.isProbing) return { ...state, restUntil };
    const failedProbes = state.failedProbes + 1;
    const probeAt = event.at + probeDelay(failedProbes, event.jitter, policy);
    return { ...state, restUntil, failedProbes, isProbing: false, probeAt };
  }
  if (!isTooBad(buckets, policy)) return { ...state, buckets, restUntil };
  const probeAt = event.at + probeDelay(0, event.jitter, policy);
  return { phase: 'open', buckets, probeAt, isProbing: false, failedProbes: 0, restUntil };
}

/** The next picture of a target. `at` is the router's own clock, so that no other machine's clock decides. */
export function reduceHealth(state: TargetHealth, event: HealthEvent, policy: HealthPolicy): TargetHealth {
  switch (event.kind) {
    case 'ok':
      if (state.phase === 'open') return { ...UNKNOWN_HEALTH, restUntil: state.restUntil };
      return { ...state, buckets: count(state, event.at, policy, { ok: event.count, failed: 0 }) };
    case 'failed':
      return reduceFailure(state, event, policy);
    case 'probe-sent':
      if (state.phase === 'closed') return state;
      // Should the probe never be answered, the next one follows after the usual wait.
      return { ...state, isProbing: true, probeAt: event.at + probeDelay(state.failedProbes, event.jitter, policy) };
  }
}

/** Whether a call may go there now. `probe`: open, and due to be tried by one call. */
export function availability(state: TargetHealth, now: number): Availability {
  if (now < state.restUntil) return 'resting';
  if (state.phase === 'closed') return 'healthy';
  return now >= state.probeAt ? 'probe' : 'open';
}
