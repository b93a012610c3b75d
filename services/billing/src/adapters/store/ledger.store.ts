import type { Query, Rows } from '@weir/store';
import type { BookedLine, PlannedEntry } from '../../domain/ledger.js';

type Row = Rows[number];

/** Statements on the ledger; each runs in the transaction of the `query` it is given. */

/** The database's own time: what closes an hour or a month is never a process's clock. */
export async function readNow(query: Query): Promise<number> {
  const [row] = await query('SELECT now() AS now');
  return (row?.['now'] as Date).getTime();
}

/** Hours before this are closed; undefined before the first. */
export async function findClosedBefore(query: Query): Promise<number | undefined> {
  const [row] = await query(`SELECT max(hour) + interval '1 hour' AS until FROM closed_hours`);
  return (row?.['until'] as Date | null)?.getTime();
}

/** How many facts of each hour have been booked, by the hour's first millisecond. */
export async function readBookedFacts(query: Query): Promise<Map<number, number>> {
  const rows = await query('SELECT hour, sum(facts) AS facts FROM closed_hours GROUP BY hour');
  return new Map(rows.map((row) => [(row['hour'] as Date).getTime(), Number(row['facts'])]));
}

export async function insertClosing(
  query: Query,
  closing: {
    readonly kind: 'hour' | 'month' | 're-rating' | 'set-aside';
    readonly by: string;
    readonly detail: object;
  },
): Promise<string> {
  const [row] = await query('INSERT INTO closings (kind, done_by, detail) VALUES ($1, $2, $3) RETURNING closing', [
    closing.kind,
    closing.by,
    JSON.stringify(closing.detail),
  ]);
  return row?.['closing'] as string;
}

export async function insertClosedHour(query: Query, hour: number, closing: string, facts: number): Promise<void> {
  await query('INSERT INTO closed_hours (hour, closing, facts) VALUES ($1, $2, $3)', [new Date(hour), closing, facts]);
}

export async function readClosedMonths(query: Query): Promise<Set<string>> {
  return new Set((await query('SELECT month FROM closed_months')).map((row) => row['month'] as string));
}

/** What is booked of some attempts, by attempt. */
export async function readBooked(query: Query, attemptIds: readonly string[]): Promise<Map<string, BookedLine[]>> {
  const rows = await query(
    `SELECT DISTINCT ON (attempt_id, line) attempt_id, line, bucket, revision, rate_pico, price_version, usage_source,
       sum(quantity) OVER of_line AS quantity, coalesce(sum(amount_pico) OVER of_line, 0) AS amount_pico
     FROM ledger_entries WHERE attempt_id = ANY($1)
     WINDOW of_line AS (PARTITION BY attempt_id, line)
     ORDER BY attempt_id, line, revision DESC`,
    [attemptIds],
  );
  const booked = new Map<string, BookedLine[]>();
  for (const row of rows) {
    const attemptId = row['attempt_id'] as string;
    const lines = booked.get(attemptId) ?? [];
    lines.push(mapRowToBooked(row));
    booked.set(attemptId, lines);
  }
  return booked;
}

function mapRowToBooked(row: Row): BookedLine {
  return {
    line: Number(row['line']),
    bucket: row['bucket'] as string,
    revision: Number(row['revision']),
    quantity: BigInt(row['quantity'] as string),
    amountPico: BigInt(row['amount_pico'] as string),
    ratePico: row['rate_pico'] === null ? null : BigInt(row['rate_pico'] as string),
    priceVersion: row['price_version'] as string,
    usageSource: row['usage_source'] as string,
  };
}

/** Rows in one statement: far within the bound of a statement's time. */
const ROWS_PER_STATEMENT = 1_000;

