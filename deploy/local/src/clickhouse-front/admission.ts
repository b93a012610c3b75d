import { exception } from './exception.js';

interface Waiting {
  start(): void;
  refuse(error: Error): void;
}

/** Runs at most `width` jobs at once, in order of arrival; refuses more than `waitingMax` waiting ones. */
export class Admission {
  private readonly waiting: Waiting[] = [];
  private running = 0;
  private idle: (() => void) | undefined;

  constructor(
    private readonly name: string,
    private readonly width: number,
    private readonly waitingMax: number,
  ) {}

  /**
   * Runs the job in its turn. Throws ClickHouse's code 202 when the queue is full, and the signal's reason when it aborts before the
   * job began; a job that has begun is not interrupted here.
   */
  async run<Result>(signal: AbortSignal, job: () => Promise<Result>): Promise<Result> {
    await this.enter(signal);
    try {
      return await job();
    } finally {
      this.leave();
    }
  }

  /** Resolves when nothing runs and nothing waits. */
  async drained(): Promise<void> {
    if (this.running === 0) return;
    await new Promise<void>((resolve) => (this.idle = resolve));
  }

  private async enter(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    if (this.running < this.width) {
      this.running += 1;
      return;
    }
    if (this.waiting.length >= this.waitingMax) {
      const waiting = `${this.waiting.length} waiting`;
      throw exception(
        'TOO_MANY_SIMULTANEOUS_QUERIES',
        `Too many simultaneous queries for ${this.name}: ${this.width} running, ${waiting}. Try again later`,
        503,
      );
    }
    await this.waitForTurn(signal);
  }

  private waitForTurn(signal: AbortSignal): Promise<void> {
    return new Promise<void>((resolve, reject) => {
      const entry: Waiting = {
        start: () => {
          signal.removeEventListener('abort', giveUp);
          resolve();
        },
        refuse: reject,
      };
      const giveUp = () => {
        this.waiting.splice(this.waiting.indexOf(entry), 1);
        reject(signal.reason as Error);
      };
      signal.addEventListener('abort', giveUp, { once: true });
      this.waiting.push(entry);
    });
  }

  private leave(): void {
    const next = this.waiting.shift();
    // The place goes to the next in line, so `running` stays.
    if (next !== undefined) return next.start();
    this.running -= 1;
    if (this.running === 0) this.idle?.();
  }
}
