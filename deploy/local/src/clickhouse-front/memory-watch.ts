import { totalmem } from 'node:os';

const POLL_MS = 100;
/** A third of the machine, and no more than this: the broker, Postgres and the services live on it too. */
const GROWTH_BYTES_MAX = 2 * 1024 ** 3;

/**
 * Cancels readers when the process grows too much while they run. The engine bounds what a query computes with, not the result it
 * builds, and one result could otherwise take the whole process and with it every insert.
 */
export class MemoryWatch {
  private readonly running = new Set<() => void>();
  private timer: NodeJS.Timeout | undefined;
  private restBytes = 0;

  constructor(
    private readonly growthBytesMax = Math.min(GROWTH_BYTES_MAX, Math.floor(totalmem() / 3)),
    private readonly residentBytes: () => number = () => process.memoryUsage.rss(),
  ) {}

  /** Calls `cancel` at most once, when memory runs short before the returned function was called. */
  guard(cancel: () => void): () => void {
    if (this.running.size === 0) {
      this.restBytes = this.residentBytes();
      clearInterval(this.timer);
      this.timer = setInterval(() => this.look(), POLL_MS);
    }
    this.running.add(cancel);
    return () => {
      this.running.delete(cancel);
      if (this.running.size === 0) clearInterval(this.timer);
    };
  }

  private look(): void {
    if (this.residentBytes() - this.restBytes <= this.growthBytesMax) return;
    for (const cancel of this.running) {
      this.running.delete(cancel);
      cancel();
    }
  }
}
