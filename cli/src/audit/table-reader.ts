import { parseUsd } from '@weir/money';
import type { Parameter, Warehouse } from '@weir/warehouse';
import { AuditFault } from './audit-fault.js';
import { epochKey, type LeafOrigin } from './leaf-log.js';
import { UNBOUND_COLUMNS, type ColumnKind, type ColumnRule, type Expected, type TableRules } from './column-rules.js';
import { NULL_CELL, expectedCell } from './expected-cell.js';

/** A row as ClickHouse writes it in `TabSeparated`: a line without its newline. */
export type Row = string;

const UNESCAPES: Readonly<Record<string, string>> = { t: '\t', n: '\n', r: '\r', 0: '\0', b: '\b', f: '\f' };

/** Text of a cell of `TabSeparated`. */
export const unescapeCell = (cell: string): string =>
  cell.includes('\\') ? cell.replace(/\\(.)/gs, (_, character: string) => UNESCAPES[character] ?? character) : cell;

/** Sequences `first` to `last` of one producer and epoch. */
export interface Span extends Pick<LeafOrigin, 'producerId' | 'epoch'> {
  first: number;
  last: number;
}

export function spansOf(origins: readonly LeafOrigin[]): readonly Span[] {
  const spans = new Map<string, Span>();
  let span: Span | undefined;
  for (const { producerId, epoch, sequence } of origins) {
    // Mostly the same producer as before.
    if (span?.producerId !== producerId || span.epoch !== epoch) {
      const key = epochKey({ producerId, epoch });
      span = spans.get(key) ?? { producerId, epoch, first: sequence, last: sequence };
      spans.set(key, span);
    }
    span.first = Math.min(span.first, sequence);
    span.last = Math.max(span.last, sequence);
  }
  return [...spans.values()];
}

/** Which rows of a table to read: those of some events, whose times lie between two. */
export interface RowWindow {
  readonly spans: readonly Span[];
  readonly from: number;
  readonly to: number;
}

const TAB = 0x09;

/** An event's place as the first three columns of every line state it. */
export const placeKey = ({ producerId, epoch, sequence }: LeafOrigin): string => `${producerId}\t${epoch}\t${sequence}`;

/** Where the first three cells of a line end. */
function endOfPlace(line: string): number {
  const third = line.indexOf('\t', line.indexOf('\t', line.indexOf('\t') + 1) + 1);
  return third < 0 ? line.length : third;
}

/** Reads rows of one base table and compares them with what their events say. */
export class TableReader<Facts> {
  private readonly names: readonly string[];
  /** In the order of the names. */
  private readonly columns: readonly ColumnRule<Facts>[];

  constructor(
    private readonly warehouse: Warehouse,
    private readonly rules: TableRules<Facts>,
  ) {
    this.names = Object.keys(rules.columns);
    this.columns = Object.values(rules.columns);
  }

  get table(): string {
    return this.rules.table;
  }

  /** @throws AuditFault where the table has a column that nothing here checks, or lacks one. */
  async checkColumns(): Promise<void> {
    const rows = await this.warehouse.query<{ name: string }>(
      'SELECT name FROM system.columns WHERE database = {database: String} AND table = {table: String}',
      { database: this.warehouse.database, table: this.table },
    );
    const there = new Set(rows.map(({ name }) => name));
    for (const name of there) {
      if (name in this.rules.columns || UNBOUND_COLUMNS.has(`${this.table}.${name}`)) continue;
      throw new AuditFault('column_unknown', `${this.table} has a column that cannot be verified`, {
        table: this.table,
        column: name,
      });
    }
    const missing = this.names.find((name) => !there.has(name));
    if (missing !== undefined) {
      throw new AuditFault('column_unknown', `${this.table} has lost a column`, { table: this.table, column: missing });
    }
  }

  /** Rows by their event's place, as {@link placeKey} writes it. */
  async read(window: RowWindow): Promise<Map<string, Row[]>> {
    if (window.spans.length === 0) return new Map();
    const { sql, parameters } = this.statement(window);
    const text = await this.warehouse.queryText(sql, parameters);
    const rows = new Map<string, Row[]>();
    for (const line of text.split('\n')) {
      if (line === '') continue;
      const key = line.slice(0, endOfPlace(line));
      const known = rows.get(key);
      if (known) known.push(line);
      else rows.set(key, [line]);
    }
    return rows;
  }

  /** The same as bytes: lines that begin with their event's place. */
  async readBytes(window: RowWindow): Promise<Buffer> {
    if (window.spans.length === 0) return Buffer.alloc(0);
    const { sql, parameters } = this.statement(window);
    return this.warehouse.queryBytes(sql, parameters);
  }

