import type { LandedReport } from '@weir/contracts';
import { factsOf, writeDeadLetters, type DeadLetterContext } from './dead-letters.js';
import type { Failpoint } from './failpoint.js';
import type { Fence } from './fence.js';
import { positionRanges, type Intent, type Intents } from './intents.js';
import type { AppendedLog, PartitionLog } from './landing-log.js';
import type { LandingSink } from './landing-sink.js';
import type { PreparedBatch } from './prepare-batch.js';
import type { Warehouse } from '@weir/warehouse';
import type { Watermarks } from './watermarks.js';
import { insertToken, writeTables } from './write-tables.js';

export interface BatchContext extends Omit<DeadLetterContext, 'now'> {
  readonly sink: LandingSink['name'];
  readonly warehouse: Warehouse;
  readonly fence: Fence;
  readonly intents: Intents;
  readonly watermarks: Watermarks;
  /** Positions of the batch's messages in the stream, in their order. */
  readonly positions: readonly number[];
  readonly looksFirst: boolean;
  /** When the batch was recorded, where an earlier writer has recorded it. */
  readonly recordedAt?: number;
  readonly failpoint: Failpoint;
  /** The log of what lands; undefined where the sink keeps none. */
  readonly log: PartitionLog | undefined;
}

export interface LandedBatch {
  readonly landed: number;
  readonly duplicates: number;
  readonly deadLetters: ReadonlyMap<string, number>;
  /** What to tell the producers: for each one met, also where nothing was new. */
  readonly reports: readonly LandedReport[];
}

/**
 * Lands one batch: record the intent, insert, then move the watermarks and mark the intent done in one transaction. When it resolves
 * everything is durable and the batch may be acknowledged. When it throws, anything may have happened up to there, and the same batch
 * is landed again, by this writer or the next: its rows and tokens are the same, so the warehouse inserts nothing twice.
 *
 * @throws where the warehouse or Postgres fails; DeposedError where another is the writer.
 */
export async function landBatch(batch: PreparedBatch, context: BatchContext): Promise<LandedBatch> {
  const { sink, fence, intents, watermarks, failpoint } = context;
  const touched = [...batch.touched.values()];
  const reports = touched.map(({ producerId, epoch, landed }) => ({
    sink,
    producerId,
    epoch,
    through: landed.through,
  }));
  const reasons = new Map<string, number>();
  if (batch.landed > 0) {
    const now = context.recordedAt ?? (await intents.record(intentOf(batch, context)));
    await failpoint('intent');
    const refused = await writeTables(batch, context);
    const deadLetters = [...batch.deadLetters, ...refused];
    fence.assertHeld();
    await writeDeadLetters(context.warehouse, deadLetters, { ...context, now });
    const appended = await appendLog(batch, context);
    await failpoint('insert');
    await watermarks.save(
      touched.filter((producer) => producer.hasMoved),
      async (query) => {
        await intents.finish(query);
        await appended?.save(query);
      },
    );
    appended?.commit();
    await failpoint('done');
    for (const { fault } of deadLetters) reasons.set(fault.reason, (reasons.get(fault.reason) ?? 0) + 1);
  }
  // Only now: an insert whose outcome is not known may still be reading them.
  for (const rows of batch.tables) rows.release();
  return { landed: batch.landed, duplicates: batch.duplicates, deadLetters: reasons, reports };
}

/**
 * Last of what is inserted: so a leaf never stands in the log before the rows that it speaks for. What the warehouse refuses was found out
 * after the leaves were made; its row alone tells.
 */
async function appendLog(batch: PreparedBatch, context: BatchContext): Promise<AppendedLog | undefined> {
  if (!context.log || !batch.draft) return undefined;
  for (const letter of batch.deadLetters) batch.draft.addDeadLetter(factsOf(letter, context));
  context.fence.assertHeld();
  return context.log.append(batch.draft, context.looksFirst);
}

/** What is about to be inserted, and from which messages it can be made again. */
function intentOf(
  batch: PreparedBatch,
  { sink, streamCreated, positions }: Pick<BatchContext, 'sink' | 'streamCreated' | 'positions'>,
): Intent {
  return {
    streamCreated,
    positions: positionRanges(positions),
    runs: batch.runs.flatMap((run) => run ?? []),
    inserts: batch.tables.map((rows) => ({
      table: rows.table.name,
      token: insertToken(sink, rows, { start: 0, end: rows.count }),
    })),
  };
}
