import { randomBytes } from 'node:crypto';
import { EVENT_PARTITIONS, eventStreamName, partitionOf, subjects, uuidv7 } from '@weir/contracts';
import type { Fault, Scene } from '../fault.js';
import { getStreamState, readStored } from '../stream-access.js';

/** Messages of each stream that are published again. */
const AGAIN = 200;
/** A line that lands as an event has at most 64 KiB; the broker takes messages of up to 1 MiB. */
const OVERSIZE_BYTES = 700 * 1024;

/** Publishes and waits for the stream's acknowledgement. */
async function publish({ bus }: Scene, partition: number, payload: Uint8Array, messageId?: string): Promise<void> {
  const headers = messageId === undefined ? {} : { headers: { 'Nats-Msg-Id': messageId } };
  const answer = await bus.request(subjects.events(partition), payload, { timeoutMs: 10_000, ...headers });
  const reply = JSON.parse(answer.toString('utf8')) as {
    readonly error?: { readonly description: string };
    readonly duplicate?: boolean;
  };
  if (reply.error) throw new Error(`the stream refuses: ${reply.error.description}`);
  if (reply.duplicate === true) throw new Error('the broker dropped the message as a duplicate: nothing was repeated');
}

async function repeatStored(scene: Scene): Promise<void> {
  let repeated = 0;
  for (let partition = 0; partition < EVENT_PARTITIONS; partition++) {
    const stream = eventStreamName(partition);
    const { messages, first_seq: first, last_seq: last } = await getStreamState(scene.bus, stream);
    // Each producer has one stream for ever, so one of them may well be empty.
    const positions = Array.from({ length: Math.min(AGAIN, messages) }, () => scene.random.between(first, last));
    repeated += positions.length;
    for (const position of new Set(positions)) {
      const payload = await readStored(scene.bus, stream, position);
      // Another identity than the broker knows it by: what it is past the deduplication window.
      await publish(scene, partition, payload, `again-${uuidv7()}`);
    }
  }
  if (repeated === 0) throw new Error('no stream holds a message that could be repeated');
}

/** An event of a producer that nobody knows, as far as it goes. */
function foreignEvent(producerId: string, sequence: number, more: object = {}): string {
  return JSON.stringify({
    eventId: uuidv7(),
    type: 'producer.alive',
    version: 1,
    time: Date.now(),
    producerId,
    epoch: 1,
    sequence,
    organisationId: null,
    callId: null,
    traceparent: null,
    data: { service: 'chaos', instance: 'chaos', lastSequence: sequence - 1, open: 0, previous: null },
    ...more,
  });
}

async function publishPoison(scene: Scene): Promise<void> {
  const producerId = uuidv7();
  const partition = partitionOf(producerId, EVENT_PARTITIONS);
  const lines = [
    foreignEvent(producerId, 1),
    'not an event',
    foreignEvent(producerId, 3, { type: 'call.finished', data: { callId: 'none' } }),
    foreignEvent(producerId, 4, { type: 'nobody.knows' }),
    foreignEvent(producerId, 5, { sequence: 77 }),
    foreignEvent(producerId, 6, { data: { filler: 'x'.repeat(OVERSIZE_BYTES) } }),
    foreignEvent(producerId, 7),
  ];
  await publish(scene, partition, Buffer.from(`${lines.join('\n')}\n`), `${producerId}:1:1-${lines.length}`);
  for (let stream = 0; stream < EVENT_PARTITIONS; stream++) {
    await publish(scene, stream, randomBytes(512));
    await publish(scene, stream, Buffer.from('{"type":"call.finished"}\n\n{]\n'));
    await publish(scene, stream, Buffer.alloc(OVERSIZE_BYTES, 'x'));
    await publish(scene, stream, Buffer.alloc(0));
  }
}

export const messageFaults: readonly Fault[] = [
  {
    name: 'duplicate-delivery',
    does: `${AGAIN} stored batches of each stream published again under another Nats-Msg-Id, as past the deduplication window`,
    isShort: true,
    run: repeatStored,
  },
  {
    name: 'poison',
    does: 'events that nobody can read, that lie about themselves, or that are too large, published into the streams',
    isShort: false,
    run: publishPoison,
  },
];
