import type { EventBatch } from './batch-former.js';

/** Who waits for an event of the current epoch to be acknowledged, by its sequence. */
export class AcknowledgementWaiters {
  private readonly callbacks = new Map<number, () => void>();

  constructor(private readonly onError: (error: Error) => void) {}

  add(sequence: number, callback: () => void): void {
    this.callbacks.set(sequence, callback);
  }

  /** Calls whoever waits for an event of the batch, each once. */
  acknowledge({ first, last }: EventBatch): void {
    if (this.callbacks.size === 0) return;
    for (let sequence = first; sequence <= last; sequence++) {
      const callback = this.callbacks.get(sequence);
      if (callback === undefined) continue;
      this.callbacks.delete(sequence);
      this.call(callback);
    }
  }

  private call(callback: () => void): void {
    try {
      callback();
    } catch (error) {
      this.onError(error instanceof Error ? error : new Error(String(error)));
    }
  }
}
