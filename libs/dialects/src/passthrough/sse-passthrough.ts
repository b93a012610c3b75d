import type { CallError } from '@weir/call-model';
import type { ObservedUsage, StreamPassthrough } from '../dialect.js';
import { concatBytes, EMPTY_BYTES, viewAsBuffer } from '../framing/bytes.js';
import { SseFrameSplitter } from '../framing/sse.js';
import { unreadableStream } from '../translation/answer-error.js';
import { needle, Observation, type FrameReader } from './observation.js';

const DATA = needle('data:');
const BRACE_OPEN = 0x7b;
const BRACE_CLOSE = 0x7d;
const BRACKET_OPEN = 0x5b;

/** An SSE stream that passes through; one splitting serves forwarding, observation and hiding. */
export class SsePassthrough implements StreamPassthrough {
  readonly #splitter = new SseFrameSplitter();
  readonly #seen = new Observation();

  /** @param isHidden which frames are not for the client */
  constructor(
    private readonly reader: FrameReader,
    private readonly isHidden: (frame: Buffer) => boolean = () => false,
  ) {}

  push(bytes: Uint8Array): Uint8Array {
    if (this.#seen.error) return EMPTY_BYTES;
    const forwarded: Uint8Array[] = [];
    try {
      for (const frame of this.#splitter.push(bytes)) this.#readFrame(frame, forwarded);
    } catch (error) {
      this.#seen.error = unreadableStream(error);
    }
    return joinAdjacent(forwarded);
  }

  #readFrame(frame: Uint8Array, forwarded: Uint8Array[]): void {
    // An error is for the caller's worker to render, once; nothing follows it.
    if (this.#seen.error) return;
    const buffer = viewAsBuffer(frame);
    requirePlausible(buffer);
    this.reader.read(buffer, this.#seen);
    if (this.#seen.isHealthy && !this.isHidden(buffer)) forwarded.push(frame);
  }

  get hasFirstToken(): boolean {
    return this.#seen.hasFirstToken;
  }

  get error(): CallError | null {
    return this.#seen.error;
  }

  result(): ObservedUsage {
    return this.#seen.result();
  }
}

/** Frames that lie next to each other in memory become one view of it; nothing is copied in the usual case. */
function joinAdjacent(frames: readonly Uint8Array[]): Uint8Array {
  const [first] = frames;
  const last = frames.at(-1);
  if (!first || !last) return EMPTY_BYTES;
  let length = 0;
  for (const frame of frames) length += frame.length;
  const isAdjacent = first.buffer === last.buffer && last.byteOffset + last.length - first.byteOffset === length;
  return isAdjacent ? new Uint8Array(first.buffer, first.byteOffset, length) : concatBytes(frames);
}

/**
 * A frame's data must at least begin and end like a JSON object (or be `[DONE]`). Parsing every frame would cost more than
 * all the rest; this catches cut and foreign frames, and the client would stumble over any other.
 */
function requirePlausible(frame: Buffer): void {
  const data = findDataStart(frame);
  if (data < 0) return;
  const first = frame[data];
  if (first === BRACKET_OPEN) return;
  let last = frame.length - 1;
  while (last > data && (frame[last] ?? 0) <= 0x20) last -= 1;
  if (first !== BRACE_OPEN || frame[last] !== BRACE_CLOSE) throw new Error('a frame is not JSON');
}

/** Index of the first byte of data, or -1 for a frame without (a comment, an event name alone, empty data). */
function findDataStart(frame: Buffer): number {
  let at = frame.indexOf(DATA);
  while (at > 0 && frame[at - 1] !== 0x0a && frame[at - 1] !== 0x0d) at = frame.indexOf(DATA, at + 5);
  if (at < 0) return -1;
  let index = at + 5;
  while (frame[index] === 0x20) index += 1;
  const byte = frame[index];
  return byte === undefined || byte === 0x0a || byte === 0x0d ? -1 : index;
}
