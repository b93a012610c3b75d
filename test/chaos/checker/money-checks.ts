import type { Connection } from '@weir/testing';
import { pico, query } from '../../e2e/record-kit.js';
import { findingOf, type Finding } from './finding.js';
import type { BilledAttempt, Invoice } from './invoice.js';

interface AttemptRow {
  readonly attempt_id: string;
  readonly call_id: string;
  readonly outcome: string;
  readonly usage_source: string;
  readonly cost: string | null;
  readonly buckets: readonly string[];
  /** The dearest that one attempt of its call can be; absent where the call's start states none. */
  readonly bound_pico: string;
}

const ATTEMPTS = `
  SELECT a.attempt_id AS attempt_id, a.call_id AS call_id, a.outcome AS outcome, a.usage_source AS usage_source, a.cost AS cost,
    [a.input_uncached, a.input_cache_read, a.input_cache_write_5m, a.input_cache_write_1h, a.output, a.reasoning] AS buckets,
    s.bound AS bound_pico
  FROM attempts_landed AS a
  LEFT JOIN (SELECT call_id, any(JSONExtractString(leaf, 'data', 'boundPico')) AS bound FROM events
             WHERE type = 'call.started' GROUP BY call_id) AS s ON s.call_id = a.call_id`;

export interface MoneyTotals {
  readonly attempts: number;
  /** What was counted by the provider: the record and the invoice, which must be the same. */
  readonly reportedPico: bigint;
  readonly reportedBilledPico: bigint;
  /** What was cut or not reported: what is charged, and what was billed for it. */
  readonly otherPico: bigint;
  readonly otherBilledPico: bigint;
}

/** Holds the record against the simulator's invoice, attempt by attempt. */
export async function checkMoney(
  connection: Connection,
  invoice: Invoice,
): Promise<{ readonly totals: MoneyTotals; readonly findings: Finding[] }> {
  const billed = await invoice.read();
  const rows = await query<AttemptRow>(connection, ATTEMPTS);
  const recorded = new Set(rows.map((row) => row.attempt_id));
  const missing = [...billed.keys()].filter((id) => !recorded.has(id));
  const judged = rows.map((row) => ({ row, fault: judge(row, billed.get(row.attempt_id)) }));
  const wrong = judged.flatMap(({ row, fault }) =>
    fault === undefined ? [] : [{ fault, ...row, billed: showBilled(billed.get(row.attempt_id)) }],
  );
  return {
    totals: sumUp(rows, billed),
    findings: [
      ...findingOf('lost: a line of the invoice has no attempt', missing),
      ...findingOf('billed: an attempt and the invoice disagree', wrong),
      ...findingOf('billed: the provider bills an attempt twice', invoice.strange),
    ],
  };
}

const showBilled = (line: BilledAttempt | undefined): string | null =>
  line ? `${line.costPico} ${line.buckets.join(',')}` : null;

/** Why a row cannot be right; undefined where it is. */
function judge(row: AttemptRow, line: BilledAttempt | undefined): string | undefined {
  if (row.cost === null) return 'it has no price';
  const cost = pico(row.cost);
  const billed = line?.costPico ?? 0n;
  switch (row.usage_source) {
    case 'provider':
      return judgeCounted(row, cost, line);
    case 'none':
      return billed > 0n || cost > 0n ? 'it is called free and was billed' : undefined;
    default:
      return judgeBounded(row, cost, billed);
  }
}

function judgeCounted({ buckets }: AttemptRow, cost: bigint, line: BilledAttempt | undefined): string | undefined {
  if (line === undefined) return 'it was counted and not billed';
  if (cost !== line.costPico) return 'it costs something else';
  return buckets.every((bucket, at) => Number(bucket) === line.buckets[at]) ? undefined : 'it counts otherwise';
}

/** What nobody counted costs at least what was billed, and at most its hold. */
function judgeBounded({ bound_pico: bound }: AttemptRow, cost: bigint, billed: bigint): string | undefined {
  if (cost < billed) return 'it costs less than was billed';
  return bound !== '' && cost > BigInt(bound) ? 'it costs more than its hold' : undefined;
}

function sumUp(rows: readonly AttemptRow[], billed: ReadonlyMap<string, BilledAttempt>): MoneyTotals {
  const totals = {
    attempts: rows.length,
    reportedPico: 0n,
    reportedBilledPico: 0n,
    otherPico: 0n,
    otherBilledPico: 0n,
  };
  for (const row of rows) {
    const cost = row.cost === null ? 0n : pico(row.cost);
    const line = billed.get(row.attempt_id)?.costPico ?? 0n;
    if (row.usage_source === 'provider') {
      totals.reportedPico += cost;
      totals.reportedBilledPico += line;
    } else {
      totals.otherPico += cost;
      totals.otherBilledPico += line;
    }
  }
  return totals;
}
