import type { LandedReport } from '@weir/contracts';
import type { LockSession } from '@weir/store';
import type { Warehouse } from '@weir/warehouse';
import { writeDeadLetters, type DeadLetterContext } from './dead-letters.js';
import type { ReadMessage } from './landing-event.js';
import type { LandingSink } from './landing-sink.js';
import { mapBatch, planBatch, type BatchPlan } from './plan-batch.js';
import type { Watermarks } from './watermarks.js';
import { writeTables } from './write-tables.js';

export interface BatchContext extends DeadLetterContext {
  readonly sink: LandingSink['name'];
  readonly warehouse: Warehouse;
  /** The lock this process writes under. */
  readonly session: LockSession;
  readonly watermarks: Watermarks;
}

export interface LandedBatch {
  readonly landed: number;
  readonly duplicates: number;
  readonly deadLetters: ReadonlyMap<string, number>;
  /** What to tell the producers: for each one met, also where nothing was new. */
  readonly reports: readonly LandedReport[];
}

/**
 * Lands one batch: drop what has landed, insert the rest, move the watermarks. When it resolves everything is durable and the batch
 * may be acknowledged; when it throws, anything may have happened up to there and the same batch is landed again. Any number of repeats,
 * in this process or another, leaves the same rows: rows that are there are looked up, and the watermark moves last.
 *
 * @throws where the warehouse or Postgres fails, or the lock is lost.
 */
export async function landBatch(
  messages: readonly ReadMessage[],
  sink: LandingSink,
  context: BatchContext,
): Promise<LandedBatch> {
  const { warehouse, session, watermarks } = context;
  await watermarks.load(messages.flatMap(({ run }) => run ?? []));
  const plan = planBatch(messages, (key) => watermarks.get(key));
  const { tables, deadLetters } = mapBatch(plan.fresh, sink);
  session.lost.throwIfAborted();
  deadLetters.push(...(await writeTables(warehouse, sink.name, tables)));
  session.lost.throwIfAborted();
  await writeDeadLetters(warehouse, deadLetters, context);
  await moveWatermarks(plan, watermarks);
  const reasons = new Map<string, number>();
  for (const { fault } of deadLetters) reasons.set(fault.reason, (reasons.get(fault.reason) ?? 0) + 1);
  return {
    landed: plan.landed,
    duplicates: plan.duplicates,
    deadLetters: reasons,
    reports: [...plan.touched].map(([key, { producerId, epoch }]) => ({
      sink: sink.name,
      producerId,
      epoch,
      through: watermarks.get(key).through,
    })),
  };
}

async function moveWatermarks(plan: BatchPlan, watermarks: Watermarks): Promise<void> {
  await watermarks.save([...plan.touched.values()].filter((producer) => producer.hasMoved));
}
