import { createHash } from 'node:crypto';
import type { Parameter } from '@weir/warehouse';
import { InvariantError } from './simulation.js';
import { originOf, type LandedRow } from './landed-row.js';
import type { SimulatedWarehouse } from './simulated-warehouse.js';

type Parameters = Readonly<Record<string, Parameter>>;
type Answer = readonly object[];

interface KnownQuery {
  /** Words that only this query has. */
  readonly words: readonly string[];
  readonly answer: (warehouse: SimulatedWarehouse, parameters: Parameters, sql: string) => Answer;
}

/** Cells of times are seconds with three decimals. */
const timeOf = (row: LandedRow, column: string): number => Math.round(Number(row[column]) * 1_000);
const HOUR_MS = 3_600_000;
const CHARGES = 'charges_landed';

/** What landing, the log and the ledger ask; run as ClickHouse runs it. */
const QUERIES: readonly KnownQuery[] = [
  { words: ['SELECT DISTINCT', 'AS place', 'AS origin'], answer: findOrigins },
  { words: ['SELECT leaf_index, leaf_hash, kind', 'ORDER BY leaf_index'], answer: readLeaves },
  { words: ['AS origin FROM weir.log_leaves', "kind = 'event'", 'time_ms BETWEEN'], answer: findLeaves },
  { words: ['SELECT leaf_hash FROM', "kind = 'dead_letter'", 'IN {hashes: Array(String)}'], answer: findLetterLeaves },
  {
    words: ['SHA256(arrayStringConcat(groupArray(leaf_hash)))', 'leaf_index >= {first: UInt64}'],
    answer: digestLeaves,
  },
  { words: ['toStartOfHour(charged_at)', 'GROUP BY hour'], answer: countByHour },
  { words: ['SELECT * FROM (', 'ORDER BY charged_at, attempt_id, line LIMIT {lines: UInt32}'], answer: readCharges },
  { words: ['toUInt64(0) AS quantity', 'attempt_id IN {attempts: Array(UUID)}'], answer: readUnused },
];

/** @throws InvariantError for a query that the simulation does not know. */
export function answerQuery(warehouse: SimulatedWarehouse, sql: string, parameters: Parameters): Answer {
  const known = QUERIES.find(({ words }) => words.every((word) => sql.includes(word)));
  if (!known) throw new InvariantError('every query is known', sql);
  return known.answer(warehouse, parameters, sql);
}

/** Whether a row's event is within one of the spans that the parameters name. */
function isWithinSpans(parameters: Parameters): (row: LandedRow) => boolean {
  const spans: { producer: Parameter | undefined; epoch: number; first: number; last: number }[] = [];
  for (let index = 0; `p${index}` in parameters; index++) {
    const number = (name: string): number => Number(parameters[`${name}${index}`]);
    spans.push({ producer: parameters[`p${index}`], epoch: number('e'), first: number('a'), last: number('b') });
  }
  return (row) =>
    spans.some(
      ({ producer, epoch, first, last }) =>
        row['producer_id'] === producer &&
        Number(row['epoch']) === epoch &&
        Number(row['sequence']) >= first &&
        Number(row['sequence']) <= last,
    );
}

function findLeaves(warehouse: SimulatedWarehouse, parameters: Parameters): Answer {
  const isWanted = isWithinSpans(parameters);
  const isInTime = (row: LandedRow): boolean =>
    Number(row['time_ms']) >= Number(parameters['from']) && Number(row['time_ms']) <= Number(parameters['to']);
  const rows = warehouse.table('log_leaves').rows;
  return rows
    .filter((row) => row['kind'] === 'event' && isInTime(row) && isWanted(row))
    .map((row) => ({ origin: originOf(row) }));
}

function findLetterLeaves(warehouse: SimulatedWarehouse, { hashes }: Parameters): Answer {
  const wanted = new Set(hashes as readonly string[]);
  const rows = warehouse.table('log_leaves').rows.filter((row) => row['kind'] === 'dead_letter');
  return rows.flatMap(({ leaf_hash: hash }) => (wanted.has(String(hash)) ? [{ leaf_hash: hash }] : []));
}

function findOrigins(warehouse: SimulatedWarehouse, parameters: Parameters, sql: string): Answer {
  const isWanted = isWithinSpans(parameters);
  return sql.split('UNION ALL').flatMap((select, place) => {
    const [, table = '', column = ''] = /FROM weir\.(\w+)\s+WHERE (\w+) BETWEEN/.exec(select) ?? [];
    const isInTime = (row: LandedRow): boolean => {
      const time = timeOf(row, column);
      return time >= Number(parameters[`from${place}`]) && time <= Number(parameters[`to${place}`]);
    };
    const rows = warehouse.table(table).rows.filter((row) => isInTime(row) && isWanted(row));
    return [...new Set(rows.map(originOf))].map((origin) => ({ place, origin }));
  });
}

function leavesFrom(warehouse: SimulatedWarehouse, first: Parameter | undefined): LandedRow[] {
  const rows = warehouse.table('log_leaves').rows.filter((row) => Number(row['leaf_index']) >= Number(first));
  return rows.sort((a, b) => Number(a['leaf_index']) - Number(b['leaf_index']));
}

function readLeaves(warehouse: SimulatedWarehouse, { size }: Parameters): Answer {
  return leavesFrom(warehouse, size).map((row) => ({ ...row, origin: originOf(row) }));
}

function digestLeaves(warehouse: SimulatedWarehouse, { first }: Parameters): Answer {
  const hashes = leavesFrom(warehouse, first).map((row) => row['leaf_hash'] ?? '');
  return [{ digest: createHash('sha256').update(hashes.join('')).digest('hex') }];
}

/** Attempts that used nothing: no call of a schedule has one. */
function readUnused(): Answer {
  return [];
}

function countByHour(warehouse: SimulatedWarehouse, { until }: Parameters): Answer {
  const hours = new Map<number, number>();
  for (const row of warehouse.table(CHARGES).rows) {
    const at = timeOf(row, 'charged_at');
    if (at >= Number(until)) continue;
    const hour = Math.floor(at / HOUR_MS) * HOUR_MS;
    hours.set(hour, (hours.get(hour) ?? 0) + 1);
  }
  return [...hours].sort(([a], [b]) => a - b).map(([hour, facts]) => ({ hour: hour / 1_000, facts: String(facts) }));
}

function readCharges(warehouse: SimulatedWarehouse, { at, until, attempt, lines }: Parameters): Answer {
  const isAfter = (row: LandedRow): boolean => {
    const time = timeOf(row, 'charged_at');
    if (time < Number(at) || time >= Number(until)) return false;
    return time > Number(at) || String(row['attempt_id']) > String(attempt);
  };
  const order = (a: LandedRow, b: LandedRow): number =>
    timeOf(a, 'charged_at') - timeOf(b, 'charged_at') ||
    compare(a['attempt_id'], b['attempt_id']) ||
    Number(a['line']) - Number(b['line']);
  const rows = warehouse.table(CHARGES).rows.filter(isAfter).sort(order).slice(0, Number(lines));
  return rows.map((row) => ({
    ...row,
    at: String(timeOf(row, 'charged_at')),
    line: Number(row['line']),
    simulated: row['simulated'] === 'true',
    origin: originOf(row),
  }));
}

const compare = (a: string | null | undefined, b: string | null | undefined): number =>
  String(a) < String(b) ? -1 : Number(String(a) > String(b));
