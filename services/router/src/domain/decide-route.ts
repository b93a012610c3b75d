import {
  ERRORS,
  type CallEnvelopeV1,
  type CallFailure,
  type CallTarget,
  type ErrorCode,
  type ModelRecord,
} from '@weir/contracts';
import { chooseTarget, type Choice } from './choose-target.js';
import type { Availability } from './target-health.js';

export interface RouteContext {
  readonly now: number;
  readonly model: ModelRecord | undefined;
  readonly isCatalogReady: boolean;
  readonly attemptsMax: number;
  readonly availability: (deploymentId: string) => Availability;
  /** End of a target's rest, milliseconds since the epoch. */
  readonly restUntil: (deploymentId: string) => number;
  readonly isAccepting: (provider: string) => boolean;
  readonly random: () => number;
}

export type RouteDecision =
  /** Too late: whoever waits has routed it again or given up. Nothing is sent, not even an answer. */
  | { readonly kind: 'late' }
  | { readonly kind: 'forward'; readonly target: CallTarget; readonly isProbe: boolean }
  | { readonly kind: 'fail'; readonly failure: CallFailure };

function failure(code: ErrorCode, retryAfterSeconds: number | null): CallFailure {
  return { code, message: ERRORS[code].message, status: null, retryAfterSeconds, upstream: null };
}

/** What the caller is told where no target takes the call: the last target's own error before anything of ours. */
function refuse(
  choice: Exclude<Choice, { kind: 'target' }>,
  envelope: CallEnvelopeV1,
  context: RouteContext,
): CallFailure {
  if (envelope.lastFailure) return envelope.lastFailure;
  switch (choice.kind) {
    case 'no-worker':
      return failure('no_worker', 1);
    case 'exhausted':
      return failure('no_target', null);
    case 'unavailable': {
      if (choice.resting.length === 0) return failure('no_target', 1);
      const soonest = Math.min(...choice.resting.map((id) => context.restUntil(id)));
      return failure('upstream_rate_limited', Math.max(1, Math.ceil((soonest - context.now) / 1_000)));
    }
  }
}

/** Decides where a call goes next. All state of the call is in its envelope; deciding twice is harmless. */
export function decideRoute(envelope: CallEnvelopeV1, context: RouteContext): RouteDecision {
  if (context.now > envelope.dispatchBy) return { kind: 'late' };
  if (!context.isCatalogReady) return { kind: 'fail', failure: failure('catalog_not_ready', 1) };
  const isOutOfAttempts = envelope.attempts.length >= context.attemptsMax;
  const choice = chooseTarget({
    deployments: isOutOfAttempts ? [] : (context.model?.deployments ?? []),
    attempted: new Set(envelope.attempts.map((attempt) => attempt.deploymentId)),
    pinned: new Set(envelope.prices.map((price) => price.deploymentId)),
    region: envelope.region,
    availability: context.availability,
    isAccepting: context.isAccepting,
    random: context.random,
  });
  if (choice.kind !== 'target') return { kind: 'fail', failure: refuse(choice, envelope, context) };
  const { id, provider, adapter, upstreamModel } = choice.deployment;
  const isLast = choice.isLast || envelope.attempts.length + 1 >= context.attemptsMax;
  return {
    kind: 'forward',
    target: { deploymentId: id, provider, adapter, upstreamModel, isLast },
    isProbe: choice.isProbe,
  };
}
