import { isUtf8 } from 'node:buffer';
import { EVENTS, EventEnvelope, type EventDefinition } from '@weir/contracts';
import { findEventHead, findPassedEvent, type PassedEvent } from './event-head.js';
import type { Fault, FaultReason, LandingItem, LinePosition, Origin, ReadMessage, Run } from './landing-event.js';

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
  /** Whether events it does not read are passed over by their head alone, and make no item. */
  readonly skips: boolean;
}

const DEFINITIONS: ReadonlyMap<string, EventDefinition> = new Map(
  EVENTS.map((definition) => [`${definition.type}@${definition.version}`, definition]),
);
const KNOWN_TYPES: ReadonlySet<string> = new Set(EVENTS.map((definition) => definition.type));
const MESSAGE_ID = /^([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}):(\d{1,15}):(\d{1,15})-(\d{1,15})$/i;
const NEWLINE = 0x0a;
const TAB = 0x09;
const NOTHING = Buffer.alloc(0);

type Line = LandingItem | PassedEvent;

/** Reads a message, each line once. Never throws: what is not an event comes back as poison, with its sequence where anything tells it. */
export function readMessage(message: EventMessage, options: ReadOptions): ReadMessage {
  const { payload, streamSequence, messageId } = message;
  const bytes = Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength);
  const lines: Line[] = [];
  const starts: number[] = [];
  for (let start = 0; start < bytes.length;) {
    const newline = bytes.indexOf(NEWLINE, start);
    const end = newline < 0 ? bytes.length : newline;
    const passed = options.skips ? findPassed(bytes, start, end, options) : undefined;
    lines.push(passed ?? readLine(bytes.subarray(start, end), { streamSequence, line: lines.length }, options));
    starts.push(start);
    start = end + 1;
  }
  const place = placeOfMessageId(messageId, lines.length) ?? placeOfEvents(lines);
  const items: LandingItem[] = [];
  lines.forEach((line, index) => {
    const lineBytes = (): Buffer => bytes.subarray(starts[index], endOfLine(bytes, starts[index] ?? 0));
    const placed = place ? placeLine(line, place, { streamSequence, line: index }, lineBytes) : line;
    if (placed.kind !== 'passed') items.push(placed);
  });
  return { run: runOf(place, lines.length), items, lines: lines.length, time: timeOf(lines) };
}

function endOfLine(bytes: Buffer, start: number): number {
  const newline = bytes.indexOf(NEWLINE, start);
  return newline < 0 ? bytes.length : newline;
}

/** Passes over events of known types that a sink does not read: they are read in full, and checked, by the sink that does. */
function findPassed(bytes: Buffer, start: number, end: number, options: ReadOptions): PassedEvent | undefined {
  if (end - start > options.lineBytesMax) return undefined;
  const event = findPassedEvent(bytes, start, end);
  return event && KNOWN_TYPES.has(event.type) && !options.reads(event.type) ? event : undefined;
}

function readLine(line: Buffer, position: LinePosition, options: ReadOptions): LandingItem {
  const poison = (reason: FaultReason, detail: string): LandingItem => ({
    kind: 'poison',
    // What it claims by its head: all there is to go by where it is alone in its message.
    origin: findPassedEvent(line, 0, line.length)?.origin ?? null,
    fault: { reason, detail },
    bytes: line,
    position,
  });
  if (!isUtf8(line)) return poison('not_utf8', '');
  if (line.length > options.lineBytesMax) return poison('oversize', `longer than ${options.lineBytesMax} bytes`);
  const tab = line.indexOf(TAB);
  const leaf = tab < 0 ? line : line.subarray(0, tab);
  const annex = tab < 0 ? NOTHING : line.subarray(tab + 1);
  const read = readByHead(leaf, options) ?? readAsJson(leaf, options);
  if ('reason' in read) return poison(read.reason, read.detail);
  const { envelope, data, fault } = read;
  const { epoch, sequence } = envelope;
  return {
    kind: 'event',
    origin: { producerId: envelope.producerId.toLowerCase(), epoch, sequence },
    event: { envelope, data, leaf, annex, partition: options.partition, fault },
    position,
  };
}

