import type { LiveCall } from './live-call.js';

/** The calls this process runs, with one timer for all of them. */
export class OpenCalls {
  private readonly calls = new Set<LiveCall>();
  private readonly timer: NodeJS.Timeout;
  private draining = false;
  private onEmpty: (() => void) | undefined;

  constructor(private readonly sweepEveryMs: number) {
    this.timer = setInterval(() => this.sweep(), this.sweepEveryMs);
  }

  get size(): number {
    return this.calls.size;
  }

  get isDraining(): boolean {
    return this.draining;
  }

  add(call: LiveCall): void {
    this.calls.add(call);
  }

  delete(call: LiveCall): void {
    this.calls.delete(call);
    if (this.calls.size === 0) this.onEmpty?.();
  }

  /** From here on nothing is admitted, and answers that have not begun tell their clients that the connection ends. */
  startDraining(): void {
    this.draining = true;
    for (const call of this.calls) call.announceClose();
  }

  /**
   * Waits until every call has ended. After `withinMs` the rest are cut short with a typed error; `afterwardsMs` later what is still open
   * is given up: the journal then says so, and its adopter closes it.
   */
  async drain(withinMs: number, afterwardsMs: number): Promise<void> {
    if (await this.whenEmpty(withinMs)) return;
    for (const call of [...this.calls]) call.cutShort();
    if (await this.whenEmpty(afterwardsMs / 2)) return;
    // What is left are clients that do not read; being cut short once more closes their connections.
    for (const call of [...this.calls]) call.cutShort();
    await this.whenEmpty(afterwardsMs / 2);
  }

  close(): void {
    clearInterval(this.timer);
  }

  private whenEmpty(withinMs: number): Promise<boolean> {
    if (this.calls.size === 0) return Promise.resolve(true);
    return new Promise((resolve) => {
      const settle = (isEmpty: boolean) => {
        clearTimeout(timer);
        this.onEmpty = undefined;
        resolve(isEmpty);
      };
      const timer = setTimeout(() => settle(false), withinMs);
      this.onEmpty = () => settle(true);
    });
  }

  private sweep(): void {
    const now = performance.now();
    for (const call of [...this.calls]) call.tick(now);
  }
}
