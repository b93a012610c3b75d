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
import { STILL_UNPRICED, splitMonth } from './ledger.store.js';
import { findClosedMonth } from './month-closer.js';
import { sumOpen } from './set-aside.store.js';

/** What rows are made of: names of columns, never a caller's text. */
const COLUMNS: Readonly<Record<ReportDimension, (entry: string) => string>> = {
  organisation: (entry) => `${entry}.organisation_id`,
  team: (entry) => `${entry}.team_id`,
  person: (entry) => `${entry}.person_id`,
  key: (entry) => `${entry}.key_id`,
  provider: (entry) => `${entry}.provider`,
  model: (entry) => `${entry}.model`,
  day: (entry) => `to_char(${entry}.charged_at AT TIME ZONE 'UTC', 'YYYY-MM-DD')`,
  bucket: (entry) => `${entry}.bucket`,
  kind: (entry) => `${entry}.kind`,
};

interface Sums {
  attempts: number;
  quantity: bigint;
  amountPico: bigint;
  unpricedLines: number;
}

/**
 * A month of the ledger by one dimension. Sums over entries, so adjustments are in the month they were booked in. Read in pieces, which are
 * summed up here.
 */
export async function readReport(query: Query, request: ReportRequest): Promise<ReportAnswer> {
  const { month, by, real } = request;
  const groups = new Map<string, Sums>();
  for await (const [after, upTo] of splitMonth(query, month)) {
    for (const row of await query(pieceOf(COLUMNS[by]), [month, real, after, upTo])) addRow(groups, row);
  }
  const rows = [...groups]
    .sort(([a, first], [b, second]) => compare(second.amountPico, first.amountPico) || compare(a, b))
    .map(([name, sums]) => ({
      ...sums,
      name,
      quantity: sums.quantity.toString(),
      amountPico: sums.amountPico.toString(),
    }));
  return {
    month,
    closedAt: (await findClosedMonth(query, month))?.closedAt ?? null,
    rows,
    amountPico: rows.reduce((sum, row) => sum + BigInt(row.amountPico), 0n).toString(),
    unpricedLines: rows.reduce((sum, row) => sum + row.unpricedLines, 0),
    open: await sumOpen(query, month),
  };
}

const compare = <Value extends bigint | string>(a: Value, b: Value): number => (a < b ? -1 : a > b ? 1 : 0);

/** An attempt counts where its first entry of the month and the group is, so that pieces can be summed up. */
const pieceOf = (column: (entry: string) => string): string => `
  SELECT ${column('e')} AS name, sum(quantity) AS quantity, coalesce(sum(amount_pico), 0) AS amount_pico,
    count(*) FILTER (WHERE ${STILL_UNPRICED}) AS unpriced,
    count(*) FILTER (WHERE NOT EXISTS (
      SELECT FROM ledger_entries b WHERE b.attempt_id = e.attempt_id AND b.month = e.month AND b.entry < e.entry
        AND ${column('b')} = ${column('e')} AND NOT ($2 AND b.simulated))) AS attempts
  FROM ledger_entries e WHERE month = $1 AND NOT ($2 AND simulated) AND entry > $3 AND entry <= $4 GROUP BY 1`;

function addRow(groups: Map<string, Sums>, row: Rows[number]): void {
  const name = row['name'] as string;
  const sums = groups.get(name) ?? { attempts: 0, quantity: 0n, amountPico: 0n, unpricedLines: 0 };
  sums.attempts += Number(row['attempts']);
  sums.quantity += BigInt(row['quantity'] as string);
  sums.amountPico += BigInt(row['amount_pico'] as string);
  sums.unpricedLines += Number(row['unpriced']);
  groups.set(name, sums);
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
