import type { Query } from '@weir/store';

const HOUR_MS = 3_600_000;

/**
 * The hours of a span of time that have entries, by their first millisecond and the one after their last: what walks over the ledger does it
 * in these, so that no statement reads more than an hour.
 */
export async function* readLedgerHours(
  query: Query,
  since: number,
  until: number,
): AsyncGenerator<{ readonly from: number; readonly end: number }> {
  for (let from = await findHour(query, since, until); from !== undefined;) {
    const end = Math.min((Math.floor(from / HOUR_MS) + 1) * HOUR_MS, until);
    yield { from, end };
    from = await findHour(query, end, until);
  }
}

/** First millisecond of the next hour with an entry; undefined after the last. */
async function findHour(query: Query, from: number, until: number): Promise<number | undefined> {
  const [row] = await query(
    'SELECT min(charged_at) AS at FROM ledger_entries WHERE charged_at >= $1 AND charged_at < $2',
    [new Date(from), new Date(until)],
  );
  const at = row?.['at'] as Date | null | undefined;
  return at instanceof Date ? Math.max(from, Math.floor(at.getTime() / HOUR_MS) * HOUR_MS) : undefined;
}
