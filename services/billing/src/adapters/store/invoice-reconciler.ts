import type { ReconcileAnswer, ReconcileRequest } from '@weir/contracts';
import type { Query, Rows } from '@weir/store';
import { Reconciliation, type LedgerAttempt } from '../../domain/reconcile.js';
import type { ChargeReader } from '../facts/charge-reader.js';
import type { BillingDatabase } from './billing-database.js';
import { createInvoiceTable, dropInvoiceTable, readInvoicePages, storeInvoice } from './invoice.store.js';
import { readLedgerHours } from './ledger-hours.js';
import { findClosedBefore, readNow } from './ledger.store.js';
import { LedgerRefusal } from './month-closer.js';

export interface InvoiceReconcilerParts {
  readonly database: BillingDatabase;
  readonly reader: ChargeReader;
  /** Gives up between two pages. */
  readonly stopping: AbortSignal;
}

const ENTRIES_PER_PAGE = 1_000;

/**
 * Compares an invoice with the ledger, over days that are closed: what is not booked yet would look like a difference. The invoice is read as
 * it comes into a temporary table, and compared from there page by page: memory does not grow with either side.
 *
 * @throws InvoiceError where a line cannot be read; LedgerRefusal where the days are not closed; LedgerStopped where this process ends first.
 */
export async function reconcileInvoice(
  { database, reader, stopping }: InvoiceReconcilerParts,
  request: ReconcileRequest,
  body: AsyncIterable<Uint8Array>,
): Promise<ReconcileAnswer> {
  const period = { provider: request.provider, since: Date.parse(request.since), until: Date.parse(request.until) };
  return database.session(async (query) => {
    await refuseOpenDays(query, period.until);
    await createInvoiceTable(query);
    try {
      await storeInvoice(query, request.format, body, stopping);
      const reconciliation = new Reconciliation(period);
      for await (const lines of readInvoicePages(query)) {
        stopping.throwIfAborted();
        const ids = [...new Set(lines.flatMap(({ line }) => line.attemptId ?? []))];
        const attempts = await readNamed(query, period.provider, ids);
        const uncharged = await reader.explainUncharged(ids.filter((id) => !attempts.has(id)));
        for (const { line, isRepeated } of lines) {
          const id = line.attemptId ?? '';
          reconciliation.addLine(line, { attempt: attempts.get(id), isRepeated, uncharged: uncharged.get(id) });
        }
      }
      for await (const ids of readUnbilled(query, period)) {
        stopping.throwIfAborted();
        const attempts = await readNamed(query, period.provider, ids);
        for (const attempt of attempts.values()) reconciliation.addUnbilled(attempt);
      }
      return reconciliation.answer();
    } finally {
      await dropInvoiceTable(query);
    }
  });
}

/** @throws LedgerRefusal */
async function refuseOpenDays(query: Query, until: number): Promise<void> {
  const closedBefore = (await findClosedBefore(query)) ?? 0;
  if (closedBefore >= Math.min(until, await readNow(query))) return;
  const closed =
    closedBefore === 0 ? 'nothing is closed yet' : `closed is what was before ${new Date(closedBefore).toISOString()}`;
  throw new LedgerRefusal(`${closed}: run weir billing close first`);
}

/** Attempts that ended in the period and that no line of the invoice names, in pages: each where its first entry is. */
async function* readUnbilled(
  query: Query,
  period: { readonly provider: string; readonly since: number; readonly until: number },
): AsyncGenerator<readonly string[]> {
  for await (const { from, end } of readLedgerHours(query, period.since, period.until)) {
    let [at, entry] = [from, '0'];
    for (;;) {
      const rows = await query(
        `SELECT e.attempt_id, e.charged_at, e.entry,
           NOT EXISTS (SELECT FROM ledger_entries b WHERE b.attempt_id = e.attempt_id AND (b.charged_at, b.entry) < (e.charged_at, e.entry))
           AND NOT EXISTS (SELECT FROM invoice_lines i WHERE i.attempt_id = e.attempt_id LIMIT 1) AS is_unbilled
         FROM ledger_entries e WHERE (charged_at, entry) > ($1::timestamptz, $2::bigint) AND charged_at < $3 AND provider = $4
         ORDER BY charged_at, entry LIMIT ${ENTRIES_PER_PAGE}`,
        [new Date(at), entry, new Date(end), period.provider],
      );
      const last = rows.at(-1);
      if (last === undefined) break;
      yield rows.filter((row) => row['is_unbilled'] === true).map((row) => row['attempt_id'] as string);
      [at, entry] = [(last['charged_at'] as Date).getTime(), last['entry'] as string];
    }
  }
}

async function readNamed(query: Query, provider: string, ids: readonly string[]): Promise<Map<string, LedgerAttempt>> {
  if (ids.length === 0) return new Map();
  const rows = await query(attemptsWhere('attempt_id = ANY($2) AND provider = $1'), [provider, ids]);
  return new Map(rows.map(mapRowToAttempt).map((attempt) => [attempt.attemptId, attempt]));
}

/** Attempts with all of their entries summed up; `condition` is one of this file's own. */
const attemptsWhere = (condition: string): string => `
  SELECT attempt_id, min(model) AS model, min(charged_at) AS charged_at, sum(amount_pico) AS amount_pico,
    bool_or(is_unpriced) AS is_unpriced, (array_agg(usage_source ORDER BY entry DESC))[1] AS usage_source,
    jsonb_object_agg(bucket, quantity) FILTER (WHERE quantity > 0) AS quantities
  FROM (
    SELECT attempt_id, line, min(bucket) AS bucket, min(upstream_model) AS model, min(charged_at) AS charged_at, max(entry) AS entry,
      coalesce(sum(amount_pico), 0) AS amount_pico, sum(quantity) AS quantity,
      (array_agg(rate_pico ORDER BY revision DESC))[1] IS NULL AS is_unpriced,
      (array_agg(usage_source ORDER BY revision DESC))[1] AS usage_source
    FROM ledger_entries WHERE ${condition} GROUP BY attempt_id, line) AS lines
  GROUP BY attempt_id ORDER BY attempt_id`;

function mapRowToAttempt(row: Rows[number]): LedgerAttempt {
  // Counts of tokens are far within what JSON's numbers hold; amounts never go through them.
  const quantities = (row['quantities'] ?? {}) as Readonly<Record<string, number>>;
  return {
    attemptId: row['attempt_id'] as string,
    model: row['model'] as string,
    chargedAt: (row['charged_at'] as Date).getTime(),
    quantities: new Map(Object.entries(quantities).map(([bucket, quantity]) => [bucket, BigInt(quantity)])),
    amountPico: BigInt(row['amount_pico'] as string),
    isUnpriced: row['is_unpriced'] as boolean,
    usageSource: row['usage_source'] as string,
  };
}
