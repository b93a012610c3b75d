import { randomUUID } from 'node:crypto';

/** The events of one real call, as its producers wrote them: what every generated call is cut from. */
export interface CallPattern {
  readonly ingress: readonly string[];
  readonly providers: readonly string[];
}

/** Lines of consecutive sequences of one producer, as one message of its event stream. */
export interface GeneratedBatch {
  readonly partition: number;
  readonly messageId: string;
  readonly payload: Buffer;
  readonly events: number;
}

/** Events a message, as producers form them under load. */
const EVENTS_A_BATCH = 128;
export const PARTITIONS = 2;
export const EVENTS_A_CALL = 4;

/** FNV-1a (32 bit), as the gateway distributes producers over its streams. */
function partitionOf(producerId: string): number {
  let hash = 0x811c9dc5;
  for (const character of producerId) hash = Math.imul(hash ^ character.charCodeAt(0), 0x01000193) >>> 0;
  return hash % PARTITIONS;
}

/** A random UUID in the form of version 7: its time is its first 48 bits. */
function uuidAt(time: number): string {
  const head = Math.floor(time).toString(16).padStart(12, '0');
  return `${head.slice(0, 8)}-${head.slice(8)}-7${randomUUID().slice(15)}`;
}

function producerOf(partition: number): string {
  for (;;) {
    const id = uuidAt(Date.now());
    if (partitionOf(id) === partition) return id;
  }
}

const FIELDS = /"(eventId|producerId|callId|attemptId)":"[^"]+"|"(time|startedAt|finishedAt|epoch|sequence)":[\d.]+/g;

/** One producer of generated events: the lines of its calls, with ids, times and sequences of their own. */
class Producer {
  readonly id: string;
  sequence = 0;
  private lines: string[] = [];
  private first = 1;

  constructor(readonly partition: number) {
    this.id = producerOf(partition);
  }

  add(
    pattern: readonly string[],
    ids: { readonly call: string; readonly attempt: string; readonly time: number },
  ): void {
    for (const line of pattern) {
      this.sequence += 1;
      const values: Readonly<Record<string, string | number>> = {
        eventId: uuidAt(ids.time),
        producerId: this.id,
        callId: ids.call,
        attemptId: ids.attempt,
        time: ids.time,
        startedAt: ids.time,
        finishedAt: ids.time + 40,
        epoch: 1,
        sequence: this.sequence,
      };
      this.lines.push(
        line.replaceAll(FIELDS, (_, text: string | undefined, number: string | undefined) =>
          text === undefined ? `"${number}":${values[number ?? '']}` : `"${text}":"${values[text]}"`,
        ),
      );
    }
  }

  get isFull(): boolean {
    return this.lines.length >= EVENTS_A_BATCH;
  }

  take(): GeneratedBatch {
    const { id, partition, first, sequence, lines } = this;
    this.lines = [];
    this.first = sequence + 1;
    const payload = Buffer.from(`${lines.join('\n')}\n`);
    return { partition, messageId: `${id}:1:${first}-${sequence}`, payload, events: lines.length };
  }
}

/** Events of `calls` calls, in batches; each partition has one ingress and one worker. Calls begin a millisecond after each other. */
export function* generateCalls(pattern: CallPattern, calls: number): Generator<GeneratedBatch> {
  const startedAt = Date.now() - calls;
  const places = Array.from({ length: PARTITIONS }, (_, partition) => ({
    ingress: new Producer(partition),
    providers: new Producer(partition),
  }));
  for (let call = 0; call < calls; call++) {
    const place = places[call % PARTITIONS];
    if (!place) continue;
    const time = startedAt + call;
    const ids = { call: uuidAt(time), attempt: uuidAt(time), time };
    place.ingress.add(pattern.ingress, ids);
    place.providers.add(pattern.providers, ids);
    for (const producer of [place.ingress, place.providers]) if (producer.isFull) yield producer.take();
  }
  for (const { ingress, providers } of places) {
    if (ingress.sequence > 0) yield ingress.take();
    if (providers.sequence > 0) yield providers.take();
  }
}
