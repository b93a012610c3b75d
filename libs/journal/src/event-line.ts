import { createHash } from 'node:crypto';
import type { EventEnvelope } from '@weir/contracts';

/** A line may not be larger: with the headers of its message it must fit the broker's default `max_payload` of 1 MiB. */
export const LINE_BYTES_MAX = 900 * 1024;
const STRING_CHARACTERS_MAX = 1024;
const ARRAY_ITEMS_MAX = 256;
const ANNEX_BYTES_MAX = 64 * 1024;

/** First byte of a line that only repeats an opening event of a deleted segment: it has landed, and is not published again. */
export const CARRIED_PREFIX = '+';
const CARRIED_BYTE = CARRIED_PREFIX.charCodeAt(0);
const SEQUENCE_FIELD = Buffer.from('"sequence":');

/**
 * Text of an event's line, without its newline. A line over {@link LINE_BYTES_MAX} is cut, never lost: first every string of
 * `data` over 1,024 characters keeps those and says how long it was and its SHA-256, and every array over 256 items keeps those;
 * where that is not enough, `data` becomes `{ truncated: { bytes, sha256 } }`, which lands as a dead letter. An annex over 64 KiB
 * is left out.
 */
export function encodeLine(envelope: EventEnvelope, annex: string | undefined): string {
  const tail =
    annex !== undefined && annex.length > 0 && Buffer.byteLength(annex) <= ANNEX_BYTES_MAX ? `\t${annex}` : '';
  const full = JSON.stringify(envelope) + tail;
  // A UTF-16 unit is at most three bytes of UTF-8: most lines need no second look.
  if (full.length * 3 <= LINE_BYTES_MAX || Buffer.byteLength(full) <= LINE_BYTES_MAX) return full;
  const cut = JSON.stringify({ ...envelope, data: shorten(envelope.data) }) + tail;
  if (Buffer.byteLength(cut) <= LINE_BYTES_MAX) return cut;
  const bytes = JSON.stringify(envelope.data);
  const truncated = { bytes: Buffer.byteLength(bytes), sha256: sha256(bytes) };
  return JSON.stringify({ ...envelope, data: { truncated } }) + tail;
}

const sha256 = (text: string) => createHash('sha256').update(text).digest('base64url');

function shorten(value: unknown): unknown {
  if (typeof value === 'string') {
    if (value.length <= STRING_CHARACTERS_MAX) return value;
    return `${value.slice(0, STRING_CHARACTERS_MAX)}…[cut from ${value.length} characters, sha256 ${sha256(value)}]`;
  }
  if (Array.isArray(value)) return value.slice(0, ARRAY_ITEMS_MAX).map(shorten);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, shorten(inner)]));
}

export const isCarried = (line: Buffer): boolean => line[0] === CARRIED_BYTE;

/**
 * The sequence of a line, or undefined where it is not one of ours (a torn or zeroed block). Reads no JSON: the envelope's fields
 * are written in a fixed order, and `sequence` comes before any text of a caller's.
 */
export function findSequence(line: Buffer): number | undefined {
  const at = line.indexOf(SEQUENCE_FIELD);
  if (line[0] !== 0x7b || at < 0) return undefined;
  let value = 0;
  let digits = 0;
  for (let i = at + SEQUENCE_FIELD.length; i < line.length; i++) {
    const digit = line.readUInt8(i) - 0x30;
    if (digit < 0 || digit > 9) break;
    value = value * 10 + digit;
    digits += 1;
  }
  return digits > 0 ? value : undefined;
}

/** The event of a line (carried or not), or undefined where it cannot be read. The lines are our own: only the JSON is checked. */
export function findEvent(line: Buffer): EventEnvelope | undefined {
  const text = line.toString('utf8', isCarried(line) ? 1 : 0);
  const tab = text.indexOf('\t');
  try {
    return JSON.parse(tab < 0 ? text : text.slice(0, tab)) as EventEnvelope;
  } catch {
    // Reported by the caller, which knows the file.
    return undefined;
  }
}

/** The whole lines of a segment's bytes, as views. What follows the last newline is a torn line, which nobody was told of. */
export function splitLines(bytes: Buffer): Buffer[] {
  const lines: Buffer[] = [];
  let from = 0;
  for (let end = bytes.indexOf(0x0a); end >= 0; end = bytes.indexOf(0x0a, from)) {
    lines.push(bytes.subarray(from, end));
    from = end + 1;
  }
  return lines;
}
