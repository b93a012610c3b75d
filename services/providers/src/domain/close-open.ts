import {
  AttemptFinishedV1,
  AttemptStartedV1,
  type EventData,
  type EventDraft,
  type EventEnvelope,
} from '@weir/contracts';

const idOf = (event: EventEnvelope): string => (event.data as { attemptId: string }).attemptId;

/** The attempt that an event opens. */
export function opensAttempt(event: EventEnvelope): string | undefined {
  return event.type === AttemptStartedV1.type ? idOf(event) : undefined;
}

/** The attempt that an event closes. */
export function closesAttempt(event: EventEnvelope): string | undefined {
  return event.type === AttemptFinishedV1.type ? idOf(event) : undefined;
}

function closeOne(event: EventEnvelope, finishedAt: number): EventDraft {
  const facts = event.data as EventData<typeof AttemptStartedV1>;
  const data: EventData<typeof AttemptFinishedV1> = {
    ...facts,
    outcome: 'cut',
    status: null,
    errorCode: 'worker_lost',
    finishReason: null,
    usage: facts.bound,
    usageSource: 'bounded',
    finishedAt,
    latencyMs: Math.max(0, finishedAt - facts.startedAt),
    firstTokenMs: null,
    responseBytes: 0,
    upstreamRequestId: null,
    dropped: [],
    reconstructed: true,
  };
  return {
    definition: AttemptFinishedV1,
    data,
    organisationId: event.organisationId,
    callId: event.callId,
    traceparent: event.traceparent,
  };
}

/**
 * Closes what a dead worker left open. Nobody knows how far such an attempt came: it is charged at its bound, and marked as
 * reconstructed.
 */
export function closeOpenAttempts(open: readonly EventEnvelope[], now: number): EventDraft[] {
  return open.filter((event) => event.type === AttemptStartedV1.type).map((event) => closeOne(event, now));
}
