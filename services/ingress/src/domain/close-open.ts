import { CallFinishedV1, CallStartedV1, ERRORS, type EventDraft, type EventEnvelope } from '@weir/contracts';

/** The call an event opens in the journal, for the journal's account of what is open. */
export function opensCall(event: EventEnvelope): string | undefined {
  return event.type === CallStartedV1.type ? (event.callId ?? undefined) : undefined;
}

export function closesCall(event: EventEnvelope): string | undefined {
  return event.type === CallFinishedV1.type ? (event.callId ?? undefined) : undefined;
}

/**
 * The record of a call whose ingress died while it ran, written by who adopts its journal. All that is known is that it was admitted, and
 * the bound of its cost at that time: so no provider, no attempts and no usage are claimed, and the cost is that bound. What was really
 * spent is in the attempts' own records (providers' journal), from which charges are made. Without a known price the cost is zero with a
 * usage source of `none`: nothing can be claimed. The status is 502, since the connection broke with the process and none can be proved.
 */
function reconstruct(started: EventEnvelope, finishedAt: number): EventDraft<typeof CallFinishedV1> | undefined {
  const parsed = CallStartedV1.data.safeParse(started.data);
  if (!parsed.success) return undefined;
  const { boundPico, ...facts } = parsed.data;
  return {
    definition: CallFinishedV1,
    data: {
      ...facts,
      finishedAt,
      status: ERRORS.ingress_lost.status,
      errorCode: 'ingress_lost',
      provider: null,
      deploymentId: null,
      simulated: false,
      finishReason: null,
      usage: null,
      usageSource: boundPico ? 'bounded' : 'none',
      costPico: boundPico ?? '0',
      priceVersion: null,
      latencyMs: Math.max(0, finishedAt - facts.startedAt),
      firstTokenMs: null,
      responseBytes: 0,
      attempts: [],
      dropped: [],
      reconstructed: true,
    },
    organisationId: started.organisationId,
    callId: facts.callId,
    traceparent: started.traceparent,
  };
}

/**
 * Closes what a dead ingress left open: one `call.finished` for each `call.started` given. Each ends at the time of the last of them,
 * the last moment at which that process is known to have lived.
 */
export function closeOpenCalls(open: readonly EventEnvelope[]): EventDraft[] {
  const lastSeen = open.reduce((latest, event) => Math.max(latest, event.time), 0);
  return open.flatMap((started) => (opensCall(started) === undefined ? [] : (reconstruct(started, lastSeen) ?? [])));
}
