import { costPicoOf, formatUsd, type PriceList, type Usage } from './prices.js';

export interface InvoiceEntry {
  readonly attemptId: string | null;
  readonly model: string;
  readonly usage: Usage;
  /** Bytes of the response body handed to the connection. */
  readonly bytes: number;
  /** Whether the answer was sent to its end. */
  readonly completed: boolean;
  readonly endedAt: Date;
}

export interface InvoiceLine extends Usage {
  readonly attemptId: string | null;
  readonly model: string;
  readonly bytes: number;
  readonly completed: boolean;
  readonly costUsd: string;
  readonly endedAt: string;
}

/** What the simulated providers will bill. Kept in memory; the oldest lines go first once `linesMax` is reached. */
export class Invoice {
  readonly #prices: PriceList;
  readonly #linesMax: number;
  #lines: InvoiceLine[] = [];
  #dropped = 0;

  constructor(prices: PriceList, linesMax: number) {
    this.#prices = prices;
    this.#linesMax = linesMax;
  }

  get dropped(): number {
    return this.#dropped;
  }

  record(entry: InvoiceEntry): void {
    const prices = this.#prices.get(entry.model);
    if (prices === undefined) throw new Error(`prices.json has no price for ${entry.model}`);
    this.#lines.push({
      attemptId: entry.attemptId,
      model: entry.model,
      ...entry.usage,
      bytes: entry.bytes,
      completed: entry.completed,
      costUsd: formatUsd(costPicoOf(entry.usage, prices)),
      endedAt: entry.endedAt.toISOString(),
    });
    if (this.#lines.length >= this.#linesMax * 2) this.#trim();
  }

  /** Lines of attempts that ended at or after `since`, oldest first. */
  lines(since?: Date): readonly InvoiceLine[] {
    const kept = this.#lines.slice(-this.#linesMax);
    if (since === undefined) return kept;
    const from = since.toISOString();
    return kept.filter((line) => line.endedAt >= from);
  }

  clear(): void {
    this.#lines = [];
    this.#dropped = 0;
  }

  /** Halves at twice the limit, so that recording stays constant work. */
  #trim(): void {
    this.#dropped += this.#lines.length - this.#linesMax;
    this.#lines = this.#lines.slice(-this.#linesMax);
  }
}
