import type { BusConnection } from '@weir/bus';
import type { Connection } from '@weir/testing';
import type { Outcome } from '../load/outcome.js';
import type { Finding } from './finding.js';
import type { Invoice } from './invoice.js';
import { readJournalEnds } from './journals.js';
import { LandingWatch } from './landed.js';
import { checkMoney, type MoneyTotals } from './money-checks.js';
import { findDisagreements, findLostCalls } from './record-checks.js';
import { findGaps } from './sequence-checks.js';
import { runWeir } from './weir-command.js';

/** From the healing of a fault until nothing is behind. */
export const LAG_MS_MAX = 60_000;

export interface RecordCheck {
  readonly findings: readonly Finding[];
  /** Seconds until everything had landed; undefined where it never did. */
  readonly settledSeconds: number | undefined;
  readonly totals: MoneyTotals;
  readonly verify: string;
}

/** The one checker of the record, for a stack without load: after every fault, and at the end. `since` is when the lag's time began. */
export async function checkRecord(
  connection: Connection,
  {
    outcomes,
    invoice,
    bus,
    since,
  }: {
    readonly outcomes: readonly Outcome[];
    readonly invoice: Invoice;
    readonly bus: BusConnection;
    readonly since: number;
  },
): Promise<RecordCheck> {
  const findings: Finding[] = [];
  const watch = new LandingWatch(connection, bus);
  // What is journalled from here on is of no call of ours: producers only say that they live.
  const ends = readJournalEnds(connection.home);
  let settledSeconds: number | undefined;
  try {
    settledSeconds = await watch.settle(ends, since, LAG_MS_MAX);
  } catch (error) {
    findings.push({
      check: `lag: not 0 after ${LAG_MS_MAX / 1_000} s`,
      what: error instanceof Error ? error.message : String(error),
    });
  }
  const money = await checkMoney(connection, invoice);
  findings.push(
    ...(await findLostCalls(connection, outcomes)),
    ...(await findDisagreements(connection)),
    ...(await findGaps(connection, ends)),
    ...money.findings,
  );
  const verify = await runWeir(connection.home, ['audit', 'verify']);
  if (verify.code !== 0)
    findings.push({ check: `verify: weir audit verify exits with ${verify.code}`, what: verify.output.trim() });
  return { findings, settledSeconds, totals: money.totals, verify: verify.code === 0 ? 'ok' : `exit ${verify.code}` };
}
