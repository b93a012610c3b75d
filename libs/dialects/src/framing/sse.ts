import { concatBytes, copyBytes, decodeText, encodeText } from './bytes.js';

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
  /** The unfinished frame, in pieces: joined only when a line ends, so a long frame in many pieces is copied once. */
  #parts: Uint8Array[] = [];
  #length = 0;
  /** Where in the unfinished frame the search goes on: every line end before it has been looked at. */
  #searched = 0;

  /** Every frame completed by these bytes. @throws SseFrameTooLargeError */
  push(bytes: Uint8Array): Uint8Array[] {
    const isUndecided = this.#searched < this.#length;
    if (!isUndecided && !bytes.includes(LINE_FEED) && !bytes.includes(CARRIAGE_RETURN)) {
      this.#keep(bytes);
      this.#searched = this.#length;
      return [];
    }
    const data = concatBytes([...this.#parts, bytes]);
    const { frames, start, at } = cutFrames(data, this.#searched);
    this.#parts = [];
    this.#length = 0;
    this.#keep(data.subarray(start));
    this.#searched = at - start;
    return frames;
  }

  /** Bytes after the last complete frame. */
  rest(): Uint8Array {
    return concatBytes(this.#parts);
  }

  #keep(bytes: Uint8Array): void {
    if (bytes.length > 0) this.#parts.push(copyBytes(bytes));
    this.#length += bytes.length;
    if (this.#length > SSE_FRAME_BYTES_MAX) throw new SseFrameTooLargeError('SSE frame too large');
  }
}

/** The frames in `data`, where the unfinished one starts, and how far line ends are decided. */
function cutFrames(data: Uint8Array, from: number): { frames: Uint8Array[]; start: number; at: number } {
  const frames: Uint8Array[] = [];
  let start = 0;
  let at = from;
  // Most streams hold no CR at all, so the next one is looked for once and not in every line.
  let carriageReturn = data.indexOf(CARRIAGE_RETURN, at);
  for (;;) {
    if (carriageReturn >= 0 && carriageReturn < at) carriageReturn = data.indexOf(CARRIAGE_RETURN, at);
    const lineFeed = data.indexOf(LINE_FEED, at);
    const isCarriageReturn = carriageReturn >= 0 && (lineFeed < 0 || carriageReturn < lineFeed);
    const lineEnd = isCarriageReturn ? carriageReturn : lineFeed;
    if (lineEnd < 0) return { frames, start, at: data.length };
    const length = lineEndLength(data, lineEnd);
    if (length === 0) return { frames, start, at: lineEnd };
    at = lineEnd + length;
    if (!isBlankLine(data, lineEnd, start)) continue;
    frames.push(data.subarray(start, at));
    start = at;
  }
}

/** Whether the line that ends at `index` is empty: it begins the frame there, or directly follows another line end. */
function isBlankLine(data: Uint8Array, index: number, start: number): boolean {
  if (index === start) return true;
  return data[index - 1] === LINE_FEED || data[index - 1] === CARRIAGE_RETURN;
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
