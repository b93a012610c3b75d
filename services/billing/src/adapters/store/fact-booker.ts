import type { PriceRecord } from '@weir/contracts';
import type { Query } from '@weir/store';
import { judgeAttempt } from '../../domain/judge-attempt.js';
import { STANDING_MAX, monthOf, standingOf, type ChargeFact, type PlannedEntry } from '../../domain/ledger.js';
import type { ChargeReader } from '../facts/charge-reader.js';
import { insertEntries, readBooked, readClosedMonths, readNow } from './ledger.store.js';
import { insertSetAside, type OpenItem } from './set-aside.store.js';

export interface BookingParts {
  readonly reader: ChargeReader;
  readonly findPrice: (priceVersion: string) => PriceRecord | undefined;
}

/** Facts to book in one transaction. */
export interface Booking {
  readonly closing: string;
  readonly facts: readonly ChargeFact[];
  readonly isLate: boolean;
  /** Facts of this time and later belong to no closed hour. */
  readonly until: number;
}

export interface BookedSums {
  charges: number;
  late: number;
  corrections: number;
  faults: number;
  conflicts: number;
  amountPico: bigint;
}

export const noSums = (): BookedSums => ({
  charges: 0,
  late: 0,
  corrections: 0,
  faults: 0,
  conflicts: 0,
  amountPico: 0n,
});

export function addSums(sums: BookedSums, more: BookedSums): void {
  for (const name of ['charges', 'late', 'corrections', 'faults', 'conflicts'] as const) sums[name] += more[name];
  sums.amountPico += more.amountPico;
}

/**
 * Books what the facts of some attempts tell the ledger, and sets aside what it cannot take: neither stops the rest. Told again, it does
 * nothing. Gives what is set aside of these attempts now.
 */
export async function bookFacts(
  query: Query,
  { reader, findPrice }: BookingParts,
  booking: Booking,
): Promise<{ readonly sums: BookedSums; readonly open: readonly OpenItem[] }> {
  const { closing, isLate, until } = booking;
  const attempts = groupByAttempt(booking.facts);
  // What is known badly may have been settled in another hour: by an event without a cost line.
  const doubtful = [...attempts]
    .filter(([, facts]) => standingOf(facts) < STANDING_MAX)
    .map(([attemptId]) => attemptId);
  for (const fact of await reader.readUnused(doubtful, until)) attempts.get(fact.attemptId)?.push(fact);
  const booked = await readBooked(query, [...attempts.keys()]);
  const months = { closed: await readClosedMonths(query), now: monthOf(await readNow(query)) };
  const entries: PlannedEntry[] = [];
  const open: OpenItem[] = [];
  for (const [attemptId, facts] of attempts) {
    const held = booked.get(attemptId) ?? [];
    const judged = judgeAttempt(facts, held, { findPrice, isLate });
    entries.push(...judged.entries);
    for (const item of judged.setAside) {
      open.push({ ...item, booked: held, month: monthToBook(item.facts[0]?.chargedAt ?? 0, months) });
    }
  }
  await insertEntries(
    query,
    closing,
    entries.map((entry) => ({ entry, month: monthToBook(entry.chargedAt, months) })),
  );
  const { fault, conflict } = await insertSetAside(query, closing, open);
  const sums = { ...noSums(), faults: fault, conflicts: conflict };
  for (const entry of entries) addEntry(sums, entry);
  return { sums, open };
}

function addEntry(sums: BookedSums, entry: PlannedEntry): void {
  if (entry.kind === 'charge') sums.charges += 1;
  if (entry.kind === 'late') sums.late += 1;
  if (entry.kind === 'correction') sums.corrections += 1;
  sums.amountPico += entry.entryPico ?? 0n;
}

/** The month of the fact while it is open; afterwards the running one, since a closed month stays as it was told. */
function monthToBook(chargedAt: number, months: { closed: ReadonlySet<string>; now: string }): string {
  const month = monthOf(chargedAt);
  return months.closed.has(month) ? months.now : month;
}

function groupByAttempt(facts: readonly ChargeFact[]): Map<string, ChargeFact[]> {
  const attempts = new Map<string, ChargeFact[]>();
  for (const fact of facts) {
    const group = attempts.get(fact.attemptId);
    if (group === undefined) attempts.set(fact.attemptId, [fact]);
    else group.push(fact);
  }
  return attempts;
}
