import type { ReconcileAnswer, ReconcileRequest } from '@weir/contracts';
import type { Query, Rows } from '@weir/store';
import { parseInvoice, type InvoiceLine } from '../../domain/invoice.js';
import { reconcile, type LedgerAttempt } from '../../domain/reconcile.js';
import type { ChargeReader } from '../facts/charge-reader.js';
import { findClosedBefore, readNow } from './ledger.store.js';
import { LedgerRefusal } from './month-closer.js';

export interface InvoiceReconcilerParts {
  readonly query: Query;
  readonly reader: ChargeReader;
}

const ATTEMPTS_PER_PAGE = 5_000;
const NO_ATTEMPT = '00000000-0000-0000-0000-000000000000';

/**
 * Compares an invoice with the ledger, over days that are closed: what is not booked yet would look like a difference.
 *
 * @throws InvoiceError where a line cannot be read; LedgerRefusal where the days are not closed.
 */
export async function reconcileInvoice(
  { query, reader }: InvoiceReconcilerParts,
  request: ReconcileRequest,
): Promise<ReconcileAnswer> {
  const invoice = parseInvoice(request.format, request.text);
  const [since, until] = [Date.parse(request.since), Date.parse(request.until)];
  await refuseOpenDays(query, until);
  const attempts = await readPeriod(query, request.provider, { since, until });
  const ids = [...new Set(invoice.flatMap((line: InvoiceLine) => line.attemptId ?? []))];
  const beyond = ids.filter((id) => !attempts.has(id));
  for (const attempt of await readNamed(query, request.provider, beyond)) attempts.set(attempt.attemptId, attempt);
  const uncharged = await reader.explainUncharged(beyond.filter((id) => !attempts.has(id)));
  return reconcile({ provider: request.provider, invoice, attempts: [...attempts.values()], uncharged, since, until });
}

/** @throws LedgerRefusal */
async function refuseOpenDays(query: Query, until: number): Promise<void> {
  const closedBefore = (await findClosedBefore(query)) ?? 0;
  if (closedBefore >= Math.min(until, await readNow(query))) return;
  const closed =
    closedBefore === 0 ? 'nothing is closed yet' : `closed is what was before ${new Date(closedBefore).toISOString()}`;
  throw new LedgerRefusal(`${closed}: run weir billing close first`);
}

async function readPeriod(
  query: Query,
  provider: string,
  period: { readonly since: number; readonly until: number },
): Promise<Map<string, LedgerAttempt>> {
  const attempts = new Map<string, LedgerAttempt>();
  let after = NO_ATTEMPT;
  for (;;) {
    const rows = await query(
      attemptsWhere(
        `attempt_id IN (SELECT attempt_id FROM ledger_entries WHERE provider = $1 AND charged_at >= $2 AND charged_at < $3
           AND attempt_id > $4 GROUP BY attempt_id ORDER BY attempt_id LIMIT ${ATTEMPTS_PER_PAGE})`,
      ),
      [provider, new Date(period.since), new Date(period.until), after],
    );
    const page = rows.map(mapRowToAttempt);
    for (const attempt of page) attempts.set(attempt.attemptId, attempt);
    const last = page.at(-1);
    if (page.length < ATTEMPTS_PER_PAGE || last === undefined) return attempts;
    after = last.attemptId;
  }
}

async function readNamed(query: Query, provider: string, ids: readonly string[]): Promise<LedgerAttempt[]> {
  const attempts: LedgerAttempt[] = [];
  for (let start = 0; start < ids.length; start += ATTEMPTS_PER_PAGE) {
    const part = ids.slice(start, start + ATTEMPTS_PER_PAGE);
    const rows = await query(attemptsWhere('attempt_id = ANY($2) AND provider = $1'), [provider, part]);
    attempts.push(...rows.map(mapRowToAttempt));
  }
  return attempts;
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