  private statement(window: RowWindow): { sql: string; parameters: Record<string, Parameter> } {
    const parameters: Record<string, Parameter> = { from: Math.floor(window.from), to: Math.floor(window.to) };
    const conditions = window.spans.map((span, i) => {
      Object.assign(parameters, {
        [`p${i}`]: span.producerId,
        [`e${i}`]: span.epoch,
        [`a${i}`]: span.first,
        [`b${i}`]: span.last,
      });
      return `(producer_id = {p${i}: UUID} AND epoch = {e${i}: UInt64} AND sequence BETWEEN {a${i}: UInt64} AND {b${i}: UInt64})`;
    });
    const { timeColumn } = this.rules;
    const sql = `SELECT ${this.names.map((name) => this.select(name)).join(', ')} FROM ${this.warehouse.database}.${this.table} AS t
       WHERE t.${timeColumn} BETWEEN fromUnixTimestamp64Milli({from: Int64}) AND fromUnixTimestamp64Milli({to: Int64})
         AND (${conditions.join(' OR ')})`;
    return { sql, parameters };
  }

  /** The value of one column of a row, as text. */
  cell(row: Row, name: string): string {
    return unescapeCell(row.split('\t')[this.names.indexOf(name)] ?? '');
  }

  /** Whether a row is the very line that the event's facts make: then each of its columns is right. */
  isExactly(row: Row, facts: Facts): boolean {
    let at = 0;
    for (let i = 0; i < this.columns.length; i++) {
      const column = this.columns[i];
      if (!column) return false;
      const cell = expectedCell(column.kind, column.expect(facts));
      if (cell === undefined || !row.startsWith(cell, at)) return false;
      at += cell.length;
      if (i < this.columns.length - 1 && row.charCodeAt(at++) !== TAB) return false;
    }
    return at === row.length;
  }

  /** @throws AuditFault naming the first column that is not what the event says. */
  compare(row: Row, facts: Facts, place: Readonly<Record<string, string | number>>): void {
    if (this.isExactly(row, facts)) return;
    // One value can be written in several ways, so only the cells decide.
    const cells = row.split('\t');
    for (let i = 0; i < this.columns.length; i++) {
      const column = this.columns[i];
      if (!column || isSame(column.kind, cells[i] ?? '', column.expect(facts))) continue;
      const name = this.names[i] ?? '';
      throw new AuditFault('column_differs', `${this.table}.${name} is not what the event says`, {
        table: this.table,
        column: name,
        ...place,
      });
    }
  }

  /** Number of rows of each producer and epoch. */
  async countByEpoch(): Promise<ReadonlyMap<string, number>> {
    const rows = await this.warehouse.query<{ producer_id: string; epoch: string; rows: string }>(
      `SELECT producer_id, epoch, count() AS rows FROM ${this.warehouse.database}.${this.table} GROUP BY producer_id, epoch`,
    );
    return new Map(
      rows.map((row) => [epochKey({ producerId: row.producer_id, epoch: Number(row.epoch) }), Number(row.rows)]),
    );
  }

  /** Number of rows of one producer and epoch within ranges of sequences. */
  async countWithin(
    { producerId, epoch }: Pick<LeafOrigin, 'producerId' | 'epoch'>,
    ranges: readonly (readonly [number, number])[],
  ): Promise<number> {
    if (ranges.length === 0) return 0;
    const parameters: Record<string, Parameter> = { producer: producerId, epoch };
    const conditions = ranges.map(([first, last], i) => {
      Object.assign(parameters, { [`a${i}`]: first, [`b${i}`]: last });
      return `sequence BETWEEN {a${i}: UInt64} AND {b${i}: UInt64}`;
    });
    const [row] = await this.warehouse.query<{ rows: string }>(
      `SELECT count() AS rows FROM ${this.warehouse.database}.${this.table}
       WHERE producer_id = {producer: UUID} AND epoch = {epoch: UInt64} AND (${conditions.join(' OR ')})`,
      parameters,
    );
    return Number(row?.rows ?? 0);
  }

  private select(name: string): string {
    const kind = this.rules.columns[name]?.kind;
    if (kind === 'time') return `toUnixTimestamp64Milli(t.${name})`;
    if (kind === 'list') return `toJSONString(t.${name})`;
    return `t.${name}`;
  }
}

function isSame(kind: ColumnKind, cell: string, expected: Expected): boolean {
  if (expected === null || cell === NULL_CELL) return expected === null && cell === NULL_CELL;
  switch (kind) {
    case 'exact':
      return cell === String(expected);
    case 'text':
      return cell === expected || unescapeCell(cell) === expected;
    case 'number':
      return Number(cell) === expected;
    case 'money':
      return parseUsd(cell) === expected;
    case 'time':
      return cell === String(Math.floor(Number(expected)));
    case 'list':
      return isSameList(JSON.parse(unescapeCell(cell)) as unknown, expected);
  }
}

const isSameList = (actual: unknown, expected: Expected): boolean =>
  Array.isArray(actual) && Array.isArray(expected) && JSON.stringify(actual) === JSON.stringify(expected);
