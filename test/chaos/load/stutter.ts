const TICK_MS = 20;
const KEPT = 3_000;

/** How long this process was kept from running: the share of a wait that is the machine's and not the gateway's. */
export class Stutter {
  private readonly late: { readonly at: number; readonly ms: number }[] = [];
  private last = performance.now();
  private readonly timer = setInterval(() => this.tick(), TICK_MS);

  /** Milliseconds lost between two moments of `performance.now()`. */
  between(from: number, to: number): number {
    return this.late.reduce((sum, { at, ms }) => (at >= from && at - ms <= to ? sum + ms : sum), 0);
  }

  close(): void {
    clearInterval(this.timer);
  }

  private tick(): void {
    const now = performance.now();
    const ms = now - this.last - 2 * TICK_MS;
    this.last = now;
    if (ms <= 0) return;
    this.late.push({ at: now, ms });
    if (this.late.length > KEPT) this.late.shift();
  }
}
