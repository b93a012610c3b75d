import { availableParallelism } from 'node:os';
import { LEAVES_A_PAGE } from './log-reader.js';
import { PageCheck, type PageOptions, type PageOutcome, type PageTask } from './page-check.js';
import { PagePool } from './page-pool.js';
import type { StackAccess } from './stack-access.js';

/** Below, threads take longer to start than the pages to check. */
const LEAVES_FOR_THREADS = 2 * LEAVES_A_PAGE;

export interface LogSize {
  readonly partition: number;
  readonly size: number;
}

/** The pages of all logs, one log after the other, each checked; some are under way ahead of the one asked for. */
export async function* checkPages(
  { warehouse, warehouseSettings }: Pick<StackAccess, 'warehouse' | 'warehouseSettings'>,
  options: PageOptions,
  { logs, threads: asked }: { readonly logs: readonly LogSize[]; readonly threads: number | undefined },
): AsyncGenerator<PageOutcome, undefined> {
  const tasks = tasksOf(logs);
  const threads = asked ?? (leavesOf(logs) < LEAVES_FOR_THREADS ? 1 : availableParallelism());
  if (threads === 1) {
    const check = new PageCheck(warehouse, options);
    for (const task of tasks) yield await check.check(task);
    return undefined;
  }
  const pool = new PagePool(threads, { warehouse: warehouseSettings, options });
  try {
    const ahead: Promise<PageOutcome>[] = [];
    const ask = (): void => {
      const { value: task } = tasks.next();
      if (!task) return;
      const outcome = pool.check(task);
      // eslint-disable-next-line no-restricted-syntax -- whoever takes it up is told; until then its failure is nobody's
      outcome.catch(() => undefined);
      ahead.push(outcome);
    };
    for (let i = 0; i < pool.pagesAtOnce; i++) ask();
    for (let next = ahead.shift(); next; next = ahead.shift()) {
      const outcome = await next;
      ask();
      yield outcome;
    }
  } finally {
    await pool.close();
  }
  return undefined;
}

const leavesOf = (logs: readonly LogSize[]): number => logs.reduce((sum, { size }) => sum + size, 0);

function* tasksOf(logs: readonly LogSize[]): Generator<PageTask, undefined> {
  for (const { partition, size } of logs) {
    for (let from = 0; from < size; from += LEAVES_A_PAGE) {
      yield { partition, from, to: Math.min(size, from + LEAVES_A_PAGE) };
    }
  }
  return undefined;
}
