import {
  CallDeniedV1,
  CallFinishedV1,
  CallStartedV1,
  type AttemptSummary,
  type CallFacts,
  type CallId,
  type ClientDialect,
  type EndFrame,
  type ErrorCode,
  type EventData,
  type EventDraft,
  type FailFrame,
  type HeadFrame,
  type KeyRecord,
  type PicoUsdString,
  type Usage,
  type UsageSource,
} from '@weir/contracts';
import { formatPico } from '@weir/money';
import { costOf } from './settlement.js';

/** Milliseconds to three digits: finer than any clock here, and short in the record. */
const roundMs = (ms: number): number => Math.round(ms * 1_000) / 1_000;

export interface StartedCall {
  readonly facts: CallFacts;
  /** Salt of the request's digest. */
  readonly salt: string;
  readonly traceparent: string | null;
  /** Upper bound of the cost, or null where no price is known. */
  readonly boundPico: PicoUsdString | null;
}

export function startedEvent(call: StartedCall): EventDraft<typeof CallStartedV1> {
  const { facts, boundPico, salt, traceparent } = call;
  const { organisationId } = facts.principal;
  const data = {
    callId: facts.callId,
    principal: facts.principal,
    region: facts.region,
    dialect: facts.dialect,
    modelRequested: facts.modelRequested,
    model: facts.model,
    stream: facts.stream,
    startedAt: facts.startedAt,
    requestBytes: facts.requestBytes,
    requestDigest: facts.requestDigest,
    boundPico,
  };
  return { definition: CallStartedV1, data, organisationId, callId: facts.callId, traceparent, annex: salt };
}

/** What the client was given. */
export interface Delivery {
  /** HTTP status given to the client; 499 where it left before the headers. */
  readonly status: number;
  readonly errorCode: string | null;
  readonly finishedAt: number;
  readonly latencyMs: number;
  readonly firstTokenMs: number | null;
  readonly responseBytes: number;
}

/** What the call has used: from the worker's last word, or bounded where there is none. */
export interface Consumption {
  readonly served: HeadFrame['served'] | null;
  readonly finishReason: string | null;
  readonly usage: Usage | null;
  readonly usageSource: UsageSource;
  readonly costPico: PicoUsdString;
  readonly priceVersion: string | null;
  readonly attempts: AttemptSummary[];
  readonly dropped: string[];
}

export const NOTHING_CONSUMED: Consumption = {
  served: null,
  finishReason: null,
  usage: null,
  usageSource: 'none',
  costPico: '0',
  priceVersion: null,
  attempts: [],
  dropped: [],
};

export function consumptionOfEnd(head: HeadFrame, end: EndFrame): Consumption {
  return {
    served: head.served,
    finishReason: end.finishReason,
    usage: end.usage,
    usageSource: end.usageSource,
    costPico: formatPico(costOf(end.attempts)),
    priceVersion: end.priceVersion,
    attempts: end.attempts,
    dropped: head.dropped,
  };
}

export function consumptionOfFailure(head: HeadFrame | null, fail: FailFrame, pinned: string | null): Consumption {
  return {
    served: fail.served ?? head?.served ?? null,
    finishReason: null,
    usage: fail.usage,
    usageSource: fail.usageSource,
    costPico: formatPico(costOf(fail.attempts)),
    priceVersion: pinned,
    attempts: fail.attempts,
    dropped: head?.dropped ?? [],
  };
}

/** The worker was lost, or silent after a cancel: it may have spent up to the bound. Its own journal will say what it really did. */
export function consumptionUnheard(
  head: HeadFrame | null,
  bound: PicoUsdString | null,
  pinned: string | null,
): Consumption {
  return {
    ...NOTHING_CONSUMED,
    served: head?.served ?? null,
    usageSource: bound === null ? 'none' : 'bounded',
    costPico: bound ?? '0',
    priceVersion: pinned,
    dropped: head?.dropped ?? [],
  };
}

/** Written out field by field: spreading objects this large costs a tenth of all the work of a call. */
export function finishedEvent(
  { facts, traceparent }: StartedCall,
  delivery: Delivery,
  used: Consumption,
): EventDraft<typeof CallFinishedV1> {
  const { served } = used;
  const { status, errorCode, finishedAt, latencyMs, firstTokenMs, responseBytes } = delivery;
  return {
    definition: CallFinishedV1,
    data: {
      callId: facts.callId,
      principal: facts.principal,
      region: facts.region,
      dialect: facts.dialect,
      modelRequested: facts.modelRequested,
      model: facts.model,
      stream: facts.stream,
      startedAt: facts.startedAt,
      requestBytes: facts.requestBytes,
      requestDigest: facts.requestDigest,
      finishedAt,
      status,
      errorCode,
      provider: served?.provider ?? null,
      deploymentId: served?.deploymentId ?? null,
      simulated: served?.simulated ?? false,
      finishReason: used.finishReason,
      usage: used.usage,
      usageSource: used.usageSource,
      costPico: used.costPico,
      priceVersion: used.priceVersion,
      latencyMs: roundMs(latencyMs),
      firstTokenMs: firstTokenMs === null ? null : roundMs(firstTokenMs),
      responseBytes,
      attempts: used.attempts,
      dropped: used.dropped,
      reconstructed: false,
    },
    organisationId: facts.principal.organisationId,
    callId: facts.callId,
    traceparent,
  };
}

export interface DeniedCall {
  readonly callId: CallId;
  readonly at: number;
  readonly region: string;
  readonly dialect: ClientDialect;
  /** The key that was recognised, whether or not it may be used. */
  readonly key: KeyRecord | null;
  readonly application: string;
  readonly modelRequested: string | null;
  readonly status: number;
  readonly code: ErrorCode;
  readonly requestBytes: number;
  readonly latencyMs: number;
  readonly traceparent: string | null;
}

const MODEL_NAME_MAX = 256;

function ownerOf(
  key: KeyRecord | null,
): Pick<EventData<typeof CallDeniedV1>, 'organisationId' | 'teamId' | 'personId' | 'keyId'> {
  if (key === null) return { organisationId: null, teamId: null, personId: null, keyId: null };
  return { organisationId: key.organisationId, teamId: key.teamId, personId: key.personId, keyId: key.id };
}

export function deniedEvent(denied: DeniedCall): EventDraft<typeof CallDeniedV1> {
  const { key, code, latencyMs, traceparent, modelRequested, ...known } = denied;
  const owner = ownerOf(key);
  return {
    definition: CallDeniedV1,
    data: {
      ...known,
      ...owner,
      // A name of any length can be asked for; the record keeps what tells it apart.
      modelRequested: modelRequested?.slice(0, MODEL_NAME_MAX) ?? null,
      errorCode: code,
      latencyMs: roundMs(latencyMs),
    },
    organisationId: owner.organisationId,
    callId: denied.callId,
    traceparent,
  };
}
