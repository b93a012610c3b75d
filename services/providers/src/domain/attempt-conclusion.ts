import type { AttemptOutcome, ErrorCode, TargetOutcome, Usage, UsageSource } from '@weir/contracts';
import type { UpstreamFault } from './upstream-fault.js';

/** How an attempt came to its end. */
export type AttemptEnd =
  | { readonly kind: 'complete' }
  | { readonly kind: 'fault'; readonly fault: UpstreamFault }
  /** Closed by us: nobody waits for the answer any more. */
  | { readonly kind: 'cancelled'; readonly code: ErrorCode };

/** What an attempt had done when it ended. */
export interface AttemptProgress {
  /** The request had begun to leave: from then on the provider may bill it. */
  readonly isSent: boolean;
  readonly status: number | null;
  readonly hasFirstToken: boolean;
  /** Bytes given to the client. */
  readonly bytesGiven: number;
  /** Bytes of the answer that came from the upstream. */
  readonly bytesReceived: number;
  /** The answer had reached its terminal marker. */
  readonly isComplete: boolean;
  /** What the provider has said of usage so far. */
  readonly usage: Usage | null;
  /** No target follows this one. */
  readonly isLast: boolean;
}

export interface AttemptConclusion {
  readonly outcome: AttemptOutcome;
  readonly errorCode: ErrorCode | null;
  readonly usageSource: UsageSource;
  /** The call goes back to the router instead of failing. */
  readonly isRetried: boolean;
  /** What the routers hear of the target; null where the end says nothing about it. */
  readonly health: TargetOutcome['outcome'] | null;
}

/** Providers bill answers, not refusals: what broke off after a 2xx, or before any status came, may be billed. */
function sourceOfUnfinished({ isSent, status }: AttemptProgress): UsageSource {
  const isRefused = status !== null && (status < 200 || status > 299);
  return isSent && !isRefused ? 'bounded' : 'none';
}

function concludeFault(fault: UpstreamFault, progress: AttemptProgress): AttemptConclusion {
  const isBegun = progress.hasFirstToken || progress.bytesGiven > 0;
  return {
    outcome: isBegun ? 'cut' : 'failed',
    errorCode: fault.code,
    usageSource: sourceOfUnfinished(progress),
    isRetried: fault.isWorthElsewhere && progress.bytesGiven === 0 && !progress.isLast,
    health: fault.code === 'upstream_rejected' ? 'rejected' : fault.code === 'internal' ? null : 'failed',
  };
}

/**
 * The one judgement of an ended attempt: outcome, what its usage rests on, whether another target is tried. After the first byte
 * to the client nothing is tried again. An answer that reached its terminal marker is complete, however its connection ended.
 */
export function concludeAttempt(end: AttemptEnd, progress: AttemptProgress): AttemptConclusion {
  if (end.kind === 'complete' || progress.isComplete) {
    // Estimating is for answers whose end was seen; one that broke off before its usage came stays bounded.
    const unreported = end.kind === 'complete' ? 'estimated' : 'bounded';
    const usageSource = progress.usage ? 'provider' : unreported;
    return { outcome: 'completed', errorCode: null, usageSource, isRetried: false, health: 'ok' };
  }
  if (end.kind === 'fault') return concludeFault(end.fault, progress);
  const usageSource = sourceOfUnfinished(progress);
  return { outcome: 'cancelled', errorCode: end.code, usageSource, isRetried: false, health: null };
}
