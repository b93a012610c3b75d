import { WarehouseRejection, type Parameter, type Warehouse } from '@weir/warehouse';
import type { Fence } from './fence.js';
import { producerKey } from './landing-event.js';
import { OriginSpans, spanCondition, type OriginSpan } from './origin-spans.js';
import type { DeadLetter, PreparedBatch } from './prepare-batch.js';
import type { SinkTable } from './sink-table.js';
import type { TableRows } from './table-rows.js';

export interface WriteContext {
  readonly warehouse: Warehouse;
  readonly sink: string;
  readonly fence: Fence;
  /**
   * Whether a run before this one may have inserted some of these events, and the warehouse may have forgotten with which token: then it
   * is asked, and what it holds is left out.
   */
  readonly looksFirst: boolean;
}

/**
 * Lands a batch's rows. A repeat of the same rows inserts nothing, since they carry the same tokens. Returns what the warehouse refuses
 * for good.
 *
 * @throws where the outcome is not known or something was not inserted: the caller repeats the whole batch. DeposedError where this
 * process may not write any more.
 */
export async function writeTables(batch: PreparedBatch, context: WriteContext): Promise<readonly DeadLetter[]> {
  const { tables } = batch;
  const landed = context.looksFirst ? await findLanded(context.warehouse, batch) : new Map<SinkTable, Set<string>>();
  // Each is waited for, also when another fails: a repeat must not overtake an insert that is still under way.
  const written = await Promise.allSettled(
    tables.map((rows) => {
      const known = landed.get(rows.table);
      const isKnown = (index: number): boolean => known?.has(originKey(batch, rows, index)) ?? false;
      const waiting = known ? rows.without(isKnown) : rows;
      return insertOrSplit({ ...context, batch, rows: waiting }, { start: 0, end: waiting.count });
    }),
  );
  return written.flatMap((result) => {
    if (result.status === 'rejected') throw result.reason;
    return result.value;
  });
}

function originKey(batch: PreparedBatch, rows: TableRows, index: number): string {
  const origin = batch.origin(rows, index);
  return origin ? `${producerKey(origin)}:${origin.sequence}` : '';
}

interface TableInsert extends WriteContext {
  readonly batch: PreparedBatch;
  readonly rows: TableRows;
}

/** The token names the rows: a repeat of the same ones is inserted once, whoever repeats it, and it never stands for others. */
export const insertToken = (sink: string, rows: TableRows, { start, end }: Span): string =>
  `${sink}:${rows.table.name}:${rows.digest(start, end)}`;

/** Some items of a table's rows. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

/** One refused row must not hold back the others: the batch is halved until it stands alone. */
async function insertOrSplit(insert: TableInsert, { start, end }: Span): Promise<readonly DeadLetter[]> {
  if (end <= start) return [];
  const { warehouse, sink, fence, batch, rows } = insert;
  const { table } = rows;
  const lines = rows.slice(start, end);
  const token = insertToken(sink, rows, { start, end });
  fence.assertHeld();
  try {
    await warehouse.insertLines({ table: table.name, columns: table.columns, lines, token });
    return [];
  } catch (error) {
    if (!(error instanceof WarehouseRejection)) throw error;
    if (end - start === 1) {
      const fault = { reason: 'refused_by_warehouse', detail: `${table.name}: ${error.reason}` } as const;
      return [{ item: batch.item(rows.place(start)), fault }];
    }
    const middle = (start + end) >> 1;
    const left = await insertOrSplit(insert, { start, end: middle });
    const right = await insertOrSplit(insert, { start: middle, end });
    return [...left, ...right];
  }
}

function spansOf(batch: PreparedBatch): readonly OriginSpan[] {
  const spans = new OriginSpans();
  for (const rows of batch.tables) {
    for (let index = 0; index < rows.count; index++) {
      const origin = batch.origin(rows, index);
      if (origin) spans.add(origin);
    }
  }
  return spans.spans;
}

/** Which of the events each table holds: one statement for all of them, since a statement costs more than what it finds. */
async function findLanded(
  warehouse: Warehouse,
  batch: PreparedBatch,
): Promise<ReadonlyMap<SinkTable, ReadonlySet<string>>> {
  const spans = spansOf(batch);
  if (spans.length === 0) return new Map();
  const { condition, parameters: places } = spanCondition(spans);
  const parameters: Record<string, Parameter> = { ...places };
  const { tables } = batch;
  const selects = tables.map(({ table, from, to }, index) => {
    parameters[`from${index}`] = Math.floor(from);
    parameters[`to${index}`] = Math.ceil(to);
    return `SELECT DISTINCT ${index} AS place, concat(toString(producer_id), ':', toString(epoch), ':', toString(sequence)) AS origin
      FROM ${warehouse.database}.${table.name}
      WHERE ${table.timeColumn} BETWEEN fromUnixTimestamp64Milli({from${index}: Int64}) AND fromUnixTimestamp64Milli({to${index}: Int64})
        AND ${condition}`;
  });
  const rows = await warehouse.query<{ place: number; origin: string }>(selects.join('\nUNION ALL\n'), parameters);
  const landed = new Map<SinkTable, Set<string>>();
  for (const { place, origin } of rows) {
    const table = tables[place]?.table;
    if (!table) continue;
    const known = landed.get(table);
    if (known) known.add(origin);
    else landed.set(table, new Set([origin]));
  }
  return landed;
}
