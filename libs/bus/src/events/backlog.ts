import type { Journal, JournalLine } from '@weir/journal';
import { BatchFormer, type EventBatch } from './batch-former.js';

export interface BacklogOptions {
  readonly journal: Journal;
  /** Whether the line is already on its way, or will be sent by others. */
  isCovered(line: JournalLine): boolean;
  /** Resolves when the batch has been handed over; waits while too many are in flight. */
  hand(batch: EventBatch): Promise<void>;
  onError(error: Error): void;
}

/** Wait before a run that could not read the journal is tried again. */
const RETRY_MS = 1_000;

/** Sends what lies in the journal unreleased: what an earlier epoch left, what a stream lost, what did not fit into memory. One run at a time. */
export class Backlog {
  private wanted = false;
  private running: Promise<void> | undefined;
  private stopped = false;

  constructor(private readonly options: BacklogOptions) {}

  get isRunning(): boolean {
    return this.running !== undefined;
  }

  /** Starts a run over all that is unreleased, or another one after the run that is under way. */
  request(): void {
    if (this.stopped) return;
    this.wanted = true;
    this.running ??= this.runAll();
  }

  async stop(): Promise<void> {
    this.stopped = true;
    await this.running;
  }

  private async runAll(): Promise<void> {
    // Not within the caller's turn: it may be in the middle of forming a batch.
    await new Promise((resolve) => setImmediate(resolve));
    while (this.wanted && !this.stopped) {
      this.wanted = false;
      try {
        await this.run();
      } catch (error) {
        this.options.onError(error instanceof Error ? error : new Error(String(error)));
        this.wanted = true;
        await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
      }
    }
    this.running = undefined;
  }

  private async run(): Promise<void> {
    const { journal } = this.options;
    const former = new BatchFormer(journal.producerId);
    for await (const line of journal.pending()) {
      if (this.stopped) return;
      if (this.options.isCovered(line)) continue;
      former.add(line);
      if (former.isFull) await this.hand(former);
    }
    while (former.count > 0 && !this.stopped) await this.hand(former);
  }

  private async hand(former: BatchFormer): Promise<void> {
    const batch = former.take();
    if (batch !== undefined) await this.options.hand(batch);
  }
}