interface ReadEvent {
  readonly envelope: Omit<EventEnvelope, 'data'>;
  readonly data: unknown;
  readonly fault: Fault | null;
}

/** The quick way; undefined where it leads nowhere. */
function readByHead(leaf: Buffer, options: ReadOptions): ReadEvent | undefined {
  const head = findEventHead(leaf);
  if (!head) return undefined;
  const { envelope, dataAt } = head;
  if (!options.reads(envelope.type)) return { envelope, ...readData(envelope, undefined, options) };
  const data = parseJson(leaf.toString('utf8', dataAt, leaf.length - 1));
  return data === undefined ? undefined : { envelope, ...readData(envelope, data, options) };
}

function readAsJson(leaf: Buffer, options: ReadOptions): ReadEvent | Fault {
  const json = parseJson(leaf.toString('utf8'));
  if (json === undefined) return { reason: 'not_json', detail: '' };
  const parsed = EventEnvelope.safeParse(json);
  if (!parsed.success) return { reason: 'not_an_event', detail: describeIssues(parsed.error.issues) };
  const { data, ...envelope } = parsed.data;
  return { envelope, ...readData(envelope, data, options) };
}

function readData(
  envelope: Pick<EventEnvelope, 'type' | 'version'>,
  data: unknown,
  options: ReadOptions,
): { data: unknown; fault: Fault | null } {
  const definition = DEFINITIONS.get(`${envelope.type}@${envelope.version}`);
  if (!definition) {
    return {
      data: undefined,
      fault: { reason: 'unknown_event', detail: `${envelope.type} version ${envelope.version}` },
    };
  }
  if (!options.reads(envelope.type)) return { data: undefined, fault: null };
  const parsed = definition.data.safeParse(data);
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

const DETAIL_MAX = 500;

function describeIssues(
  issues: readonly { readonly path: readonly PropertyKey[]; readonly message: string }[],
): string {
  return issues
    .map((issue) => `${issue.path.map(String).join('.')}: ${issue.message}`)
    .join('; ')
    .slice(0, DETAIL_MAX);
}

function placeOfMessageId(messageId: string | undefined, lines: number): Origin | undefined {
  const match = messageId === undefined ? null : MESSAGE_ID.exec(messageId);
  if (!match) return undefined;
  const [, producerId = '', epoch, first, last] = match;
  if (Number(last) - Number(first) + 1 !== lines) return undefined;
  return { producerId: producerId.toLowerCase(), epoch: Number(epoch), sequence: Number(first) };
}

/** A message is one run of a journal, so one readable line places all the others; without one, the head of a line that is none. */
function placeOfEvents(items: readonly Line[]): Origin | undefined {
  const readable = items.findIndex((item) => item.kind !== 'poison');
  const index = readable >= 0 ? readable : items.findIndex((item) => item.origin !== null);
  const origin = items[index]?.origin;
  if (!origin || origin.sequence - index < 1) return undefined;
  return { producerId: origin.producerId, epoch: origin.epoch, sequence: origin.sequence - index };
}

function runOf(place: Origin | undefined, lines: number): Run | null {
  if (!place || lines === 0) return null;
  const { producerId, epoch, sequence } = place;
  return { producerId, epoch, first: sequence, last: sequence + lines - 1 };
}

/** Gives poison the sequence of its place, and makes poison of an event that claims another's place. */
function placeLine(line: Line, place: Origin, position: LinePosition, lineBytes: () => Buffer): Line {
  const sequence = place.sequence + position.line;
  const { origin } = line;
  if (line.kind !== 'poison' && origin !== null) {
    if (origin.sequence === sequence && origin.epoch === place.epoch && origin.producerId === place.producerId)
      return line;
    const detail = `the event says ${origin.producerId}:${origin.epoch}:${origin.sequence}`;
    const fault: Fault = { reason: 'wrong_position', detail };
    return { kind: 'poison', origin: { ...place, sequence }, fault, bytes: lineBytes(), position };
  }
  return line.kind === 'poison' ? { ...line, origin: { ...place, sequence } } : line;
}

function timeOf(lines: readonly Line[]): number | undefined {
  for (const line of lines) {
    if (line.kind === 'passed') return line.time;
    if (line.kind === 'event') return line.event.envelope.time;
  }
  return undefined;
}
