import type { DifferenceKind, InvoiceDifference, ReconcileAnswer, ReconciledDay } from '@weir/contracts';
import { picoToUsd, picoUsd } from '@weir/money';
import type { InvoiceLine } from './invoice.js';

/** What the ledger holds of an attempt, over all its entries. */
export interface LedgerAttempt {
  readonly attemptId: string;
  readonly model: string;
  readonly chargedAt: number;
  /** Counts by bucket, those above 0. */
  readonly quantities: ReadonlyMap<string, bigint>;
  readonly amountPico: bigint;
  readonly isUnpriced: boolean;
  readonly usageSource: string;
}

export interface ReconciledPeriod {
  readonly provider: string;
  /** Milliseconds since the epoch; the end is not in it. */
  readonly since: number;
  readonly until: number;
}

/** What is known of a line of the invoice besides itself. */
export interface LineContext {
  /** What the ledger has of its attempt. */
  readonly attempt: LedgerAttempt | undefined;
  /** An earlier line names the same attempt. */
  readonly isRepeated: boolean;
  /** Of an attempt that is in the record and not in the ledger: why, for a person. */
  readonly uncharged: string | undefined;
}

/** Differences in an answer; the counts are of all. */
const DIFFERENCES_MAX = 10_000;
const MILLION = 1_000_000n;

interface Judgement {
  readonly kind: DifferenceKind;
  readonly detail: string;
}

/** Why a line and our attempt differ; undefined where they agree to the last pico-USD. */
function judgeLine(line: InvoiceLine, { attempt, isRepeated, uncharged }: LineContext): Judgement | undefined {
  if (attempt === undefined) {
    if (uncharged === undefined) return { kind: 'not-ours', detail: 'nobody here made this request' };
    return { kind: 'usage-differs', detail: uncharged };
  }
  if (isRepeated) return { kind: 'billed-twice', detail: 'the invoice has another line for this attempt' };
  if (attempt.isUnpriced) return { kind: 'unpriced', detail: 'we have no price for it: see weir billing rerate' };
  if (attempt.usageSource === 'bounded') return judgeBound(line.billedPico, attempt);
  const counts = compareCounts(line, attempt);
  if (counts !== undefined) {
    const whose = attempt.usageSource === 'estimated' ? '; ours is an estimate, the provider had told no count' : '';
    return { kind: 'usage-differs', detail: `${counts}${whose}` };
  }
  if (line.billedPico === attempt.amountPico) return undefined;
  return {
    kind: 'price-differs',
    detail: `the same usage for ${usd(line.billedPico)} USD, not ${usd(attempt.amountPico)}`,
  };
}

function judgeBound(billedPico: bigint, attempt: LedgerAttempt): Judgement | undefined {
  if (billedPico === attempt.amountPico) return undefined;
  const detail = `the answer was cut: billed ${usd(billedPico)} USD, bound ${usd(attempt.amountPico)}`;
  return { kind: billedPico < attempt.amountPico ? 'bounded' : 'over-bound', detail };
}

function compareCounts({ quantities }: InvoiceLine, attempt: LedgerAttempt): string | undefined {
  if (quantities === null) return undefined;
  // A fee for a request is no count of the provider's usage.
  const buckets = [...new Set([...quantities.keys(), ...attempt.quantities.keys()])].filter(
    (bucket) => bucket !== 'requests',
  );
  const different = buckets.filter(
    (bucket) => (quantities.get(bucket) ?? 0n) !== (attempt.quantities.get(bucket) ?? 0n),
  );
  if (different.length === 0) return undefined;
  return different
    .map((bucket) => `${bucket}: billed ${quantities.get(bucket) ?? 0n}, ours ${attempt.quantities.get(bucket) ?? 0n}`)
    .join('; ');
}

const usd = (pico: bigint): string => picoToUsd(picoUsd(pico));
const dayOf = (time: number): string => new Date(time).toISOString().slice(0, 10);

interface DaySums {
  billed: bigint;
  captured: bigint;
  charged: bigint;
  lines: number;
  matched: number;
}

/**
 * Compares an invoice with the ledger, attempt by attempt, and says of each that differs why: told line by line, it holds the days and the
 * first differences. Attempts are matched over the whole invoice, so one that ended a moment after midnight by the provider's clock is no
 * difference; days are those of the invoice's lines, and of the charge where there is no line.
 */
export class Reconciliation {
  private readonly days = new Map<string, DaySums>();
  private readonly differences: InvoiceDifference[] = [];
  private readonly counts: Partial<Record<DifferenceKind, number>> = {};

  constructor(private readonly period: ReconciledPeriod) {}

  /** A line of the invoice, each once, in its order. */
  addLine(line: InvoiceLine, context: LineContext): void {
    if (!this.isWithin(line.endedAt)) return;
    const attempt = context.isRepeated ? undefined : context.attempt;
    const judgement = judgeLine(line, context);
    const day = dayOf(line.endedAt);
    const sums = this.sumsOf(day);
    sums.lines += 1;
    sums.billed += line.billedPico;
    sums.charged += attempt?.amountPico ?? 0n;
    if (attempt !== undefined && !attempt.isUnpriced) sums.captured += line.billedPico;
    if (judgement === undefined) sums.matched += 1;
    else {
      const { attemptId, model, billedPico } = line;
      const chargedPico = String(attempt?.amountPico ?? 0n);
      this.add({ ...judgement, day, attemptId, model, billedPico: String(billedPico), chargedPico });
    }
  }

  /** An attempt of the ledger that no line names. */
  addUnbilled(attempt: LedgerAttempt): void {
    if (!this.isWithin(attempt.chargedAt)) return;
    const day = dayOf(attempt.chargedAt);
    this.sumsOf(day).charged += attempt.amountPico;
    const judgement: Judgement =
      attempt.usageSource === 'bounded'
        ? {
            kind: 'bounded',
            detail: `the answer was cut, and the provider billed nothing: bound ${usd(attempt.amountPico)} USD`,
          }
        : { kind: 'not-billed', detail: 'the invoice has no line for it' };
    const { attemptId, model, amountPico } = attempt;
    this.add({ ...judgement, day, attemptId, model, billedPico: '0', chargedPico: String(amountPico) });
  }

  private isWithin(time: number): boolean {
    return time >= this.period.since && time < this.period.until;
  }

  answer(): ReconcileAnswer {
    const days = [...this.days].sort(([a], [b]) => (a < b ? -1 : 1)).map(([day, sums]) => this.mapDay(day, sums));
    return { days, differences: this.differences, counts: this.counts };
  }

  private mapDay(day: string, sums: DaySums): ReconciledDay {
    return {
      provider: this.period.provider,
      day,
      billedPico: String(sums.billed),
      chargedPico: String(sums.charged),
      invoiceLines: sums.lines,
      matched: sums.matched,
      // Downwards: a rate is never told better than it is.
      capturedMillionths: sums.billed === 0n ? null : Number((sums.captured * MILLION) / sums.billed),
    };
  }

  private sumsOf(day: string): DaySums {
    const sums = this.days.get(day) ?? { billed: 0n, captured: 0n, charged: 0n, lines: 0, matched: 0 };
    this.days.set(day, sums);
    return sums;
  }

  private add(difference: InvoiceDifference): void {
    this.counts[difference.kind] = (this.counts[difference.kind] ?? 0) + 1;
    if (this.differences.length < DIFFERENCES_MAX) this.differences.push(difference);
  }
}