/** Appends entries, each to its month. @throws the store's error where one exists, or its month is closed. */
export async function insertEntries(
  query: Query,
  closing: string,
  entries: readonly { readonly entry: PlannedEntry; readonly month: string }[],
): Promise<void> {
  for (let start = 0; start < entries.length; start += ROWS_PER_STATEMENT) {
    const rows = entries
      .slice(start, start + ROWS_PER_STATEMENT)
      .map(({ entry, month }) => mapEntryToRow(entry, month));
    await query(
      `INSERT INTO ledger_entries (closing, attempt_id, line, revision, kind, month, charged_at, organisation_id, team_id, person_id,
         key_id, application, provider, deployment_id, model, upstream_model, region, bucket, quantity, rate_pico, amount_pico,
         price_version, usage_source, simulated)
       SELECT $1::bigint, r.* FROM jsonb_to_recordset($2::jsonb) AS r (attempt_id uuid, line smallint, revision integer, kind text,
         month text, charged_at timestamptz, organisation_id text, team_id text, person_id text, key_id text, application text,
         provider text, deployment_id text, model text, upstream_model text, region text, bucket text, quantity numeric,
         rate_pico numeric, amount_pico numeric, price_version text, usage_source text, simulated boolean)`,
      [closing, JSON.stringify(rows)],
    );
  }
}

/** Amounts travel as strings: JSON numbers would be floats on the way. */
function mapEntryToRow(entry: PlannedEntry, month: string): object {
  const { context } = entry;
  return {
    attempt_id: entry.attemptId,
    line: entry.line,
    revision: entry.revision,
    kind: entry.kind,
    month,
    charged_at: new Date(entry.chargedAt).toISOString(),
    organisation_id: context.organisationId,
    team_id: context.teamId,
    person_id: context.personId,
    key_id: context.keyId,
    application: context.application,
    provider: context.provider,
    deployment_id: context.deploymentId,
    model: context.model,
    upstream_model: context.upstreamModel,
    region: context.region,
    bucket: entry.bucket,
    quantity: entry.quantity.toString(),
    rate_pico: entry.ratePico?.toString() ?? null,
    amount_pico: entry.entryPico?.toString() ?? null,
    price_version: entry.priceVersion,
    usage_source: entry.usageSource,
    simulated: context.simulated,
  };
}

/** An entry without a price that no later revision of its line has priced. */
export const STILL_UNPRICED = `e.rate_pico IS NULL AND NOT EXISTS (
  SELECT FROM ledger_entries l WHERE l.attempt_id = e.attempt_id AND l.line = e.line AND l.revision > e.revision AND l.rate_pico IS NOT NULL)`;

/** Lines without a price, of one month or of all. */
export async function countUnpriced(query: Query, month?: string): Promise<number> {
  const inMonth = month === undefined ? '' : 'AND month = $2';
  const parameters = month === undefined ? [] : [month];
  let lines = 0;
  for (let after = '0'; ;) {
    const [row] = await query(
      `SELECT max(entry) AS last, count(*) FILTER (WHERE ${STILL_UNPRICED}) AS lines FROM (
         SELECT entry, attempt_id, line, revision, rate_pico FROM ledger_entries WHERE rate_pico IS NULL AND entry > $1 ${inMonth}
         ORDER BY entry LIMIT ${ENTRIES_PER_STATEMENT}) AS e`,
      [after, ...parameters],
    );
    const last = row?.['last'] as string | null | undefined;
    if (typeof last !== 'string') return lines;
    lines += Number(row?.['lines']);
    after = last;
  }
}

/** Entries that one statement reads: a month of any size is read within the bound of a statement's time. */
const ENTRIES_PER_STATEMENT = 5_000;

/** A month's entries in pieces to read one by one: those after the first number, up to and with the second. */
export async function* splitMonth(query: Query, month: string): AsyncGenerator<readonly [after: string, upTo: string]> {
  for (let after = '0'; ;) {
    const [row] = await query(
      `SELECT max(entry) AS last FROM (
         SELECT entry FROM ledger_entries WHERE month = $1 AND entry > $2 ORDER BY entry LIMIT ${ENTRIES_PER_STATEMENT}) AS page`,
      [month, after],
    );
    const last = row?.['last'] as string | null | undefined;
    if (typeof last !== 'string') return;
    yield [after, last];
    after = last;
  }
}
