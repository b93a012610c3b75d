import type { CallError, FinishReason, Usage } from '@weir/call-model';
import type { ObservedUsage } from '../dialect.js';

/** What has been seen of one answer so far; the reader of each dialect writes into it. */
export class Observation {
  usage: Usage | null = null;
  usageMismatch: string | null = null;
  finish: FinishReason | null = null;
  error: CallError | null = null;
  isComplete = false;
  id: string | null = null;
  model: string | null = null;
  hasFirstToken = false;

  get isHealthy(): boolean {
    return this.error === null;
  }

  result(): ObservedUsage {
    const { usage, usageMismatch, finish, error, isComplete, id, model } = this;
    return { usage, usageMismatch, finish, error, isComplete: isComplete && error === null, id, model };
  }
}

/** Bytes to search for, encoded once and not in every frame. */
export function needle(text: string): Buffer {
  return Buffer.from(text);
}

/** Reads the few frames of a stream that tell something. Stateful: one per answer. */
export interface FrameReader {
  /** Looks at one frame's bytes and notes what it says. May throw for a frame that cannot be read. */
  read(frame: Buffer, seen: Observation): void;
}

const COLON = 0x3a;
const LETTER_N = 0x6e;

/**
 * Whether the frame has this JSON key with a value other than null, without parsing. Inside a JSON string the key's quotes would be escaped,
 * so text of the answer is never mistaken for it.
 */
export function hasValueOf(frame: Buffer, quotedKey: Buffer): boolean {
  let at = frame.indexOf(quotedKey);
  while (at >= 0) {
    let index = skipSpaces(frame, at + quotedKey.length);
    if (frame[index] === COLON) {
      index = skipSpaces(frame, index + 1);
      if (frame[index] !== LETTER_N) return true;
    }
    at = frame.indexOf(quotedKey, at + quotedKey.length);
  }
  return false;
}

function skipSpaces(frame: Buffer, from: number): number {
  let index = from;
  while (frame[index] === 0x20 || frame[index] === 0x09) index += 1;
  return index;
}
