import { createHash } from 'node:crypto';
import { WarehouseRejection, type Parameter, type Warehouse } from '@weir/warehouse';
import { producerKey, type Origin } from './landing-event.js';
import { rangesOf } from './landed-ranges.js';
import type { DeadLetter, PendingRows } from './plan-batch.js';
import type { SinkTable } from './sink-table.js';

/**
 * Lands a batch's rows of one table. Events that are in the table already, because a run before this one crashed between its insert
 * and its watermark, are left out. Returns what the warehouse refuses for good.
 *
 * @throws where the outcome is not known or nothing was inserted: the caller repeats the whole batch.
 */
export async function writeTable(
  warehouse: Warehouse,
  sink: string,
  table: SinkTable,
  pending: readonly PendingRows[],
): Promise<readonly DeadLetter[]> {
  const landed = await findLanded(warehouse, table, pending);
  const waiting = landed.size === 0 ? pending : pending.filter(({ item }) => !landed.has(originKey(item.origin)));
  return insertOrSplit(warehouse, sink, table, waiting);
}

const originKey = (origin: Origin | null): string => (origin ? `${producerKey(origin)}:${origin.sequence}` : '');

/** One refused row must not hold back the others: the batch is halved until it stands alone. */
async function insertOrSplit(
  warehouse: Warehouse,
  sink: string,
  table: SinkTable,
  pending: readonly PendingRows[],
): Promise<readonly DeadLetter[]> {
  const [first] = pending;
  if (!first) return [];
  try {
    await insert(warehouse, sink, table, pending);
    return [];
  } catch (error) {
    if (!(error instanceof WarehouseRejection)) throw error;
    if (pending.length === 1) {
      return [
        { item: first.item, fault: { reason: 'refused_by_warehouse', detail: `${table.name}: ${error.reason}` } },
      ];
    }
    const middle = pending.length >> 1;
    const left = await insertOrSplit(warehouse, sink, table, pending.slice(0, middle));
    const right = await insertOrSplit(warehouse, sink, table, pending.slice(middle));
    return [...left, ...right];
  }
}

/**
 * The token names the events: a repeat of the same ones is inserted once, whoever repeats it. Rows are a pure function of their events,
 * so the same token never stands for other rows.
 */
async function insert(
  warehouse: Warehouse,
  sink: string,
  table: SinkTable,
  pending: readonly PendingRows[],
): Promise<void> {
  const lines = pending.flatMap(({ rows }) => rows.map((row) => row.line));
  const events = createHash('sha256').update(describeEvents(pending)).digest('hex');
  const token = `${sink}:${table.name}:${events}`;
  await warehouse.insertLines({ table: table.name, columns: table.columns, lines: `${lines.join('\n')}\n`, token });
}

/** The events as ranges per producer: `id:epoch=1-400,402-500`. */
function describeEvents(pending: readonly PendingRows[]): string {
  const sequences = new Map<string, number[]>();
  for (const { item } of pending) {
    if (!item.origin) continue;
    const key = producerKey(item.origin);
    const known = sequences.get(key);
    if (known) known.push(item.origin.sequence);
    else sequences.set(key, [item.origin.sequence]);
  }
  return [...sequences]
    .map(([key, list]) => `${key}=${rangesOf(list).join(';')}`)
    .sort()
    .join('|');
}

interface Span {
  readonly producerId: string;
  readonly epoch: number;
  first: number;
  last: number;
}

/** One span a producer, not one a run of sequences: a table holds only some types of events, so runs would be many and short. */
function spansOf(pending: readonly PendingRows[]): readonly Span[] {
  const spans = new Map<string, Span>();
  for (const { item } of pending) {
    if (!item.origin) continue;
    const { producerId, epoch, sequence } = item.origin;
    const key = producerKey(item.origin);
    const span = spans.get(key);
    if (!span) spans.set(key, { producerId, epoch, first: sequence, last: sequence });
    else {
      span.first = Math.min(span.first, sequence);
      span.last = Math.max(span.last, sequence);
    }
  }
  return [...spans.values()];
}

async function findLanded(
  warehouse: Warehouse,
  table: SinkTable,
  pending: readonly PendingRows[],
): Promise<ReadonlySet<string>> {
  let from = Infinity;
  let to = -Infinity;
  for (const { rows } of pending) {
    for (const { time } of rows) {
      if (time < from) from = time;
      if (time > to) to = time;
    }
  }
  const parameters: Record<string, Parameter> = { from: Math.floor(from), to: Math.ceil(to) };
  const conditions = spansOf(pending).map((span, index) => {
    parameters[`p${index}`] = span.producerId;
    parameters[`e${index}`] = span.epoch;
    parameters[`a${index}`] = span.first;
    parameters[`b${index}`] = span.last;
    return `(producer_id = {p${index}: UUID} AND epoch = {e${index}: UInt64} AND sequence BETWEEN {a${index}: UInt64} AND {b${index}: UInt64})`;
  });
  if (conditions.length === 0) return new Set();
  const rows = await warehouse.query<{ origin: string }>(
    `SELECT DISTINCT concat(toString(producer_id), ':', toString(epoch), ':', toString(sequence)) AS origin
     FROM ${warehouse.database}.${table.name}
     WHERE ${table.timeColumn} BETWEEN fromUnixTimestamp64Milli({from: Int64}) AND fromUnixTimestamp64Milli({to: Int64})
       AND (${conditions.join(' OR ')})`,
    parameters,
  );
  return new Set(rows.map((row) => row.origin));
}
