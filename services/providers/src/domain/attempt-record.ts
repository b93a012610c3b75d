import type {
  AttemptFacts,
  AttemptFinishedV1,
  AttemptSummary,
  CallEnvelopeV1,
  Deployment,
  EventData,
  PriceRecord,
  ProviderRecord,
  Usage,
} from '@weir/contracts';
import { boundUsage, boundedUsage, chargedUsage, formatPico, rateUsage, ZERO_PICO } from '@weir/money';
import { estimateUsage } from './answer-estimate.js';
import type { AttemptConclusion, AttemptProgress } from './attempt-conclusion.js';

export interface FactsInput {
  readonly attemptId: AttemptFacts['attemptId'];
  readonly envelope: CallEnvelopeV1;
  readonly deployment: Deployment;
  readonly provider: ProviderRecord;
  readonly startedAt: number;
}

/** Upper bound of what an attempt can use: the client's output limit, or else all that the model can produce. */
function boundOf(envelope: CallEnvelopeV1, deployment: Deployment): Usage {
  return boundUsage({
    requestBytes: envelope.body.bytes,
    maxOutputTokens: envelope.maxOutputTokens ?? deployment.maxOutputTokens,
    contextWindow: deployment.contextWindow,
    choices: envelope.choices ?? 1,
    // OpenAI's caches write themselves and cost nothing to write.
    cacheWrites: deployment.adapter !== 'openai-compatible',
  });
}

/** What is known when the attempt starts. The price version is the one pinned at admission, never the catalog's of today. */
export function factsOf({ attemptId, envelope, deployment, provider, startedAt }: FactsInput): AttemptFacts {
  const pinned = envelope.prices.find((price) => price.deploymentId === deployment.id);
  return {
    attemptId,
    callId: envelope.callId,
    attempt: envelope.attempts.length + 1,
    principal: envelope.principal,
    region: envelope.region,
    provider: provider.id,
    deploymentId: deployment.id,
    adapter: deployment.adapter,
    model: envelope.model,
    upstreamModel: deployment.upstreamModel,
    simulated: provider.simulated,
    priceVersion: pinned?.priceVersion ?? null,
    bound: boundOf(envelope, deployment),
    startedAt,
  };
}

/** The usage that goes into the record beside its source: what is charged, so that tokens and cost never tell two stories. */
function recordedUsage(
  conclusion: AttemptConclusion,
  progress: AttemptProgress,
  facts: AttemptFacts,
  estimate: { readonly requestBytes: number; readonly answerTokens: number },
): Usage | null {
  switch (conclusion.usageSource) {
    case 'provider':
      return progress.usage;
    case 'estimated':
      return estimateUsage(estimate.requestBytes, estimate.answerTokens, facts.bound);
    case 'bounded':
      return boundedUsage(progress.usage, facts.bound);
    case 'none':
      return null;
  }
}

export type AttemptFinished = EventData<typeof AttemptFinishedV1>;

/** What else the record keeps of an ended attempt. */
export interface FinishedInput {
  readonly facts: AttemptFacts;
  readonly conclusion: AttemptConclusion;
  readonly progress: AttemptProgress;
  readonly requestBytes: number;
  readonly answerTokens: number;
  readonly finishReason: string | null;
  readonly finishedAt: number;
  readonly latencyMs: number;
  readonly firstTokenMs: number | null;
  readonly upstreamRequestId: string | null;
  readonly dropped: readonly string[];
}

/** The event that closes an attempt. Written out field by field: spreading the facts costs as much as encoding the event. */
export function finishedOf(input: FinishedInput): AttemptFinished {
  const { facts, conclusion, progress } = input;
  return {
    attemptId: facts.attemptId,
    callId: facts.callId,
    attempt: facts.attempt,
    principal: facts.principal,
    region: facts.region,
    provider: facts.provider,
    deploymentId: facts.deploymentId,
    adapter: facts.adapter,
    model: facts.model,
    upstreamModel: facts.upstreamModel,
    simulated: facts.simulated,
    priceVersion: facts.priceVersion,
    bound: facts.bound,
    startedAt: facts.startedAt,
    outcome: conclusion.outcome,
    status: progress.status,
    errorCode: conclusion.errorCode,
    finishReason: input.finishReason,
    usage: recordedUsage(conclusion, progress, facts, input),
    usageSource: conclusion.usageSource,
    finishedAt: input.finishedAt,
    latencyMs: input.latencyMs,
    firstTokenMs: input.firstTokenMs,
    responseBytes: progress.bytesReceived,
    upstreamRequestId: input.upstreamRequestId,
    dropped: [...input.dropped],
    reconstructed: false,
  };
}

/** Cost at the pinned price. Without one the attempt is flagged (`priceVersion` null): the amount is then no statement. */
function costOf(finished: AttemptFinished, price: PriceRecord | undefined): string {
  const rated = price && rateUsage(chargedUsage(finished), price);
  return formatPico(rated?.total ?? ZERO_PICO);
}

/** The attempt as it travels with the call. */
export function summarise(finished: AttemptFinished, price: PriceRecord | undefined): AttemptSummary {
  return {
    attemptId: finished.attemptId,
    attempt: finished.attempt,
    deploymentId: finished.deploymentId,
    provider: finished.provider,
    status: finished.status,
    errorCode: finished.errorCode,
    usageSource: finished.usageSource,
    costPico: costOf(finished, price),
  };
}
