import type { LandedReport } from '@weir/contracts';
import type { LockSession } from '@weir/store';
import type { Warehouse } from '@weir/warehouse';
import { writeDeadLetters, type DeadLetterContext } from './dead-letters.js';
import type { LandingSink } from './landing-sink.js';
import type { PreparedBatch } from './prepare-batch.js';
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
 * Lands one batch: insert, then move the watermarks. When it resolves everything is durable and the batch
 * may be acknowledged; when it throws, anything may have happened up to there and the same batch is landed again. Any number of repeats,
 * in this process or another, leaves the same rows: rows that are there are looked up, and the watermark moves last.
 *
 * @throws where the warehouse or Postgres fails, or the lock is lost.
 */
export async function landBatch(batch: PreparedBatch, context: BatchContext): Promise<LandedBatch> {
  const { warehouse, session, watermarks, sink } = context;
  session.lost.throwIfAborted();
  const refused = await writeTables(warehouse, sink, batch);
  session.lost.throwIfAborted();
  const deadLetters = [...batch.deadLetters, ...refused];
  await writeDeadLetters(warehouse, deadLetters, context);
  const touched = [...batch.touched.values()];
  await watermarks.save(touched.filter((producer) => producer.hasMoved));
  // Only now: an insert whose outcome is not known may still be reading them.
  for (const rows of batch.tables) rows.release();
  const reasons = new Map<string, number>();
  for (const { fault } of deadLetters) reasons.set(fault.reason, (reasons.get(fault.reason) ?? 0) + 1);
  const reports = touched.map(({ producerId, epoch, landed }) => ({
    sink,
    producerId,
    epoch,
    through: landed.through,
  }));
  return { landed: batch.landed, duplicates: batch.duplicates, deadLetters: reasons, reports };
}
