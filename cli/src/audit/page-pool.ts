import { Worker } from 'node:worker_threads';
import type { WarehouseSettings } from '@weir/warehouse';
import type { PageOptions, PageOutcome, PageTask } from './page-check.js';

export interface WorkerInput {
  readonly warehouse: WarehouseSettings;
  readonly options: PageOptions;
}

interface Waiting {
  readonly worker: Worker;
  readonly resolve: (outcome: PageOutcome) => void;
  readonly reject: (error: unknown) => void;
}

interface Answer {
  readonly number: number;
  readonly outcome?: PageOutcome;
  readonly error?: unknown;
}

/** While one page is read another is checked. */
const PAGES_A_THREAD = 2;

/** A page's strings live until it is done: a small young generation would copy each of them twice. */
const RESOURCE_LIMITS = { maxYoungGenerationSizeMb: 128 };

/** Threads that check pages. */
export class PagePool {
  private readonly workers: readonly Worker[];
  private readonly waiting = new Map<number, Waiting>();
  private asked = 0;
  private failure: Error | undefined;

  constructor(threads: number, input: WorkerInput) {
    this.workers = Array.from(
      { length: threads },
      () =>
        new Worker(new URL('./page-worker.js', import.meta.url), {
          workerData: input,
          resourceLimits: RESOURCE_LIMITS,
        }),
    );
    for (const worker of this.workers) {
      worker.on('message', (answer: Answer) => this.take(answer));
      worker.on('error', (error) => this.fail(error));
    }
  }

  /** How many pages it is worth asking for at once. */
  get pagesAtOnce(): number {
    return this.workers.length * PAGES_A_THREAD;
  }

  /** @throws what keeps a page from being checked, a lost thread included. */
  check(task: PageTask): Promise<PageOutcome> {
    return new Promise((resolve, reject) => {
      const number = this.asked++;
      const worker = this.workers[number % this.workers.length];
      if (!worker || this.failure !== undefined) return reject(this.failure ?? new Error('there is no thread'));
      this.waiting.set(number, { worker, resolve, reject });
      worker.postMessage({ number, task });
    });
  }

  async close(): Promise<void> {
    await Promise.all(this.workers.map((worker) => worker.terminate()));
    this.fail(new Error('the threads were ended'));
  }

  private take({ number, outcome, error }: Answer): void {
    const waiting = this.waiting.get(number);
    this.waiting.delete(number);
    if (outcome) waiting?.resolve(outcome);
    else waiting?.reject(error);
  }

  private fail(error: Error): void {
    this.failure ??= error;
    for (const { reject } of this.waiting.values()) reject(error);
    this.waiting.clear();
  }
}
