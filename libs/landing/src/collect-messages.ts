import { setTimeout as sleep } from 'node:timers/promises';
import type { StreamBatch, StreamReader } from '@weir/bus';
import { lingerFor } from './linger.js';

export interface CollectLimits {
  /** Longest wait for the first message. */
  readonly waitMs: number;
  /** Pause between two looks at what has arrived. */
  readonly lookMs: number;
  /** A batch is closed when nothing came for this long … */
  readonly idleMs: number;
  /** … or when it is this old, the sooner the fewer events come … */
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
 * for company. Empty where nothing came; what there is where the signal aborts.
 */
export async function collectMessages(
  reader: StreamReader,
  limits: CollectLimits,
  signal: AbortSignal,
): Promise<readonly StreamBatch[]> {
  const messages: StreamBatch[] = [];
  let size = { events: 0, bytes: 0 };
  let openedAt = 0;
  let closesAt = Infinity;
  // A signal of this batch: what waits on it goes with it, while the caller's lives as long as the process.
  const batch = new AbortController();
  const abort = (): void => batch.abort(signal.reason);
  signal.addEventListener('abort', abort, { once: true });
  try {
    signal.throwIfAborted();
    while (size.events < limits.eventsMax && size.bytes < limits.bytesMax) {
      const left = closesAt - performance.now();
      if (left <= 0) break;
      const isFirst = messages.length === 0;
      const more = await reader.fetch(MESSAGES_PER_FETCH, isFirst ? limits.waitMs : limits.idleMs, batch.signal);
      if (more.length === 0) break;
      messages.push(...more);
      const added = sizeOf(more);
      size = { events: size.events + added.events, bytes: size.bytes + added.bytes };
      const now = performance.now();
      if (isFirst) openedAt = now;
      const seconds = Math.max(now - openedAt, limits.lookMs) / 1_000;
      closesAt = openedAt + lingerFor(size.events / seconds, limits.lingerMs);
      // What comes meanwhile waits in the reader: a few looks a second cost less than one for each message.
      await sleep(Math.min(limits.lookMs, Math.max(0, closesAt - performance.now())), undefined, {
        signal: batch.signal,
      });
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  } finally {
    signal.removeEventListener('abort', abort);
  }
  return messages;
}

/** Cuts what was collected into batches of at most `eventsMax` events, whole messages each. */
export function* cutBatches(messages: readonly StreamBatch[], eventsMax: number): Generator<readonly StreamBatch[]> {
  let batch: StreamBatch[] = [];
  let events = 0;
  for (const message of messages) {
    const lines = countLines(message.payload);
    if (batch.length > 0 && events + lines > eventsMax) {
      yield batch;
      batch = [];
      events = 0;
    }
    batch.push(message);
    events += lines;
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
