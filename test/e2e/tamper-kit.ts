import { createHash } from 'node:crypto';
import type { ClickHouseAccess } from '@weir/testing';
import { request } from 'undici';

/** Runs a statement as the user audit and billing insert with. */
export async function command(access: ClickHouseAccess, sql: string): Promise<string> {
  const address = new URL(access.url);
  address.searchParams.set('database', access.database);
  const answer = await request(address, {
    method: 'POST',
    headers: { 'x-clickhouse-user': access.user, 'x-clickhouse-key': access.password },
    body: sql,
  });
  const text = await answer.body.text();
  if (answer.statusCode !== 200) throw new Error(`ClickHouse says ${answer.statusCode}: ${text}\n${sql}`);
  return text;
}

export async function rows<Row>(access: ClickHouseAccess, sql: string): Promise<Row[]> {
  const text = await command(access, `${sql} FORMAT JSONEachRow`);
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Row);
}

/** Numbers from 0 to 1 that the seed alone decides (mulberry32). */
export function randomNumbers(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

export interface Column {
  readonly name: string;
  readonly type: string;
}

/** A base table as it was when everything had landed, beside which its copies are altered. */
export interface BaseTable {
  readonly name: string;
  /** Columns that tell one row from all others. */
  readonly key: readonly string[];
  readonly columns: readonly Column[];
  /** Conditions, one for each row. */
  readonly rows: readonly string[];
  /** The order in which its tail is its end. */
  readonly order: string;
  /** Which of its rows the log speaks for. */
  readonly where: string;
}

const BACKUP = 'tamper_backup';

export interface TableOptions {
  readonly name: string;
  readonly key: readonly string[];
  readonly order: string;
  readonly where?: string;
  /** Columns the log does not speak for. */
  readonly unbound?: readonly string[];
}

/** Copies a table and lists its rows. */
export async function backUp(access: ClickHouseAccess, options: TableOptions): Promise<BaseTable> {
  const { name, key, order, where = '1', unbound = [] } = options;
  await command(access, `CREATE DATABASE IF NOT EXISTS ${BACKUP}`);
  await command(access, `CREATE TABLE ${BACKUP}.${name} AS ${access.database}.${name}`);
  await command(access, `INSERT INTO ${BACKUP}.${name} SELECT * FROM ${access.database}.${name}`);
  const columns = await rows<Column>(
    access,
    `SELECT name, type FROM system.columns WHERE database = '${access.database}' AND table = '${name}' ORDER BY position`,
  );
  const keys = await rows<Record<string, string | number>>(
    access,
    `SELECT ${key.join(', ')} FROM ${BACKUP}.${name} WHERE ${where} ORDER BY ${key.join(', ')}`,
  );
  return {
    name,
    key,
    order,
    where,
    columns: columns.filter((column) => !unbound.includes(column.name)),
    rows: keys.map((row) => `(${key.map((column) => `${column} = ${quote(row[column] ?? '')}`).join(' AND ')})`),
  };
}

const quote = (value: string | number): string => `'${String(value).replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;

/** Puts something else in the place of a table's rows. */
export async function rewrite(
  access: ClickHouseAccess,
  table: BaseTable,
  ...selects: readonly string[]
): Promise<void> {
  await command(access, `TRUNCATE TABLE ${access.database}.${table.name}`);
  for (const select of selects) {
    // Without it a block that was there before would be taken for a repetition.
    await command(access, `INSERT INTO ${access.database}.${table.name} SETTINGS insert_deduplicate = 0 ${select}`);
  }
}

export const restore = (access: ClickHouseAccess, table: BaseTable): Promise<void> =>
  rewrite(access, table, `SELECT * FROM ${BACKUP}.${table.name}`);

/** Another value of a column, whatever it is. */
export function otherValue({ name, type }: Column): string {
  const plain = /^(?:LowCardinality|Nullable)\((.*)\)$/.exec(type)?.[1] ?? type;
  const other = otherPlain(name, plain);
  return type.startsWith('Nullable')
    ? `if(isNull(${name}), ${someValue(plain)}, ${other.replaceAll(name, `assumeNotNull(${name})`)})`
    : other;
}

function otherPlain(name: string, type: string): string {
  if (type === 'Bool') return `NOT ${name}`;
  if (type === 'UUID') return `if(${name} = toUUID('${ONE_UUID}'), toUUID('${OTHER_UUID}'), toUUID('${ONE_UUID}'))`;
  if (type.startsWith('FixedString')) return `concat(if(startsWith(${name}, 'a'), 'b', 'a'), substring(${name}, 2))`;
  if (type.startsWith('DateTime64')) return `addMilliseconds(${name}, 1)`;
  if (type.startsWith('Decimal')) return `${name} + toDecimal128('0.000000000001', 12)`;
  if (type.startsWith('Array')) return `arrayPushBack(${name}, 'x')`;
  if (type === 'String') return `concat(${name}, 'x')`;
  return `${name} + 1`;
}

const ONE_UUID = '019ae000-0000-7000-8000-00000000000a';
const OTHER_UUID = '019ae000-0000-7000-8000-00000000000b';

function someValue(type: string): string {
  if (type === 'UUID') return `toUUID('${ONE_UUID}')`;
  if (type.startsWith('Decimal')) return `toDecimal128('1', 12)`;
  return type === 'String' ? "'x'" : '1';
}

/** A number that any difference in a table changes. */
export async function fingerprint(access: ClickHouseAccess, table: BaseTable): Promise<string> {
  const [row] = await rows<{ print: string }>(
    access,
    `SELECT toString((count(), sum(cityHash64(toString(tuple(*)))))) AS print FROM ${access.database}.${table.name}`,
  );
  return row?.print ?? '';
}

export type Action = 'change' | 'delete' | 'insert' | 'swap' | 'truncate';
export const ACTIONS: readonly Action[] = ['change', 'delete', 'insert', 'swap', 'truncate'];

/** Alters one thing of a table, and says what. */
export async function tamper(
  access: ClickHouseAccess,
  table: BaseTable,
  { action, column, random }: { readonly action: Action; readonly column: Column; readonly random: () => number },
): Promise<string> {
  const all = `SELECT * FROM ${BACKUP}.${table.name}`;
  const pick = (): string => table.rows[Math.floor(random() * table.rows.length)] ?? '';
  const row = pick();
  const label = `${action} ${table.name}.${column.name} ${row}`;
  const replaced = (value: string): string => `SELECT * REPLACE (${value} AS ${column.name})`;
  const changed = (of: string, value: string): string =>
    `${replaced(`if(${of}, ${value}, ${column.name})`)} FROM ${BACKUP}.${table.name}`;
  switch (action) {
    case 'change':
      await rewrite(access, table, changed(row, otherValue(column)));
      return label;
    case 'delete':
      await rewrite(access, table, `${all} WHERE NOT ${row}`);
      return `delete ${table.name} ${row}`;
    case 'insert':
      await rewrite(access, table, all, `${replaced(otherValue(column))} FROM (${all} WHERE ${row})`);
      return label;
    case 'swap': {
      const other = await findDifferent(access, table, { row, column });
      if (other === undefined) {
        await rewrite(access, table, changed(row, otherValue(column)));
        return `${label} (all are equal: changed)`;
      }
      const valueOf = (of: string): string => `(SELECT any(${column.name}) FROM ${BACKUP}.${table.name} WHERE ${of})`;
      const value = `multiIf(${row}, ${valueOf(other)}, ${other}, ${valueOf(row)}, ${column.name})`;
      await rewrite(access, table, changed('1', value));
      return `${label} with ${other}`;
    }
    case 'truncate': {
      const count = 1 + Math.floor(random() * Math.min(5, table.rows.length));
      const tail = `SELECT ${table.key.join(', ')} FROM ${BACKUP}.${table.name} WHERE ${table.where} ORDER BY ${table.order} DESC LIMIT ${count}`;
      await rewrite(access, table, `${all} WHERE NOT (${table.where} AND (${table.key.join(', ')}) IN (${tail}))`);
      return `truncate ${table.name} by ${count}`;
    }
  }
}

async function findDifferent(
  access: ClickHouseAccess,
  table: BaseTable,
  { row, column }: { readonly row: string; readonly column: Column },
): Promise<string | undefined> {
  const value = `(SELECT any(toString(${column.name})) FROM ${BACKUP}.${table.name} WHERE ${row})`;
  const [other] = await rows<Record<string, string | number>>(
    access,
    `SELECT ${table.key.join(', ')} FROM ${BACKUP}.${table.name}
     WHERE ${table.where} AND ifNull(toString(${column.name}), '') != ifNull(${value}, '') ORDER BY cityHash64(${table.key.join(', ')}) LIMIT 1`,
  );
  return other && `(${table.key.map((name) => `${name} = ${quote(other[name] ?? '')}`).join(' AND ')})`;
}

/** The roots of a log's full subtrees, largest first, one after the other: written here without Weir's own library (RFC 9162 §2.1.1). */
export function frontierOf(leaves: readonly Buffer[]): Buffer {
  const subtrees: { readonly size: number; readonly hash: Buffer }[] = [];
  for (const leaf of leaves) {
    let next = { size: 1, hash: leaf };
    for (let last = subtrees.at(-1); last?.size === next.size; last = subtrees.at(-1)) {
      subtrees.pop();
      const hash = createHash('sha256')
        .update(Buffer.concat([Buffer.of(1), last.hash, next.hash]))
        .digest();
      next = { size: last.size * 2, hash };
    }
    subtrees.push(next);
  }
  return Buffer.concat(subtrees.map(({ hash }) => hash));
}
