import { CHARGE_BUCKETS, type LedgerKind } from '@weir/contracts';

/** Who, where and which model an entry is about. */
export interface ChargeContext {
  readonly organisationId: string;
  readonly teamId: string;
  readonly personId: string;
  readonly keyId: string;
  readonly application: string;
  readonly provider: string;
  readonly deploymentId: string;
  readonly model: string;
  readonly upstreamModel: string;
  readonly region: string;
  readonly simulated: boolean;
}

/** One cost line of the record. Rate and cost are null where there is no price. */
export interface ChargeFact {
  readonly attemptId: string;
  readonly line: number;
  readonly bucket: string;
  readonly quantity: bigint;
  readonly ratePico: bigint | null;
  readonly costPico: bigint | null;
  readonly priceVersion: string;
  readonly usageSource: string;
  /** When the attempt ended, milliseconds since the epoch. */
  readonly chargedAt: number;
  /** The event it came from: lines of one event belong together. */
  readonly origin: string;
  readonly context: ChargeContext;
}

/** What the ledger holds of one line of an attempt, over all its revisions. */
export interface BookedLine {
  readonly line: number;
  readonly bucket: string;
  /** Highest revision there is. */
  readonly revision: number;
  readonly quantity: bigint;
  readonly amountPico: bigint;
  /** Of the highest revision; a null rate is a line without a price. */
  readonly ratePico: bigint | null;
  readonly priceVersion: string;
  readonly usageSource: string;
}

/** An entry to append: differences to what is booked. */
export interface PlannedEntry extends BookedLine {
  readonly attemptId: string;
  readonly kind: LedgerKind;
  /** Null where there is no price. */
  readonly entryPico: bigint | null;
  readonly chargedAt: number;
  readonly context: ChargeContext;
}

export interface AttemptPlan {
  readonly entries: readonly PlannedEntry[];
  /** Events that record the attempt again with other counts, no better known than those booked. */
  readonly conflicts: readonly (readonly ChargeFact[])[];
  /** How well what is booked now is known; 0 where nothing is. */
  readonly standing: number;
}

/** Line of an attempt that used nothing: it has no cost line, and supersedes a bound all the same. */
export const UNUSED_LINE = -1;

/**
 * What the ledger must still be told of an attempt, given every fact read of it and all that is booked: a pure function, and nothing at
 * all where it was told already, so that reading the same facts again, in any order and as often as one likes, books them once.
 */
export function planAttempt(facts: readonly ChargeFact[], booked: readonly BookedLine[], isLate: boolean): AttemptPlan {
  const recorded = groupByOrigin(facts);
  const best = findBest(recorded);
  const [first] = best;
  if (first === undefined) return { entries: [], conflicts: [], standing: standingOf(booked) };
  const isNews = booked.length === 0 || standingOf(best) > standingOf(booked);
  const holds = isNews ? best : booked;
  const standing = standingOf(holds);
  const conflicts = recorded.filter((lines) => standingOf(lines) === standing && !isSameCount(lines, holds));
  const entries = isNews ? planNews(first, best, booked, isLate) : [];
  return { entries, conflicts, standing };
}

function planNews(
  first: ChargeFact,
  best: readonly ChargeFact[],
  booked: readonly BookedLine[],
  isLate: boolean,
): PlannedEntry[] {
  const used = best.filter((fact) => fact.quantity > 0n);
  if (booked.length === 0) return used.map((fact) => planEntry(fact, undefined, isLate ? 'late' : 'charge'));
  const byLine = new Map(booked.map((line) => [line.line, line]));
  const lines = new Set(used.map((fact) => fact.line));
  const gone = booked.filter((line) => !lines.has(line.line)).map((line) => planReversal(first, line));
  return [...used.map((fact) => planEntry(fact, byLine.get(fact.line), 'correction')), ...gone];
}

interface Counted {
  readonly line: number;
  readonly quantity: bigint;
  readonly usageSource: string;
}

/** How well a count is known: what a provider counted, and that nothing can have been used, supersedes an estimate, and both a bound. */
const STANDING: Readonly<Record<string, number>> = { none: 3, provider: 3, estimated: 2, bounded: 1 };
export const STANDING_MAX = 3;
export const standingOf = (lines: readonly Counted[]): number =>
  Math.max(0, ...lines.map((line) => STANDING[line.usageSource] ?? 0));

/** Each event's lines once, in order, however often the record has them. */
export function groupByOrigin(facts: readonly ChargeFact[]): ChargeFact[][] {
  const origins = new Map<string, Map<number, ChargeFact>>();
  for (const fact of facts) {
    const lines = origins.get(fact.origin) ?? new Map<number, ChargeFact>();
    origins.set(fact.origin, lines.set(fact.line, fact));
  }
  const names = [...origins.keys()].sort();
  return names.map((name) => {
    const lines = [...(origins.get(name)?.values() ?? [])].sort((a, b) => a.line - b.line);
    // What cost nothing and was used all the same (at a rate of 0) has lines that say so.
    return lines.length === 1 ? lines : lines.filter(({ line }) => line !== UNUSED_LINE);
  });
}

/** The lines of the event that knows best; of equals, of the one that is first by its name, so that everybody chooses the same. */
function findBest(recorded: readonly (readonly ChargeFact[])[]): readonly ChargeFact[] {
  let best: readonly ChargeFact[] = [];
  for (const lines of recorded) if (best.length === 0 || standingOf(lines) > standingOf(best)) best = lines;
  return best;
}

/** The place of a fee per request, which a price version adds or leaves out: it is no count of what was used. */
const REQUESTS_LINE = CHARGE_BUCKETS.indexOf('requests');

function isSameCount(first: readonly Counted[], second: readonly Counted[]): boolean {
  const counts = (lines: readonly Counted[]): string =>
    lines
      .filter((line) => line.quantity !== 0n && line.line !== REQUESTS_LINE)
      .map((line) => `${line.line}:${line.quantity}`)
      .sort()
      .join();
  return counts(first) === counts(second);
}

function planEntry(fact: ChargeFact, before: BookedLine | undefined, kind: LedgerKind): PlannedEntry {
  const { attemptId, line, bucket, ratePico, priceVersion, usageSource, chargedAt, context } = fact;
  const amountBefore = before?.amountPico ?? 0n;
  // Without a price nothing is known of the new amount: what was booked at a price stays until the line is rated.
  const entryPico = fact.costPico === null ? null : fact.costPico - amountBefore;
  return {
    attemptId,
    line,
    bucket,
    revision: (before?.revision ?? -1) + 1,
    quantity: fact.quantity - (before?.quantity ?? 0n),
    amountPico: amountBefore + (entryPico ?? 0n),
    entryPico,
    ratePico,
    priceVersion,
    usageSource,
    kind,
    chargedAt,
    context,
  };
}

/** Takes back a line that the better count does not have. */
function planReversal(fact: ChargeFact, before: BookedLine): PlannedEntry {
  const { line, bucket, ratePico, priceVersion } = before;
  const reversal = { ...fact, line, bucket, quantity: 0n, costPico: 0n, ratePico: ratePico ?? 0n, priceVersion };
  return planEntry(reversal, before, 'correction');
}

/** Month of a time, `YYYY-MM`, UTC. */
export const monthOf = (time: number): string => new Date(time).toISOString().slice(0, 7);

/** First millisecond of a month. */
const monthStart = (month: string): number => Date.parse(`${month}-01T00:00:00Z`);

/** First millisecond of the month after. */
export function monthEnd(month: string): number {
  const start = new Date(monthStart(month));
  return Date.UTC(start.getUTCFullYear(), start.getUTCMonth() + 1, 1);
}
