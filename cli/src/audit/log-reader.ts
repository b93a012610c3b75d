import type { Warehouse } from '@weir/warehouse';
import { AuditFault } from './audit-fault.js';
import type { LeafOrigin } from './leaf-log.js';

/** One row of `log_leaves`. */
export interface LeafRow extends LeafOrigin {
  readonly index: number;
  /** SHA-256(0x00 ‖ leaf) in hex. */
  readonly hash: string;
  readonly kind: string;
  readonly eventId: string;
  /** Milliseconds since the epoch. */
  readonly time: number;
  /** The cells after the hash, as they came. */
  readonly rest: string;
  /** The last of them: producer, epoch and sequence, as rows of tables begin. */
  readonly placeKey: string;
}

/** Leaves read at once: bounds the memory of a run. */
export const LEAVES_A_PAGE = 20_000;

/**
 * Pages of a partition's log, leaf by leaf from `start` up to but not including `end`.
 *
 * @throws AuditFault where one is missing or there twice.
 */
export async function* readLeafPages(
  warehouse: Warehouse,
  { partition, start, end }: { readonly partition: number; readonly start: number; readonly end: number },
): AsyncGenerator<readonly LeafRow[]> {
  for (let from = start; from < end; from += LEAVES_A_PAGE) {
    const to = Math.min(end, from + LEAVES_A_PAGE);
    yield await readLeaves(warehouse, { partition, from, to });
  }
}

/**
 * Leaves of a partition's log from an index up to but not including another.
 *
 * @throws AuditFault where one is missing or there twice.
 */
export async function readLeaves(
  warehouse: Warehouse,
  { partition, from, to }: { readonly partition: number; readonly from: number; readonly to: number },
): Promise<readonly LeafRow[]> {
  const text = await warehouse.queryText(
    `SELECT leaf_index, leaf_hash, kind, event_id, time_ms, producer_id, epoch, sequence
     FROM ${warehouse.database}.log_leaves
     WHERE partition = {partition: UInt16} AND leaf_index >= {from: UInt64} AND leaf_index < {to: UInt64} ORDER BY leaf_index`,
    { partition, from, to },
  );
  const rows = text
    .split('\n')
    .filter((line) => line !== '')
    .map(parseLeaf);
  checkIndexes(rows, { partition, from, to });
  return rows;
}

function parseLeaf(line: string): LeafRow {
  const [index = '', hash = '', kind = '', eventId = '', time = '', producerId = '', epoch, sequence] =
    line.split('\t');
  const restAt = index.length + hash.length + 2;
  return {
    index: Number(index),
    hash,
    kind,
    eventId,
    time: Number(time),
    producerId,
    epoch: Number(epoch),
    sequence: Number(sequence),
    rest: line.slice(restAt),
    placeKey: line.slice(restAt + kind.length + eventId.length + time.length + 3),
  };
}

function checkIndexes(
  rows: readonly LeafRow[],
  { partition, from, to }: { readonly partition: number; readonly from: number; readonly to: number },
): void {
  let next = from;
  for (const { index } of rows) {
    const place = { partition, index: Math.min(index, next) };
    if (index < next) throw new AuditFault('leaf_repeated', `leaf ${index} is in the log twice`, place);
    if (index > next) throw new AuditFault('leaf_missing', `leaf ${next} is missing from the log`, place);
    next += 1;
  }
  if (next < to)
    throw new AuditFault('leaf_missing', `leaf ${next} is missing from the log`, { partition, index: next });
}

/** Number of leaves at or beyond an index. */
export async function countLeavesFrom(warehouse: Warehouse, partition: number, index: number): Promise<number> {
  const [row] = await warehouse.query<{ leaves: string }>(
    `SELECT count() AS leaves FROM ${warehouse.database}.log_leaves
     WHERE partition = {partition: UInt16} AND leaf_index >= {index: UInt64}`,
    { partition, index },
  );
  return Number(row?.leaves ?? 0);
}

/** Partitions of which the log has any leaf. */
export async function readPartitions(warehouse: Warehouse): Promise<readonly number[]> {
  const rows = await warehouse.query<{ partition: number }>(
    `SELECT DISTINCT partition FROM ${warehouse.database}.log_leaves ORDER BY partition`,
  );
  return rows.map(({ partition }) => partition);
}

/** Where an event is in the log; undefined where it is not. */
export async function findLeafOfEvent(
  warehouse: Warehouse,
  eventId: string,
): Promise<{ readonly partition: number; readonly index: number } | undefined> {
  const [row] = await warehouse.query<{ partition: number; leaf_index: string }>(
    `SELECT partition, leaf_index FROM ${warehouse.database}.log_leaves
     WHERE event_id = {event: UUID} AND kind = 'event' ORDER BY partition, leaf_index LIMIT 1`,
    { event: eventId },
  );
  return row && { partition: row.partition, index: Number(row.leaf_index) };
}
