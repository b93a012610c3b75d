import { readFileSync } from 'node:fs';
import { eventually, type Connection } from '@weir/testing';
import { expect } from 'expect';
import { request } from 'undici';

/** One line of the simulator's own invoice. */
interface InvoiceLine {
  readonly attemptId: string | null;
  readonly completed: boolean;
  readonly costUsd: string;
  readonly inputUncached: number;
  readonly inputCacheRead: number;
  readonly inputCacheWrite5m: number;
  readonly inputCacheWrite1h: number;
  readonly output: number;
  readonly reasoning: number;
}

/** Pico-USD of a decimal number of USD, exactly. */
export function pico(usd: string | number): bigint {
  const [whole = '0', fraction = ''] = String(usd).split('.');
  return BigInt(whole + fraction.padEnd(12, '0').slice(0, 12));
}

/** What a query of people gives: 64-bit integers and decimals as strings. */
export async function query<Row = Record<string, unknown>>(connection: Connection, sql: string): Promise<Row[]> {
  const { url, user, password, database } = connection.clickhouse;
  const address = new URL(url);
  address.searchParams.set('database', database);
  address.searchParams.set('output_format_json_quote_64bit_integers', '1');
  address.searchParams.set('output_format_json_quote_decimals', '1');
  const answer = await request(address, {
    method: 'POST',
    headers: { 'x-clickhouse-user': user, 'x-clickhouse-key': password },
    body: `${sql}\nFORMAT JSONEachRow`,
  });
  const text = await answer.body.text();
  if (answer.statusCode !== 200) throw new Error(`ClickHouse says ${answer.statusCode}: ${text}\n${sql}`);
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Row);
}

export async function readInvoice(connection: Connection): Promise<readonly InvoiceLine[]> {
  const answer = await request(new URL('/invoice', connection.simulator.url));
  const text = await answer.body.text();
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as InvoiceLine);
}

interface AttemptRow {
  readonly attempt_id: string;
  readonly call_id: string;
  readonly usage_source: string;
  readonly cost: string | null;
  readonly input_uncached: string;
  readonly input_cache_read: string;
  readonly input_cache_write_5m: string;
  readonly input_cache_write_1h: string;
  readonly output: string;
  readonly reasoning: string;
}

const ATTEMPTS = `SELECT attempt_id, call_id, usage_source, cost, input_uncached, input_cache_read, input_cache_write_5m,
  input_cache_write_1h, output, reasoning FROM attempts`;

/**
 * The record and the simulator's invoice tell the same: every attempt that was billed is recorded once; what was completed costs the
 * same to the last pico-USD, bucket by bucket; what was cut costs at least what was billed.
 */
export async function agreesWithInvoice(connection: Connection): Promise<void> {
  const rows = await query<AttemptRow>(connection, ATTEMPTS);
  const recorded = new Map(rows.map((row) => [row.attempt_id, row]));
  expect(recorded.size).toBe(rows.length);
  for (const line of await readInvoice(connection)) {
    const row = recorded.get(line.attemptId ?? '');
    if (!row) throw new Error(`the invoice has attempt ${line.attemptId}, the record has not`);
    const billed = pico(line.costUsd);
    if (row.usage_source !== 'provider') {
      expect(pico(row.cost ?? '0')).toBeGreaterThanOrEqual(billed);
      continue;
    }
    expect({ attempt: row.attempt_id, cost: pico(row.cost ?? '-1'), buckets: bucketsOfRow(row) }).toEqual({
      attempt: row.attempt_id,
      cost: billed,
      buckets: bucketsOfLine(line),
    });
  }
}

const bucketsOfRow = (row: AttemptRow): number[] =>
  [
    row.input_uncached,
    row.input_cache_read,
    row.input_cache_write_5m,
    row.input_cache_write_1h,
    row.output,
    row.reasoning,
  ].map(Number);

const bucketsOfLine = (line: InvoiceLine): number[] => [
  line.inputUncached,
  line.inputCacheRead,
  line.inputCacheWrite5m,
  line.inputCacheWrite1h,
  line.output,
  line.reasoning,
];

interface Totals {
  readonly calls: string;
  readonly call_ids: string;
  readonly gaps: string;
  readonly doubles: string;
  readonly lines: string;
  readonly unequal: string;
}

/** Nothing is missing and nothing is there twice, in any table, and every sum adds up. */
export async function isWhole(connection: Connection): Promise<void> {
  const [totals] = await query<Totals>(
    connection,
    `SELECT
       (SELECT count() FROM calls_landed) AS calls,
       (SELECT uniqExact(call_id) FROM calls_landed) AS call_ids,
       (SELECT sum(last - landed) FROM (SELECT max(sequence) AS last, uniqExact(sequence) AS landed FROM events GROUP BY producer_id, epoch)) AS gaps,
       (SELECT count() - uniqExact(producer_id, epoch, sequence) FROM events) AS doubles,
       (SELECT count() - uniqExact(attempt_id, line) FROM charges_landed) AS lines,
       (SELECT count() FROM (
          SELECT attempt_id, any(a.cost) AS attempt_cost, sum(c.cost) AS charged FROM charges AS c
          INNER JOIN attempts AS a ON a.attempt_id = c.attempt_id GROUP BY attempt_id HAVING attempt_cost != charged)) AS unequal`,
  );
  expect(totals).toEqual({
    calls: totals?.call_ids,
    call_ids: totals?.call_ids,
    gaps: '0',
    doubles: '0',
    lines: '0',
    unequal: '0',
  });
}

/** Waits until these calls are all recorded as ended, once each. */
export async function haveLanded(
  connection: Connection,
  callIds: readonly string[],
  timeoutMs = 60_000,
): Promise<void> {
  const list = callIds.map((id) => `'${id}'`).join(',');
  await eventually(
    async () => {
      const [row] = await query<{ rows: string; calls: string }>(
        connection,
        `SELECT count() AS rows, uniqExact(call_id) AS calls FROM calls_landed WHERE call_id IN (${list})`,
      );
      expect(row).toEqual({ rows: String(callIds.length), calls: String(callIds.length) });
      // The call's own count of its attempts against the attempts that providers recorded.
      const unequal = await query(
        connection,
        `SELECT c.call_id AS call_id, c.attempts AS told, c.error_code AS error, groupArray((a.attempt_no, a.outcome, a.error_code)) AS recorded
         FROM calls AS c LEFT JOIN attempts AS a ON a.call_id = c.call_id WHERE c.call_id IN (${list})
         GROUP BY ALL HAVING told != countIf(a.attempt_no > 0)`,
      );
      expect(unequal).toEqual([]);
    },
    { timeoutMs, everyMs: 250 },
  );
}

/** The queries of a guide: its ```sql blocks, in order. */
export function readQueries(guide: string): readonly string[] {
  const text = readFileSync(new URL(`../../../docs/guides/${guide}`, import.meta.url), 'utf8');
  return [...text.matchAll(/^```sql\n(.*?)^```/gms)].map((match) => match[1] ?? '');
}
