import type { AuditFault, FaultCode, FaultPlace } from './audit-fault.js';

/** What was looked at. */
export interface AuditCounts {
  leaves: number;
  events: number;
  calls: number;
  attempts: number;
  charges: number;
  deadLetters: number;
  /** Attempts of the ledger that are what their charges make of them. */
  ledgerAttempts: number;
  checkpoints: number;
  producers: number;
  /** Attempts that billing has not landed yet. */
  pendingCharges: number;
}

export const noCounts = (): AuditCounts => ({
  leaves: 0,
  events: 0,
  calls: 0,
  attempts: 0,
  charges: 0,
  deadLetters: 0,
  ledgerAttempts: 0,
  checkpoints: 0,
  producers: 0,
  pendingCharges: 0,
});

/** Adds what a part of the record held to the whole. */
export function addCounts(sum: AuditCounts, part: AuditCounts): void {
  for (const name of Object.keys(sum) as (keyof AuditCounts)[]) sum[name] += part[name];
}

export interface AuditReport {
  readonly ok: boolean;
  readonly fault: { readonly code: FaultCode; readonly message: string; readonly place: FaultPlace } | null;
  readonly counts: AuditCounts;
  /** What this run could not or was told not to look at. */
  readonly notes: readonly string[];
  readonly seconds: number;
}

export interface ReportInput {
  readonly counts: AuditCounts;
  readonly notes: readonly string[];
  readonly startedAt: number;
  readonly fault?: AuditFault;
}

export function buildReport({ counts, notes, startedAt, fault }: ReportInput): AuditReport {
  return {
    ok: fault === undefined,
    fault: fault ? { code: fault.code, message: fault.message, place: fault.place } : null,
    counts,
    notes,
    seconds: Math.round(performance.now() - startedAt) / 1_000,
  };
}

const LABELS: Readonly<Record<keyof AuditCounts, string>> = {
  leaves: 'leaves',
  events: 'events',
  calls: 'calls',
  attempts: 'attempts',
  charges: 'charges',
  deadLetters: 'dead letters',
  ledgerAttempts: 'attempts in the ledger',
  checkpoints: 'checkpoints',
  producers: 'producers and epochs',
  pendingCharges: 'attempts not yet charged',
};

/** The report for a person. */
export function renderReport({ ok, fault, counts, notes, seconds }: AuditReport): string {
  const lines = Object.entries(LABELS).map(([name, label]) => {
    const count = counts[name as keyof AuditCounts].toLocaleString('en-US');
    return `  ${count.padStart(14)}  ${label}`;
  });
  const place = Object.entries(fault?.place ?? {}).map(([name, value]) => `${name} ${value}`);
  const verdict = fault
    ? [`FAULT ${fault.code}: ${fault.message}`, `  at ${place.join(', ')}`]
    : ['The record is whole and unaltered, as far as was looked.'];
  const rate = seconds > 0 ? `, ${Math.round(counts.leaves / seconds).toLocaleString('en-US')} leaves a second` : '';
  return [
    ...(ok ? verdict : [...verdict, '', 'Looked at before it:']),
    ...lines,
    `  in ${seconds} s${rate}`,
    ...notes.map((note) => `  note: ${note}`),
  ].join('\n');
}
