import type { CloseMonthAnswer, CloseMonthRequest, OpenSum } from '@weir/contracts';
import type { Query } from '@weir/store';
import { monthEnd } from '../../domain/ledger.js';
import { lockLedger, type Closer } from './closer.js';
import {
  countUnpriced,
  findClosedBefore,
  insertClosing,
  readClosedMonths,
  readNow,
  splitMonth,
} from './ledger.store.js';
import { sumOpen } from './set-aside.store.js';

/** A month that cannot be closed, or not like this; the message says what must be done first. */
export class LedgerRefusal extends Error {
  override readonly name = 'LedgerRefusal';
}

export interface MonthCloserOptions {
  readonly postgresUrl: string;
  readonly closer: Closer;
  /** How long after its end a month may be closed, as with its hours. */
  readonly graceMs: number;
}

/**
 * Closes a month for ever: from then on Postgres refuses every entry in it. Closing it again gives what was closed. What is set aside
 * of it keeps it open, unless somebody accepts that and says why: what is cured afterwards is booked in the month that runs then.
 *
 * @throws LedgerRefusal where the month cannot be closed yet; LedgerStopped where this process ends first.
 */
export async function closeMonth(options: MonthCloserOptions, request: CloseMonthRequest): Promise<CloseMonthAnswer> {
  const { month, by } = request;
  const session = await lockLedger(options.postgresUrl, options.closer.stopping);
  try {
    const closed = await findClosedMonth(session.query, month);
    if (closed !== undefined) return closed;
    await refuseRunning(session.query, month, options.graceMs);
    // Under the same lock: what the record holds by now belongs into the month, not into the next one.
    await options.closer.closeHours(session, by, false);
    return await session.transaction((query) => writeMonth(query, request));
  } finally {
    await session.close();
  }
}

/**
 * Writes a month down as closed, with the sum over its entries. The caller holds the ledger's lock, so nobody adds one meanwhile.
 *
 * @throws LedgerRefusal
 */
export async function writeMonth(query: Query, request: CloseMonthRequest): Promise<CloseMonthAnswer> {
  const { month, by, acceptOpen } = request;
  await refuseIncomplete(query, month);
  const open = await sumOpen(query, month);
  if (acceptOpen === undefined) refuseOpen(open, month);
  const accepted = acceptOpen === undefined ? {} : { acceptOpen, open };
  const closing = await insertClosing(query, { kind: 'month', by, detail: { month, ...accepted } });
  const { entries, amountPico } = await sumMonth(query, month);
  await query(
    'INSERT INTO closed_months (month, closing, entries, amount_pico, closed_by) VALUES ($1, $2, $3, $4, $5)',
    [month, closing, entries, amountPico.toString(), by],
  );
  const answer = await findClosedMonth(query, month);
  if (answer === undefined) throw new Error(`month ${month} was closed and is not there`);
  return answer;
}

async function sumMonth(query: Query, month: string): Promise<{ entries: number; amountPico: bigint }> {
  const sum = { entries: 0, amountPico: 0n };
  for await (const [after, upTo] of splitMonth(query, month)) {
    const [row] = await query(
      `SELECT count(*) AS entries, coalesce(sum(amount_pico), 0) AS amount_pico
       FROM ledger_entries WHERE month = $1 AND entry > $2 AND entry <= $3`,
      [month, after, upTo],
    );
    sum.entries += Number(row?.['entries']);
    sum.amountPico += BigInt(row?.['amount_pico'] as string);
  }
  return sum;
}

export async function findClosedMonth(query: Query, month: string): Promise<CloseMonthAnswer | undefined> {
  const [row] = await query('SELECT closed_at, closed_by, entries, amount_pico FROM closed_months WHERE month = $1', [
    month,
  ]);
  if (row === undefined) return undefined;
  return {
    month,
    closedAt: (row['closed_at'] as Date).toISOString(),
    closedBy: row['closed_by'] as string,
    entries: Number(row['entries']),
    amountPico: row['amount_pico'] as string,
  };
}

/** @throws LedgerRefusal */
async function refuseRunning(query: Query, month: string, graceMs: number): Promise<void> {
  // Closed hours alone do not say that a month is over: `close --now` in its last hour closes that one early.
  const mayCloseFrom = monthEnd(month) + graceMs;
  if ((await readNow(query)) < mayCloseFrom) {
    throw new LedgerRefusal(`${month} may be closed from ${new Date(mayCloseFrom).toISOString()} on`);
  }
}

/** @throws LedgerRefusal */
function refuseOpen({ faults, conflicts }: OpenSum, month: string): void {
  if (faults + conflicts === 0) return;
  throw new LedgerRefusal(
    `${faults} attempts of ${month} have faults and ${conflicts} have conflicts, see weir billing open --month ${month}: have them mended, ` +
      'or close with --accept-open "WHY"',
  );
}

/** @throws LedgerRefusal */
async function refuseIncomplete(query: Query, month: string): Promise<void> {
  const closedBefore = await findClosedBefore(query);
  if (closedBefore === undefined || closedBefore < monthEnd(month)) {
    throw new LedgerRefusal(
      `not every hour of ${month} is closed yet: run weir billing close after the month has ended`,
    );
  }
  const unpriced = await countUnpriced(query, month);
  if (unpriced > 0) {
    throw new LedgerRefusal(`${unpriced} lines of ${month} have no price: give them one with weir billing rerate`);
  }
  const open = await findOpenBefore(query, month);
  if (open.length > 0) throw new LedgerRefusal(`months close in order; still open: ${open.join(', ')}`);
}

/** Months before this one that have entries and are open, oldest first. One look into the index a month. */
async function findOpenBefore(query: Query, month: string): Promise<string[]> {
  const closed = await readClosedMonths(query);
  const open: string[] = [];
  for (let before = month; ;) {
    const [row] = await query('SELECT max(month) AS month FROM ledger_entries WHERE month < $1', [before]);
    const earlier = row?.['month'] as string | null | undefined;
    if (typeof earlier !== 'string') return open;
    if (!closed.has(earlier)) open.unshift(earlier);
    before = earlier;
  }
}
