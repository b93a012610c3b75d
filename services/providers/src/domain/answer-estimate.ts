import type { Usage } from '@weir/contracts';
import { EMPTY_USAGE, outputTokens } from '@weir/money';

/** UTF-8 bytes of ordinary text per token, rounded down from what byte-level tokenizers need, so that estimates are rather high. */
const BYTES_PER_TOKEN = 4;

const DATA = Buffer.from('data:');

/**
 * Measures a passing answer, for the case that its provider never says what it used. A stream's frames carry far more framing than
 * text; the smallest frame seen stands for the framing of each.
 */
export class AnswerMeter {
  private bytes = 0;
  private frames = 0;
  private smallestFrame = Number.POSITIVE_INFINITY;
  private frameStart: number | null = null;

  constructor(private readonly isStream: boolean) {}

  push(chunk: Uint8Array): void {
    if (this.isStream) this.countFrames(chunk);
    this.bytes += chunk.byteLength;
  }

  /** Tokens the answer may have had: at least one for each frame that carried something. */
  get tokens(): number {
    if (!this.isStream || this.frames === 0) return Math.ceil(this.bytes / BYTES_PER_TOKEN);
    const framing = Number.isFinite(this.smallestFrame) ? this.frames * this.smallestFrame : 0;
    return Math.max(this.frames, Math.ceil((this.bytes - framing) / BYTES_PER_TOKEN));
  }

  private countFrames(chunk: Uint8Array): void {
    const buffer = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
    for (let at = buffer.indexOf(DATA); at >= 0; at = buffer.indexOf(DATA, at + DATA.length)) {
      const start = this.bytes + at;
      if (this.frameStart !== null) this.smallestFrame = Math.min(this.smallestFrame, start - this.frameStart);
      this.frameStart = start;
      this.frames += 1;
    }
  }
}

/** Usage of a complete answer whose provider reported none: from the bytes of both sides, never above the bound. */
export function estimateUsage(requestBytes: number, answerTokens: number, bound: Usage): Usage {
  const input = Math.min(Math.ceil(requestBytes / BYTES_PER_TOKEN), bound.inputUncached + bound.inputCacheWrite1h);
  return { ...EMPTY_USAGE, inputUncached: input, output: Math.min(answerTokens, outputTokens(bound)) };
}
