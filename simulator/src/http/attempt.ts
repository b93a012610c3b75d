import type { AnswerPiece } from '../domain/answer-pieces.js';
import { OutputMeter } from '../domain/answer-pieces.js';
import type { Invoice } from '../domain/invoice.js';
import type { InputUsage } from '../domain/prompt-cache.js';
import type { Exchange } from './exchange.js';

export interface AttemptFacts {
  readonly attemptId: string | null;
  readonly model: string;
  readonly input: InputUsage;
  /** Whether the wire format tells reasoning tokens apart; where it does not, they are billed as output. */
  readonly reportsReasoning: boolean;
}

/** One attempt the model has taken on: from here to its end it costs money, and ends in exactly one invoice line. */
export class Attempt {
  readonly #facts: AttemptFacts;
  readonly #invoice: Invoice;
  readonly #exchange: Exchange;
  readonly #meter = new OutputMeter();
  #isClosed = false;

  constructor(facts: AttemptFacts, invoice: Invoice, exchange: Exchange) {
    this.#facts = facts;
    this.#invoice = invoice;
    this.#exchange = exchange;
  }

  count(piece: AnswerPiece): void {
    this.#meter.add(piece);
  }

  /** Writes the line; `lastBytes` are about to be sent. Further calls do nothing. */
  close(completed: boolean, lastBytes = 0): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    const { output, reasoning } = this.#meter;
    const { reportsReasoning, input, attemptId, model } = this.#facts;
    this.#invoice.record({
      attemptId,
      model,
      usage: {
        ...input,
        output: reportsReasoning ? output : output + reasoning,
        reasoning: reportsReasoning ? reasoning : 0,
      },
      bytes: this.#exchange.bytesSent + lastBytes,
      completed,
      endedAt: new Date(),
    });
  }
}
