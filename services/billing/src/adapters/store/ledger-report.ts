import type {
  EntriesAnswer,
  EntriesRequest,
  LedgerKind,
  LedgerRow,
  ReportAnswer,
  ReportDimension,
  ReportRequest,
} from '@weir/contracts';
import type { Query, Rows } from '@weir/store';
import { STILL_UNPRICED } from './ledger.store.js';
import { findClosedMonth } from './month-closer.js';
import { sumOpen } from './set-aside.store.js';

/** What rows are made of: names of columns, never a caller's text. */
const COLUMNS: Readonly<Record<ReportDimension, string>> = {
  organisation: 'organisation_id',
  team: 'team_id',
  person: 'person_id',
  key: 'key_id',
  provider: 'provider',
  model: 'model',
  day: `to_char(charged_at AT TIME ZONE 'UTC', 'YYYY-MM-DD')`,
  bucket: 'bucket',
  kind: 'kind',
};

/** A month of the ledger by one dimension. Sums over entries, so adjustments are in the month they were booked in. */
export async function readReport(query: Query, request: ReportRequest): Promise<ReportAnswer> {
  const { month, by, real } = request;
  const rows = await query(
    `SELECT ${COLUMNS[by]} AS name, count(DISTINCT attempt_id) AS attempts, sum(quantity) AS quantity,
       coalesce(sum(amount_pico), 0) AS amount_pico, count(*) FILTER (WHERE ${STILL_UNPRICED}) AS unpriced
     FROM ledger_entries e WHERE month = $1 AND NOT ($2 AND simulated) GROUP BY 1 ORDER BY amount_pico DESC, name`,
    [month, real],
  );
  const mapped = rows.map((row) => ({
    name: row['name'] as string,
    attempts: Number(row['attempts']),
    quantity: row['quantity'] as string,
    amountPico: row['amount_pico'] as string,
    unpricedLines: Number(row['unpriced']),
  }));
  return {
    month,
    closedAt: (await findClosedMonth(query, month))?.closedAt ?? null,
    rows: mapped,
    amountPico: mapped.reduce((sum, row) => sum + BigInt(row.amountPico), 0n).toString(),
    unpricedLines: mapped.reduce((sum, row) => sum + row.unpricedLines, 0),
    open: await sumOpen(query, month),
  };
}

const ENTRIES_PER_PAGE = 5_000;

/** A page of a month's entries, in the order they were booked. */
export async function readEntries(query: Query, { month, after }: EntriesRequest): Promise<EntriesAnswer> {
  const rows = await query('SELECT * FROM ledger_entries WHERE month = $1 AND entry > $2 ORDER BY entry LIMIT $3', [
    month,
    after,
    ENTRIES_PER_PAGE,
  ]);
  const last = rows.at(-1);
  return {
    rows: rows.map(mapRow),
    next: rows.length < ENTRIES_PER_PAGE || last === undefined ? null : Number(last['entry']),
  };
}

function mapRow(row: Rows[number]): LedgerRow {
  const text = (column: string): string => row[column] as string;
  return {
    entry: text('entry'),
    month: text('month'),
    kind: row['kind'] as LedgerKind,
    chargedAt: (row['charged_at'] as Date).toISOString(),
    attemptId: text('attempt_id'),
    line: Number(row['line']),
    revision: Number(row['revision']),
    organisationId: text('organisation_id'),
    teamId: text('team_id'),
    personId: text('person_id'),
    keyId: text('key_id'),
    application: text('application'),
    provider: text('provider'),
    model: text('model'),
    upstreamModel: text('upstream_model'),
    region: text('region'),
    bucket: text('bucket'),
    quantity: text('quantity'),
    ratePico: row['rate_pico'] as string | null,
    amountPico: row['amount_pico'] as string | null,
    priceVersion: text('price_version'),
    usageSource: text('usage_source'),
    simulated: row['simulated'] as boolean,
  };
}
