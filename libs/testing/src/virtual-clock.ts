interface Timer {
  readonly at: number;
  readonly run: () => void;
}

/** Time that passes only when told to: for code that takes its clock as an argument. */
export class VirtualClock {
  private readonly timers = new Map<number, Timer>();
  private nextTimer = 1;

  /** @param time milliseconds since the epoch at which it starts */
  constructor(private time = Date.UTC(2026, 0, 1)) {}

  now(): number {
    return this.time;
  }

  setTimeout(run: () => void, delayMs: number): number {
    const id = this.nextTimer++;
    this.timers.set(id, { at: this.time + Math.max(0, delayMs), run });
    return id;
  }

  clearTimeout(id: number): void {
    this.timers.delete(id);
  }

  /** Resolves when that much virtual time has passed; rejects with the signal's reason when it aborts first. */
  sleep(delayMs: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      signal?.throwIfAborted();
      const id = this.setTimeout(resolve, delayMs);
      signal?.addEventListener(
        'abort',
        () => {
          this.clearTimeout(id);
          reject(signal.reason as Error);
        },
        { once: true },
      );
    });
  }

  /** Lets time pass, running what falls due in its order; what a timer sets within the span runs too. */
  async advance(milliseconds: number): Promise<void> {
    const until = this.time + milliseconds;
    for (;;) {
      const due = this.findNext(until);
      if (due === undefined) break;
      this.timers.delete(due.id);
      this.time = Math.max(this.time, due.timer.at);
      due.timer.run();
      // What waits on a promise of this timer goes first, as it would in real time.
      await new Promise((resolve) => setImmediate(resolve));
    }
    this.time = until;
  }

  private findNext(until: number): { id: number; timer: Timer } | undefined {
    let next: { id: number; timer: Timer } | undefined;
    for (const [id, timer] of this.timers) {
      if (timer.at <= until && (next === undefined || timer.at < next.timer.at)) next = { id, timer };
    }
    return next;
  }
}
