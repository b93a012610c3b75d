import type { CloseAnswer, PriceRecord } from '@weir/contracts';
import { acquireLock, type LockSession, type Query } from '@weir/store';
import { HOUR_MS, type ChargeReader, type HourCount } from '../facts/charge-reader.js';
import { addSums, bookFacts, noSums, type BookedSums } from './fact-booker.js';
import {
  countUnpriced,
  findClosedBefore,
  insertClosedHour,
  insertClosing,
  readBookedFacts,
  readNow,
} from './ledger.store.js';
import { reviewSetAside } from './set-aside-review.js';
import { sumOpen } from './set-aside.store.js';

export interface CloserOptions {
  readonly postgresUrl: string;
  readonly reader: ChargeReader;
  readonly findPrice: (priceVersion: string) => PriceRecord | undefined;
  /** How long after its end an hour is closed by itself, so that what is on its way can land. */
  readonly graceMs: number;
}

const LOCK_WITHIN_MS = 300_000;

interface Totals extends BookedSums {
  hours: number;
}

/** Asked while this process is told to end: what was done is kept, and whoever closes next goes on from there. */
export class LedgerStopped extends Error {
  override readonly name = 'LedgerStopped';
}

/** Whoever writes the ledger holds this lock, and writes through its connection: a closer that was cut off cannot write any more. */
export function lockLedger(postgresUrl: string, stopping: AbortSignal): Promise<LockSession> {
  return acquireLock({
    url: postgresUrl,
    schema: 'billing',
    name: 'weir:billing:ledger',
    signal: AbortSignal.any([stopping, AbortSignal.timeout(LOCK_WITHIN_MS)]),
    retryMs: 100,
  });
}

/**
 * Closes hours into the ledger. An hour is one transaction: its entries, how many facts they came from, and who closed it. Killed at any
 * moment it has happened or has not, and the next run goes on from there. A run compares what the record has of each closed hour with what
 * was booked, so a late fact is found by itself and booked as late; what could not be booked is judged again.
 */
export class Closer {
  private readonly stopper = new AbortController();

  constructor(private readonly options: CloserOptions) {}

  /** Aborts when this process ends: between two pages, whoever writes the ledger gives up. */
  get stopping(): AbortSignal {
    return this.stopper.signal;
  }

  /** Ends what is being closed at its next page; an hour that is not finished stays open. */
  stop(): void {
    this.stopper.abort(new LedgerStopped('billing is stopping: ask again'));
  }

  /** Whether an hour waits to be closed: cheap, for the clock that asks. */
  async isDue(query: Query): Promise<boolean> {
    const closedBefore = await findClosedBefore(query);
    const until = this.boundary(await readNow(query), false);
    return closedBefore === undefined || closedBefore < until;
  }

  /** @throws LedgerStopped where this process ends first. */
  async close(by: string, early: boolean): Promise<CloseAnswer> {
    const session = await lockLedger(this.options.postgresUrl, this.stopping);
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
    // All of the past: counting reads a few columns, and a fact that comes a year late is still owed.
    const booked = await readBookedFacts(session.query);
    const totals: Totals = { hours: 0, ...noSums() };
    let last = closedBefore;
    for (const count of await this.options.reader.countByHour(until)) {
      this.stopping.throwIfAborted();
      const known = booked.get(count.hour) ?? 0;
      if (count.facts <= known) continue;
      const isLate = closedBefore !== undefined && count.hour < closedBefore;
      const sums = await session.transaction((query) => this.closeHour(query, { count, known, isLate, by, until }));
      totals.hours += 1;
      addSums(totals, sums);
      last = Math.max(last ?? 0, count.hour + HOUR_MS);
    }
    if (last !== undefined && last < until) await session.transaction((query) => this.closeEmpty(query, until, by));
    const cured = await reviewSetAside(session, this.options, { by, until, stopping: this.stopping });
    addSums(totals, cured);
    return {
      closedBefore: last === undefined ? null : new Date(Math.max(last, until)).toISOString(),
      ...totals,
      open: await sumOpen(session.query),
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
    hour: { count: HourCount; known: number; isLate: boolean; by: string; until: number },
  ): Promise<BookedSums> {
    const { count, known, isLate, by, until } = hour;
    const detail = { hour: new Date(count.hour).toISOString(), late: isLate };
    const closing = await insertClosing(query, { kind: 'hour', by, detail });
    const sums = noSums();
    let read = 0;
    for await (const facts of this.options.reader.readHour(count.hour)) {
      this.stopping.throwIfAborted();
      read += facts.length;
      addSums(sums, (await bookFacts(query, this.options, { closing, facts, isLate, until })).sums);
    }
    await insertClosedHour(query, count.hour, closing, read - known);
    return sums;
  }
}
