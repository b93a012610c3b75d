import type { StreamBatch, StreamReader } from '@weir/bus';

export interface CollectLimits {
  /** Longest wait for the first message. */
  readonly waitMs: number;
  /** A batch is closed when nothing came for this long … */
  readonly idleMs: number;
  /** … or when it is this old … */
  readonly lingerMs: number;
  /** … or holds this many events … */
  readonly eventsMax: number;
  /** … or this many bytes. */
  readonly bytesMax: number;
}

const MESSAGES_PER_FETCH = 500;
const NEWLINE = 0x0a;

/**
 * Collects the messages of one batch. Few large batches cost the warehouse far less than many small ones, so a batch waits a little
 * for company. Empty where nothing came, or the signal aborted first.
 */
export async function collectMessages(
  reader: StreamReader,
  limits: CollectLimits,
  signal: AbortSignal,
): Promise<readonly StreamBatch[]> {
  const messages = [...(await reader.fetch(MESSAGES_PER_FETCH, limits.waitMs, signal))];
  if (messages.length === 0) return messages;
  const closesAt = performance.now() + limits.lingerMs;
  let size = sizeOf(messages);
  while (!signal.aborted && size.events < limits.eventsMax && size.bytes < limits.bytesMax) {
    const left = closesAt - performance.now();
    if (left <= 0) break;
    const more = await reader.fetch(MESSAGES_PER_FETCH, Math.min(limits.idleMs, left), signal);
    if (more.length === 0) break;
    messages.push(...more);
    const added = sizeOf(more);
    size = { events: size.events + added.events, bytes: size.bytes + added.bytes };
  }
  return messages;
}

/** Cuts what was collected into batches of at most `eventsMax` events, whole messages each. */
export function* cutBatches(messages: readonly StreamBatch[], eventsMax: number): Generator<readonly StreamBatch[]> {
  let batch: StreamBatch[] = [];
  let events = 0;
  for (const message of messages) {
    const added = countLines(message.payload);
    if (batch.length > 0 && events + added > eventsMax) {
      yield batch;
      batch = [];
      events = 0;
    }
    batch.push(message);
    events += added;
  }
  if (batch.length > 0) yield batch;
}

function sizeOf(messages: readonly StreamBatch[]): { events: number; bytes: number } {
  let events = 0;
  let bytes = 0;
  for (const { payload } of messages) {
    events += countLines(payload);
    bytes += payload.length;
  }
  return { events, bytes };
}

function countLines(payload: Uint8Array): number {
  let lines = 0;
  for (let at = payload.indexOf(NEWLINE); at >= 0; at = payload.indexOf(NEWLINE, at + 1)) lines++;
  return Math.max(1, lines);
}
