import { CallFinishedV1, CallStartedV1, EVENT_PARTITIONS, type EventDraft, type EventEnvelope } from '@weir/contracts';
import { openJournal, type JournalOptions } from '@weir/journal';
import { connectBus } from '../connection/bus-connection.js';
import { EventPublisher } from './event-publisher.js';

const keyOf = (event: EventEnvelope) => event.callId ?? undefined;

export function producerOptions(folder: string): JournalOptions {
  return {
    folder,
    service: 'ingress',
    instance: 'ingress-0',
    clock: Date,
    highWaterBytes: 64 * 1024 * 1024,
    fsyncEveryMs: 20,
    segmentBytes: 256 * 1024,
    opens: (event) => (event.type === 'call.started' ? keyOf(event) : undefined),
    closes: (event) => (event.type === 'call.finished' ? keyOf(event) : undefined),
    closeOpen: (events) => events.map((event) => eventOf(CallFinishedV1, event.callId ?? '')),
    onError: (error) => {
      throw error;
    },
  };
}

function eventOf(definition: EventDraft['definition'], callId: string): EventDraft {
  return {
    definition,
    data: { callId },
    organisationId: null,
    callId: callId as EventDraft['callId'],
    traceparent: null,
  };
}

/** As a process: records calls without end, every third of which also ends, until it is killed. Arguments: folder, broker's URL. */
async function produce(folder: string, url: string): Promise<void> {
  const connection = await connectBus({ url, user: 'ingress', password: 'secret', name: 'producer' });
  const journal = await openJournal(producerOptions(folder));
  const onError = (error: Error) => process.stderr.write(`${error.message}\n`);
  const publisher = new EventPublisher({ connection, journal, partitions: EVENT_PARTITIONS, timeScale: 0.1, onError });
  publisher.start();
  let call = 0;
  setInterval(() => {
    const callId = `${journal.producerId} ${call++}`;
    publisher.append(eventOf(CallStartedV1, callId), {
      urgent: true,
      onAcknowledged: () => void process.stdout.write(`${callId}\n`),
    });
    if (call % 3 === 0) publisher.append(eventOf(CallFinishedV1, callId));
  }, 1);
}

const [script, folder, url] = process.argv.slice(1);
if (script === import.meta.filename && folder !== undefined && url !== undefined) await produce(folder, url);
