import { createHash } from 'node:crypto';
import { WarehouseRejection, type Parameter, type Warehouse } from '@weir/warehouse';
import { producerKey, type Origin } from './landing-event.js';
import { rangesOf } from './landed-ranges.js';
import type { DeadLetter, PendingRows } from './plan-batch.js';
import type { SinkTable } from './sink-table.js';

/** A batch's rows by table. */
export type PendingTables = ReadonlyMap<SinkTable, readonly PendingRows[]>;

/**
 * Lands a batch's rows. Events that a table holds already, because a run before this one crashed between its insert and its watermark,
 * are left out of it. Returns what the warehouse refuses for good.
 *
 * @throws where the outcome is not known or something was not inserted: the caller repeats the whole batch.
 */
export async function writeTables(
  warehouse: Warehouse,
  sink: string,
  tables: PendingTables,
): Promise<readonly DeadLetter[]> {
  const landed = await findLanded(warehouse, tables);
  // Each is waited for, also when another fails: a repeat must not overtake an insert that is still under way.
  const written = await Promise.allSettled(
    [...tables].map(([table, pending]) => {
      const known = landed.get(table);
      const waiting = known ? pending.filter(({ item }) => !known.has(originKey(item.origin))) : pending;
      return insertOrSplit(warehouse, sink, table, waiting);
    }),
  );
  return written.flatMap((result) => {
    if (result.status === 'rejected') throw result.reason;
    return result.value;
  });
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
function spansOf(tables: PendingTables): readonly Span[] {
  const spans = new Map<string, Span>();
  for (const { item } of [...tables.values()].flat()) {
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

function timesOf(pending: readonly PendingRows[]): { from: number; to: number } {
  let from = Infinity;
  let to = -Infinity;
  for (const { rows } of pending) {
    for (const { time } of rows) {
      if (time < from) from = time;
      if (time > to) to = time;
    }
  }
  return { from: Math.floor(from), to: Math.ceil(to) };
}

/** Which of the events each table holds: one statement for all of them, since a statement costs more than what it finds. */
async function findLanded(
  warehouse: Warehouse,
  tables: PendingTables,
): Promise<ReadonlyMap<SinkTable, ReadonlySet<string>>> {
  const parameters: Record<string, Parameter> = {};
  const conditions = spansOf(tables).map((span, index) => {
    parameters[`p${index}`] = span.producerId;
    parameters[`e${index}`] = span.epoch;
    parameters[`a${index}`] = span.first;
    parameters[`b${index}`] = span.last;
    return `(producer_id = {p${index}: UUID} AND epoch = {e${index}: UInt64} AND sequence BETWEEN {a${index}: UInt64} AND {b${index}: UInt64})`;
  });
  if (conditions.length === 0) return new Map();
  const order = [...tables.keys()];
  const selects = order.map((table, index) => {
    const { from, to } = timesOf(tables.get(table) ?? []);
    parameters[`from${index}`] = from;
    parameters[`to${index}`] = to;
    return `SELECT DISTINCT ${index} AS place, concat(toString(producer_id), ':', toString(epoch), ':', toString(sequence)) AS origin
      FROM ${warehouse.database}.${table.name}
      WHERE ${table.timeColumn} BETWEEN fromUnixTimestamp64Milli({from${index}: Int64}) AND fromUnixTimestamp64Milli({to${index}: Int64})
        AND (${conditions.join(' OR ')})`;
  });
  const rows = await warehouse.query<{ place: number; origin: string }>(selects.join('\nUNION ALL\n'), parameters);
  const landed = new Map<SinkTable, Set<string>>();
  for (const { place, origin } of rows) {
    const table = order[place];
    if (!table) continue;
    const known = landed.get(table);
    if (known) known.add(origin);
    else landed.set(table, new Set([origin]));
  }
  return landed;
}
