import { collectText, signReasoning, type Answer } from './answer.js';
import { countTokensOfBytes } from './tokens.js';
import { literalText } from './text-source.js';

/** One step of an answer being spoken. Blocks follow each other, never interleave. */
export type AnswerPiece =
  | { readonly kind: 'reasoning' | 'text'; readonly text: string }
  | { readonly kind: 'signature'; readonly signature: string }
  | { readonly kind: 'tool-start'; readonly index: number; readonly id: string; readonly name: string }
  | { readonly kind: 'tool-arguments'; readonly index: number; readonly text: string };

export function* answerPieces(answer: Answer): Generator<AnswerPiece> {
  if (answer.reasoning !== undefined) {
    for (const text of answer.reasoning.pieces()) yield { kind: 'reasoning', text };
    yield { kind: 'signature', signature: signReasoning(collectText(answer.reasoning)) };
  }
  if (answer.text !== undefined) for (const text of answer.text.pieces()) yield { kind: 'text', text };
  for (const [index, call] of answer.toolCalls.entries()) {
    yield { kind: 'tool-start', index, id: call.id, name: call.name };
    for (const text of literalText(call.arguments).pieces()) yield { kind: 'tool-arguments', index, text };
  }
}

/** Whether a piece counts as a chunk for `delayMs` and `fail=…@n`: one that carries words. */
export function isChunk(piece: AnswerPiece): boolean {
  return piece.kind === 'reasoning' || piece.kind === 'text' || piece.kind === 'tool-arguments';
}

/** Counts what has been sent so far. At the end of an answer its counts equal the answer's own. */
export class OutputMeter {
  #reasoningBytes = 0;
  #textBytes = 0;
  readonly #toolBytes: number[] = [];

  add(piece: AnswerPiece): void {
    if (piece.kind === 'reasoning') this.#reasoningBytes += Buffer.byteLength(piece.text);
    else if (piece.kind === 'text') this.#textBytes += Buffer.byteLength(piece.text);
    else if (piece.kind === 'tool-start') this.#toolBytes[piece.index] = Buffer.byteLength(piece.name);
    else if (piece.kind === 'tool-arguments') {
      this.#toolBytes[piece.index] = (this.#toolBytes[piece.index] ?? 0) + Buffer.byteLength(piece.text);
    }
  }

  get reasoning(): number {
    return countTokensOfBytes(this.#reasoningBytes);
  }

  get output(): number {
    return this.#toolBytes.reduce((sum, bytes) => sum + countTokensOfBytes(bytes), countTokensOfBytes(this.#textBytes));
  }
}
