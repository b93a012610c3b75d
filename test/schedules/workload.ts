import {
  AttemptFinishedV1,
  AttemptStartedV1,
  CallFinishedV1,
  CallStartedV1,
  type EventDraft,
  type EventEnvelope,
  type PriceRecord,
} from '@weir/contracts';
import { EPOCH_MS } from './virtual-runtime.js';

const PRICE_VERSION = 'simulator/sim@2026-01-01';
const RATES = {
  ...{ inputUncached: '3000000', inputCacheRead: '300000', inputCacheWrite5m: '3750000' },
  ...{ inputCacheWrite1h: '6000000', output: '15000000', reasoning: '15000000' },
};

/** The one price there is. */
export const PRICE: PriceRecord = {
  kind: 'price',
  priceVersion: PRICE_VERSION,
  key: 'simulator/sim',
  validFrom: 0,
  rates: RATES,
  source: 'schedules',
};

/** A call with one attempt. Everything of it follows from its two ids. */
export interface PlannedCall {
  readonly callId: string;
  readonly attemptId: string;
  /** Hours before the schedule begins that its attempt ended: its ledger hour. */
  readonly hoursAgo: number;
  readonly outputTokens: number;
}

const NO_TOKENS = { inputUncached: 0, inputCacheRead: 0, inputCacheWrite5m: 0, inputCacheWrite1h: 0, reasoning: 0 };
const PRINCIPAL = { organisationId: 'acme', teamId: 'vision', personId: null, keyId: 'k1', application: 'simulation' };
const endOf = ({ hoursAgo }: PlannedCall): number => EPOCH_MS - hoursAgo * 3_600_000 + 60_000;

const callFacts = (call: PlannedCall) => ({
  ...{ callId: call.callId, principal: PRINCIPAL, region: 'local', dialect: 'openai-chat', modelRequested: 'sim' },
  ...{ model: 'sim', stream: true, startedAt: endOf(call) - 1_000, requestBytes: 100, requestDigest: null },
});

const attemptFacts = (call: PlannedCall) => ({
  ...{ attemptId: call.attemptId, callId: call.callId, attempt: 1, principal: PRINCIPAL, region: 'local' },
  ...{
    provider: 'simulator',
    deploymentId: 'sim-local',
    adapter: 'openai-compatible',
    model: 'sim',
    upstreamModel: 'sim',
  },
  ...{ simulated: true, priceVersion: PRICE_VERSION, startedAt: endOf(call) - 900 },
  bound: { ...NO_TOKENS, inputCacheWrite1h: 200, output: 1_000 },
});

function draft(definition: EventDraft['definition'], data: object, callId: string): EventDraft {
  const id = callId as EventDraft['callId'];
  return { definition, data, organisationId: 'acme', callId: id, traceparent: null };
}

/** What a call begins with. */
export const startOfCall = (call: PlannedCall): EventDraft[] => [
  draft(CallStartedV1, { ...callFacts(call), boundPico: '16200000000' }, call.callId),
  draft(AttemptStartedV1, attemptFacts(call), call.callId),
];

/** What its attempt cost, as the provider counted it. */
export const endOfAttempt = (call: PlannedCall): EventDraft =>
  draft(
    AttemptFinishedV1,
    {
      ...attemptFacts(call),
      ...{ outcome: 'completed', status: 200, errorCode: null, finishReason: 'stop' },
      usage: { ...NO_TOKENS, inputUncached: 50, output: call.outputTokens },
      ...{ usageSource: 'provider', finishedAt: endOf(call), latencyMs: 900, firstTokenMs: 100, responseBytes: 64 },
      ...{ upstreamRequestId: null, dropped: [], reconstructed: false },
    },
    call.callId,
  );

export const endOfCall = (call: PlannedCall, isReconstructed = false): EventDraft =>
  draft(CallFinishedV1, finishedCall(callFacts(call), endOf(call), isReconstructed), call.callId);

const finishedCall = (facts: object, finishedAt: number, reconstructed: boolean) => ({
  ...facts,
  ...{ finishedAt, status: 200, errorCode: null, provider: 'simulator', deploymentId: 'sim-local', simulated: true },
  ...{ finishReason: null, usage: null, usageSource: 'provider', costPico: '0', priceVersion: PRICE_VERSION },
  ...{ latencyMs: 1_000, firstTokenMs: null, responseBytes: 64, attempts: [], dropped: [], reconstructed },
});

/** What an adopter makes of what its journal left open: an attempt costs its bound until somebody knows better. */
export function closeOpen(events: readonly EventEnvelope[]): EventDraft[] {
  return events.map((event) => {
    const data = event.data as ReturnType<typeof attemptFacts> & ReturnType<typeof callFacts>;
    if (event.type === CallStartedV1.type)
      return draft(CallFinishedV1, finishedCall(data, data.startedAt + 1_000, true), data.callId);
    return draft(
      AttemptFinishedV1,
      {
        ...data,
        ...{ outcome: 'cut', status: null, errorCode: null, finishReason: null, usage: null, usageSource: 'bounded' },
        ...{ finishedAt: data.startedAt + 900, latencyMs: 900, firstTokenMs: null, responseBytes: 0 },
        ...{ upstreamRequestId: null, dropped: [], reconstructed: true },
      },
      data.callId,
    );
  });
}

/** Names of what an event opens and closes: a call and its attempt are two things. */
export const opens = (event: EventEnvelope): string | undefined =>
  keyOf(event, CallStartedV1.type, AttemptStartedV1.type);
export const closes = (event: EventEnvelope): string | undefined =>
  keyOf(event, CallFinishedV1.type, AttemptFinishedV1.type);

function keyOf({ type, callId, data }: EventEnvelope, call: string, attempt: string): string | undefined {
  if (type === call) return `call ${callId ?? ''}`;
  return type === attempt ? `attempt ${(data as { attemptId: string }).attemptId}` : undefined;
}
