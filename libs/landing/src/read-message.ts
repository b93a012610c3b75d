import { isUtf8 } from 'node:buffer';
import { EVENTS, EventEnvelope, splitEventLine, type EventDefinition } from '@weir/contracts';
import type { Fault, FaultReason, LandingItem, LinePosition, Origin } from './landing-event.js';

/** A message of an event stream: lines of a journal. */
export interface EventMessage {
  readonly streamSequence: number;
  readonly payload: Uint8Array;
  /** `producerId:epoch:first-last`, the message's identity; where it is missing, the lines themselves tell. */
  readonly messageId: string | undefined;
}

export interface ReadOptions {
  readonly partition: number;
  /** Longest line that lands as an event. */
  readonly lineBytesMax: number;
  /** Whether the sink reads the data of events of this type; others are not checked, only counted. */
  readonly reads: (type: string) => boolean;
  /** Whether events it does not read are passed over by their head alone, without being parsed. */
  readonly skips: boolean;
}

interface Run {
  readonly producerId: string;
  readonly epoch: number;
  readonly first: number;
}

const DEFINITIONS: ReadonlyMap<string, EventDefinition> = new Map(
  EVENTS.map((definition) => [`${definition.type}@${definition.version}`, definition]),
);
const KNOWN_TYPES: ReadonlySet<string> = new Set(EVENTS.map((definition) => definition.type));
const MESSAGE_ID = /^([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}):(\d{1,15}):(\d{1,15})-(\d{1,15})$/i;

/** Reads a message, each line once. Never throws: what is not an event comes back as poison, with its sequence where anything tells it. */
export function readMessage(message: EventMessage, options: ReadOptions): LandingItem[] {
  const lines = splitLines(message.payload);
  const read = lines.map((line, index) =>
    readLine(line, { streamSequence: message.streamSequence, line: index }, options),
  );
  const run = runOfMessageId(message.messageId, lines.length) ?? runOfEvents(read);
  return run ? read.map((item, index) => placeItem(item, { ...run, first: run.first + index }, lines[index])) : read;
}

interface Line {
  readonly text: string;
  readonly isUtf8: boolean;
}

/** Text of each line. One invalid byte must not cost the other lines, so they are decoded one by one where the whole fails. */
function splitLines(payload: Uint8Array): Line[] {
  const bytes = Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength);
  if (isUtf8(bytes)) {
    const texts = bytes.toString('utf8').split('\n');
    if (texts.at(-1) === '') texts.pop();
    return texts.map((text) => ({ text, isUtf8: true }));
  }
  const lines: Line[] = [];
  for (let start = 0; start < bytes.length;) {
    const newline = bytes.indexOf(0x0a, start);
    const end = newline < 0 ? bytes.length : newline;
    const line = bytes.subarray(start, end);
    lines.push({ text: line.toString('utf8'), isUtf8: isUtf8(line) });
    start = end + 1;
  }
  return lines;
}

/**
 * The head of an event as journals write it, fields in the envelope's order and nothing between them. Only ever used to pass over events
 * that a sink does not read: they are read in full, and checked, by the sink that does.
 */
const HEAD =
  /^\{"eventId":"[0-9a-f-]{36}","type":"([a-z.]{1,64})","version":\d{1,9},"time":[\d.]{1,20},"producerId":"([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})","epoch":(\d{1,15}),"sequence":(\d{1,15}),/;

function findSkipped(text: string, position: LinePosition, options: ReadOptions): LandingItem | undefined {
  const match = options.skips ? HEAD.exec(text) : null;
  const [, type, producerId, epoch, sequence] = match ?? [];
  if (type === undefined || producerId === undefined || !KNOWN_TYPES.has(type) || options.reads(type)) return undefined;
  return { kind: 'skipped', origin: { producerId, epoch: Number(epoch), sequence: Number(sequence) }, text, position };
}

function readLine({ text, isUtf8 }: Line, position: LinePosition, options: ReadOptions): LandingItem {
  const poison = (reason: FaultReason, detail: string): LandingItem => ({
    kind: 'poison',
    origin: null,
    fault: { reason, detail },
    text,
    position,
  });
  if (!isUtf8) return poison('not_utf8', '');
  if (isLonger(text, options.lineBytesMax)) return poison('oversize', `longer than ${options.lineBytesMax} bytes`);
  const skipped = findSkipped(text, position, options);
  if (skipped) return skipped;
  const { leaf, annex } = splitEventLine(text);
  const json = parseJson(leaf);
  if (json === undefined) return poison('not_json', '');
  const parsed = EventEnvelope.safeParse(json);
  if (!parsed.success) return poison('not_an_event', describeIssues(parsed.error.issues));
  const envelope = parsed.data;
  const { producerId, epoch, sequence } = envelope;
  const { data, fault } = readData(envelope, options);
  return {
    kind: 'event',
    origin: { producerId: producerId.toLowerCase(), epoch, sequence },
    event: { envelope, data, leaf, annex, partition: options.partition, fault },
    position,
  };
}

function readData(envelope: EventEnvelope, options: ReadOptions): { data: unknown; fault: Fault | null } {
  const definition = DEFINITIONS.get(`${envelope.type}@${envelope.version}`);
  if (!definition) {
    return {
      data: undefined,
      fault: { reason: 'unknown_event', detail: `${envelope.type} version ${envelope.version}` },
    };
  }
  if (!options.reads(envelope.type)) return { data: undefined, fault: null };
  const parsed = definition.data.safeParse(envelope.data);
  if (parsed.success) return { data: parsed.data, fault: null };
  return { data: undefined, fault: { reason: 'invalid_data', detail: describeIssues(parsed.error.issues) } };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

function isLonger(text: string, bytes: number): boolean {
  if (text.length > bytes) return true;
  return text.length * 3 > bytes && Buffer.byteLength(text) > bytes;
}

const DETAIL_MAX = 500;

function describeIssues(
  issues: readonly { readonly path: readonly PropertyKey[]; readonly message: string }[],
): string {
  return issues
    .map((issue) => `${issue.path.map(String).join('.')}: ${issue.message}`)
    .join('; ')
    .slice(0, DETAIL_MAX);
}

function runOfMessageId(messageId: string | undefined, lines: number): Run | undefined {
  const match = messageId === undefined ? null : MESSAGE_ID.exec(messageId);
  if (!match) return undefined;
  const [, producerId = '', epoch, first, last] = match;
  if (Number(last) - Number(first) + 1 !== lines) return undefined;
  return { producerId: producerId.toLowerCase(), epoch: Number(epoch), first: Number(first) };
}

/** A message is one run of a journal, so one readable line places all the others. */
function runOfEvents(items: readonly LandingItem[]): Run | undefined {
  const index = items.findIndex((item) => item.origin !== null);
  const origin = items[index]?.origin;
  if (!origin || origin.sequence - index < 1) return undefined;
  return { producerId: origin.producerId, epoch: origin.epoch, first: origin.sequence - index };
}

/** Gives poison the sequence of its place, and makes poison of an event that claims another's place. */
function placeItem(item: LandingItem, place: Run, line: Line | undefined): LandingItem {
  const origin: Origin = { producerId: place.producerId, epoch: place.epoch, sequence: place.first };
  if (item.kind === 'poison') return { ...item, origin };
  const { producerId, epoch, sequence } = item.origin;
  if (producerId === origin.producerId && epoch === origin.epoch && sequence === origin.sequence) return item;
  return {
    kind: 'poison',
    origin,
    fault: { reason: 'wrong_position', detail: `the event says ${producerId}:${epoch}:${sequence}` },
    text: line?.text ?? '',
    position: item.position,
  };
}
