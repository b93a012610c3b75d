import type { EventDraft } from '@weir/contracts';
import { CallDeniedV1, CallFinishedV1, CallStartedV1, type EventDefinition, type EventEnvelope } from '@weir/contracts';
import type { JournalOptions } from './journal-options.js';

/** Events of specs: only their type and call matter to the journal. */
function draft(definition: EventDefinition, callId: string, padding = ''): EventDraft {
  return {
    definition,
    data: { callId, padding },
    organisationId: null,
    callId: callId as EventDraft['callId'],
    traceparent: null,
    annex: 'salt',
  };
}
export const started = (callId: string, padding?: string): EventDraft => draft(CallStartedV1, callId, padding);
export const finished = (callId: string, padding?: string): EventDraft => draft(CallFinishedV1, callId, padding);
export const denied = (callId: string, padding?: string): EventDraft => draft(CallDeniedV1, callId, padding);

const keyOf = (event: EventEnvelope) => event.callId ?? undefined;

export function journalOptions(folder: string, changes: Partial<JournalOptions> = {}): JournalOptions {
  return {
    folder,
    service: 'ingress',
    instance: 'ingress-0',
    clock: Date,
    highWaterBytes: 64 * 1024 * 1024,
    fsyncEveryMs: 20,
    segmentBytes: 1024 * 1024,
    retryEveryMs: 20,
    opens: (event) => (event.type === 'call.started' ? keyOf(event) : undefined),
    closes: (event) => (event.type === 'call.finished' ? keyOf(event) : undefined),
    closeOpen: (events) => events.map((event) => finished(event.callId ?? '', 'reconstructed')),
    onError: (error) => {
      throw error;
    },
    ...changes,
  };
}
