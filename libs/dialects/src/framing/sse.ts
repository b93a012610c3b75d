import { concatBytes, decodeText, encodeText, EMPTY_BYTES } from './bytes.js';

const LINE_FEED = 0x0a;
const CARRIAGE_RETURN = 0x0d;

/** One frame may not outgrow this: a peer that never ends a frame must not fill our memory. */
export const SSE_FRAME_BYTES_MAX = 32 * 1024 * 1024;

/** A frame outgrew {@link SSE_FRAME_BYTES_MAX}; the stream cannot be read further. */
export class SseFrameTooLargeError extends Error {
  override readonly name = 'SseFrameTooLargeError';
}

/**
 * Cuts a byte stream into SSE frames (the bytes up to and including the blank line), whatever the boundaries of the
 * chunks. Line ends may be LF, CR or CRLF (WHATWG HTML §9.2.5).
 * Returned frames are views of the input where a frame arrived whole, so use them before the input is reused.
 */
export class SseFrameSplitter {
  #rest: Uint8Array = EMPTY_BYTES;
  /** Where in `#rest` the search goes on; everything before has been looked at. */
  #searched = 0;

  /** Every frame completed by these bytes. @throws SseFrameTooLargeError */
  push(bytes: Uint8Array): Uint8Array[] {
    const data = this.#rest.length === 0 ? bytes : concatBytes([this.#rest, bytes]);
    const frames: Uint8Array[] = [];
    let start = 0;
    let from = this.#rest.length === 0 ? 0 : this.#searched;
    for (;;) {
      const end = findFrameEnd(data, from, start);
      if (end < 0) break;
      frames.push(data.subarray(start, end));
      start = end;
      from = end;
    }
    this.#keep(data, start);
    return frames;
  }

  /** Bytes after the last complete frame. */
  rest(): Uint8Array {
    return this.#rest;
  }

  #keep(data: Uint8Array, start: number): void {
    // A copy: the input belongs to the caller and may be reused.
    this.#rest = start === data.length ? EMPTY_BYTES : data.slice(start);
    if (this.#rest.length > SSE_FRAME_BYTES_MAX) throw new SseFrameTooLargeError('SSE frame too large');
    // A line end may be cut in the middle, so look again at its last four bytes.
    this.#searched = Math.max(0, this.#rest.length - 4);
  }
}

/**
 * Index just after the next blank line, or -1. A CR that is the last byte may be half of CRLF, so it is not decided yet.
 * `start` is the frame's first byte: a blank line there ends an empty frame.
 */
function findFrameEnd(data: Uint8Array, from: number, start: number): number {
  let index = from;
  while (index < data.length) {
    const byte = data[index];
    if (byte !== LINE_FEED && byte !== CARRIAGE_RETURN) {
      const next = data.indexOf(LINE_FEED, index);
      const carriage = findCarriageReturn(data, index, next);
      index = carriage >= 0 ? carriage : next;
      if (index < 0) return -1;
    }
    const first = lineEndLength(data, index);
    if (first === 0) return -1;
    if (index === start || isBlankLineStart(data, index, start)) return index + first;
    index += first;
  }
  return -1;
}

/** Whether the line end at `index` is directly after another one, i.e. ends an empty line. */
function isBlankLineStart(data: Uint8Array, index: number, start: number): boolean {
  const before = index - 1;
  if (before < start) return false;
  return data[before] === LINE_FEED || data[before] === CARRIAGE_RETURN;
}

function findCarriageReturn(data: Uint8Array, from: number, before: number): number {
  const end = before < 0 ? data.length : before;
  const at = data.subarray(from, end).indexOf(CARRIAGE_RETURN);
  return at < 0 ? -1 : from + at;
}

/** 1 or 2; 0 where a CR is the last byte and might be followed by LF. */
function lineEndLength(data: Uint8Array, index: number): number {
  if (data[index] === LINE_FEED) return 1;
  if (index + 1 >= data.length) return 0;
  return data[index + 1] === LINE_FEED ? 2 : 1;
}

export interface SseEvent {
  readonly event: string | null;
  readonly data: string;
}

/** Reads one frame; undefined for a comment or a frame without data. Several `data` lines are joined by LF. */
export function parseSseFrame(frame: Uint8Array): SseEvent | undefined {
  let event: string | null = null;
  let data: string | undefined;
  for (const line of decodeText(frame).split(/\r\n|\n|\r/)) {
    if (line === '' || line.startsWith(':')) continue;
    const colon = line.indexOf(':');
    const field = colon < 0 ? line : line.slice(0, colon);
    let value = colon < 0 ? '' : line.slice(colon + 1);
    if (value.startsWith(' ')) value = value.slice(1);
    if (field === 'data') data = data === undefined ? value : `${data}\n${value}`;
    else if (field === 'event') event = value;
  }
  return data === undefined ? undefined : { event, data };
}

/** A frame. `data` must hold no line end (JSON text never does). */
export function writeSseFrame(data: string, event?: string): Uint8Array {
  return encodeText(event === undefined ? `data: ${data}\n\n` : `event: ${event}\ndata: ${data}\n\n`);
}
