import { ProducerAliveV1, uuidv7, type EventDraft, type EventEnvelope } from '@weir/contracts';
import { encodeLine } from './event-line.js';
import type { LedgerLine } from './journal-ledger.js';
import type { JournalOptions, WrittenCallback, WrittenEvent } from './journal-options.js';

/** An event on its way to the file. `alive` events are formed when they are written: they state the sequence before them. */
export interface QueuedEvent {
  readonly draft: EventDraft | 'alive';
  readonly eventId: string;
  readonly time: number;
  readonly written: WrittenCallback | undefined;
}

export interface FormedLine extends LedgerLine {
  readonly queued: QueuedEvent;
  readonly event: WrittenEvent;
}

export interface AliveFacts {
  readonly open: number;
  readonly previous: { readonly epoch: number; readonly lastSequence: number } | null;
}

interface Source {
  readonly options: JournalOptions;
  readonly producerId: string;
  readonly epoch: number;
}

export function queueEvent(draft: EventDraft | 'alive', now: number, written?: WrittenCallback): QueuedEvent {
  return { draft, eventId: uuidv7(), time: now, written };
}

/**
 * Gives a turn's events their sequences, after `lastSequence`, and their bytes. Until these are written nobody has seen a
 * sequence, so a write that fails leaves no gap.
 */
export function formLines(
  source: Source,
  queue: readonly QueuedEvent[],
  lastSequence: number,
  alive: AliveFacts,
): { bytes: Buffer; lines: FormedLine[] } {
  const { options } = source;
  const formed: { queued: QueuedEvent; envelope: EventEnvelope; from: number; to: number }[] = [];
  let text = '';
  let end = 0;
  for (const queued of queue) {
    const envelope = formEnvelope(source, queued, lastSequence + formed.length + 1, alive);
    const line = encodeLine(envelope, queued.draft === 'alive' ? undefined : queued.draft.annex);
    text += `${line}\n`;
    const from = end;
    const to = from + Buffer.byteLength(line);
    end = to + 1;
    formed.push({ queued, envelope, from, to });
  }
  const bytes = Buffer.from(text, 'utf8');
  const lines = formed.map(({ queued, envelope, from, to }): FormedLine => {
    const { sequence } = envelope;
    const line = bytes.subarray(from, to);
    const event = { epoch: source.epoch, sequence, line, eventId: queued.eventId };
    return { queued, event, sequence, line, opens: options.opens(envelope), closes: options.closes(envelope) };
  });
  return { bytes, lines };
}

/** The order of the fields is part of the format: see `findSequence`. */
function formEnvelope(source: Source, queued: QueuedEvent, sequence: number, alive: AliveFacts): EventEnvelope {
  const { draft } = queued;
  const isAlive = draft === 'alive';
  const definition = isAlive ? ProducerAliveV1 : draft.definition;
  return {
    eventId: queued.eventId,
    type: definition.type,
    version: definition.version,
    time: queued.time,
    producerId: source.producerId as EventEnvelope['producerId'],
    epoch: source.epoch,
    sequence,
    organisationId: isAlive ? null : draft.organisationId,
    callId: isAlive ? null : draft.callId,
    traceparent: isAlive ? null : draft.traceparent,
    data: isAlive ? aliveData(source.options, sequence, alive) : draft.data,
  };
}

function aliveData({ service, instance }: JournalOptions, sequence: number, { open, previous }: AliveFacts): object {
  return { service, instance, lastSequence: sequence - 1, open, previous: sequence === 1 ? previous : null };
}
