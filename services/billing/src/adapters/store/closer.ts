import type { CloseAnswer, PriceRecord } from '@weir/contracts';
import { acquireLock, type LockSession, type Query } from '@weir/store';
import { checkCharges } from '../../domain/check-charges.js';
import { monthOf, planAttempt, type ChargeFact, type PlannedEntry } from '../../domain/ledger.js';
import { rateAsBooked } from '../../domain/rate-as-booked.js';
import { HOUR_MS, type ChargeReader, type HourCount } from '../facts/charge-reader.js';
import {
  countUnpriced,
  findClosedBefore,
  insertClosedHour,
  insertClosing,
  insertEntries,
  readBooked,
  readBookedFacts,
  readClosedMonths,
  readNow,
} from './ledger.store.js';

export interface CloserOptions {
  readonly postgresUrl: string;
  readonly reader: ChargeReader;
  readonly findPrice: (priceVersion: string) => PriceRecord | undefined;
  /** How long after its end an hour is closed by itself, so that what is on its way can land. */
  readonly graceMs: number;
}

const LOCK_WITHIN_MS = 300_000;

interface Totals {
  hours: number;
  charges: number;
  late: number;
  corrections: number;
  conflicts: number;
  amountPico: bigint;
}

/** Whoever writes the ledger holds this lock, and writes through its connection: a closer that was cut off cannot write any more. */
export function lockLedger(postgresUrl: string): Promise<LockSession> {
  return acquireLock({
    url: postgresUrl,
    schema: 'billing',
    name: 'weir:billing:ledger',
    signal: AbortSignal.timeout(LOCK_WITHIN_MS),
    retryMs: 100,
  });
}

/**
 * Closes hours into the ledger. An hour is one transaction: its entries, how many facts they came from, and who closed it. Killed at any
 * moment it has happened or has not, and the next run goes on from there. A run compares what the record has of each closed hour with what
 * was booked, so a late fact is found by itself and booked as late.
 */
export class Closer {
  constructor(private readonly options: CloserOptions) {}

  /** Whether an hour waits to be closed: cheap, for the clock that asks. */
  async isDue(query: Query): Promise<boolean> {
    const closedBefore = await findClosedBefore(query);
    const until = this.boundary(await readNow(query), false);
    return closedBefore === undefined || closedBefore < until;
  }

  /** @throws ChargeFaultError where the record's own amounts are wrong: the hour stays open. */
  async close(by: string, early: boolean): Promise<CloseAnswer> {
    const session = await lockLedger(this.options.postgresUrl);
    try {
      return await this.closeHours(session, by, early);
    } finally {
      await session.close();
    }
  }

  private boundary(now: number, early: boolean): number {
    if (early) return Math.ceil(now / HOUR_MS) * HOUR_MS;
    return Math.floor((now - this.options.graceMs) / HOUR_MS) * HOUR_MS;
  }

  /** {@link close} under a lock that the caller holds. */
  async closeHours(session: LockSession, by: string, early: boolean): Promise<CloseAnswer> {
    const closedBefore = await findClosedBefore(session.query);
    const until = Math.max(this.boundary(await readNow(session.query), early), closedBefore ?? 0);
    // All of the past: counting reads one column, and a fact that comes a year late is still owed.
    const booked = await readBookedFacts(session.query);
    const totals: Totals = { hours: 0, charges: 0, late: 0, corrections: 0, conflicts: 0, amountPico: 0n };
    let last = closedBefore;
    for (const count of await this.options.reader.countByHour(until)) {
      const known = booked.get(count.hour) ?? 0;
      if (count.facts <= known) continue;
      const isLate = closedBefore !== undefined && count.hour < closedBefore;
      await session.transaction((query) => this.closeHour(query, { count, known, isLate, by, totals }));
      last = Math.max(last ?? 0, count.hour + HOUR_MS);
    }
    if (last !== undefined && last < until) await session.transaction((query) => this.closeEmpty(query, until, by));
    return {
      closedBefore: last === undefined ? null : new Date(Math.max(last, until)).toISOString(),
      ...totals,
      unpriced: await countUnpriced(session.query),
      amountPico: totals.amountPico.toString(),
    };
  }

  /** Hours without a fact need no row of their own; the last one says how far the ledger is closed. */
  private async closeEmpty(query: Query, until: number, by: string): Promise<void> {
    const hour = until - HOUR_MS;
    const closing = await insertClosing(query, { kind: 'hour', by, detail: { through: new Date(hour).toISOString() } });
    await insertClosedHour(query, hour, closing, 0);
  }

  private async closeHour(
    query: Query,
    hour: { count: HourCount; known: number; isLate: boolean; by: string; totals: Totals },
  ): Promise<void> {
    const { count, known, isLate, by, totals } = hour;
    const detail = { hour: new Date(count.hour).toISOString(), late: isLate };
    const closing = await insertClosing(query, { kind: 'hour', by, detail });
    const months = { closed: await readClosedMonths(query), now: monthOf(await readNow(query)) };
    const sums: Totals = { hours: 1, charges: 0, late: 0, corrections: 0, conflicts: 0, amountPico: 0n };
    let facts = 0;
    for await (const page of this.options.reader.readHour(count.hour)) {
      facts += page.length;
      const { entries, conflicts } = await this.planPage(query, page, isLate);
      sums.conflicts += conflicts;
      for (const entry of entries) addEntry(sums, entry);
      const booked = entries.map((entry) => ({ entry, month: monthToBook(entry, months) }));
      await insertEntries(query, closing, booked);
    }
    await insertClosedHour(query, count.hour, closing, facts - known);
    for (const name of ['hours', 'charges', 'late', 'corrections', 'conflicts'] as const) totals[name] += sums[name];
    totals.amountPico += sums.amountPico;
  }

  private async planPage(
    query: Query,
    page: readonly ChargeFact[],
    isLate: boolean,
  ): Promise<{ entries: PlannedEntry[]; conflicts: number }> {
    const attempts = groupFacts(page, (fact) => fact.attemptId);
    const booked = await readBooked(query, [...attempts.keys()]);
    const entries: PlannedEntry[] = [];
    let conflicts = 0;
    for (const [attemptId, facts] of attempts) {
      const origins = groupFacts(facts, (fact) => fact.origin);
      const held = booked.get(attemptId) ?? [];
      const rated = [...origins.values()].flatMap((lines) => {
        checkCharges(lines, this.options.findPrice);
        return rateAsBooked(lines, held, this.options.findPrice);
      });
      const plan = planAttempt(rated, held, isLate);
      entries.push(...plan.entries);
      if (plan.isConflict) conflicts += 1;
    }
    return { entries, conflicts };
  }
}

function addEntry(sums: Totals, entry: PlannedEntry): void {
  if (entry.kind === 'charge') sums.charges += 1;
  if (entry.kind === 'late') sums.late += 1;
  if (entry.kind === 'correction') sums.corrections += 1;
  sums.amountPico += entry.entryPico ?? 0n;
}

/** The month of the fact while it is open; afterwards the running one, since a closed month stays as it was told. */
function monthToBook(entry: PlannedEntry, months: { closed: ReadonlySet<string>; now: string }): string {
  const month = monthOf(entry.chargedAt);
  return months.closed.has(month) ? months.now : month;
}

function groupFacts(facts: readonly ChargeFact[], nameOf: (fact: ChargeFact) => string): Map<string, ChargeFact[]> {
  const groups = new Map<string, ChargeFact[]>();
  for (const fact of facts) {
    const name = nameOf(fact);
    const group = groups.get(name);
    if (group === undefined) groups.set(name, [fact]);
    else group.push(fact);
  }
  return groups;
}
