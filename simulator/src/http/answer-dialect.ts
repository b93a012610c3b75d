import type { AnswerPiece } from '../domain/answer-pieces.js';
import type { RequestFault } from '../domain/request-fault.js';
import type { ResponseHeaders } from './exchange.js';

export type Frame = string | Uint8Array;

/** A silence before the next frame. */
export interface Pause {
  readonly waitMs: number;
}

export type FinishStep = Frame | Pause;

export function isPause(step: unknown): step is Pause {
  return typeof step === 'object' && step !== null && 'waitMs' in step;
}

/** A whole answer as JSON around its text, so that a text of any size can be sent piece by piece. */
export interface WholeAnswer {
  readonly headers: ResponseHeaders;
  readonly before: string;
  readonly after: string;
}

/** How one answer looks on the wire of one provider. Made per call; it may keep state between pieces. */
export interface AnswerDialect {
  readonly streamHeaders: ResponseHeaders;
  begin(): Frame;
  /** Empty where the format does not show this piece. */
  piece(piece: AnswerPiece): Frame;
  finish(): readonly FinishStep[];
  /** A frame that no correct reader accepts. */
  malformed(): Frame;
  /** The provider's way of failing after the head was sent. */
  streamError(fault: RequestFault): Frame;
  whole(): WholeAnswer;
}

const marker = 'weir-simulator-text-goes-here';

/** Where `text` belongs in a body that is rendered before its text exists. */
export const textPlaceholder = marker;

/** Splits rendered JSON at the placeholder. Without one, everything is `before`. */
export function splitAtText(json: string): { before: string; after: string } {
  const at = json.lastIndexOf(marker);
  return at === -1 ? { before: json, after: '' } : { before: json.slice(0, at), after: json.slice(at + marker.length) };
}

/** The inside of a JSON string. */
export function escapeJsonText(text: string): string {
  return JSON.stringify(text).slice(1, -1);
}
