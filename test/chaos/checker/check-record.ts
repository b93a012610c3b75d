import type { ChaosStack } from '../chaos-stack.js';
import type { Finding } from './finding.js';
import { readJournalEnds } from './journals.js';
import { LandingWatch } from './landed.js';
import { checkMoney, type MoneyTotals } from './money-checks.js';
import { findDisagreements, findLostCalls, readRecordedIds } from './record-checks.js';
import { findGaps } from './sequence-checks.js';
import { leaveOutUnrecorded, readUnrecorded } from './unrecorded.js';
import { runWeir } from './weir-command.js';

/** From the healing of a fault until nothing is behind. */
export const LAG_MS_MAX = 60_000;

export interface RecordCheck {
  readonly findings: readonly Finding[];
  readonly totals: MoneyTotals;
  readonly verify: string;
}

/** The one checker of the record, for a stack without load: after every fault, and at the end of a run. Throws where it cannot look. */
export async function checkRecord(chaos: ChaosStack): Promise<RecordCheck> {
  const connection = chaos.stack.readConnection();
  const findings: Finding[] = [];
  // What is journalled from here on is of no call of ours: producers only say that they live.
  const ends = readJournalEnds(connection.home);
  try {
    await new LandingWatch(connection, chaos.bus).settle(ends, performance.now(), LAG_MS_MAX);
  } catch (error) {
    const what = error instanceof Error ? error.message : String(error);
    findings.push({ check: `lag: not 0 ${LAG_MS_MAX / 1_000} s after the load`, what });
  }
  const counted = chaos.hasSmallDisks ? await readUnrecorded(chaos.stack) : 0;
  const recordable = leaveOutUnrecorded(chaos.outcomes, await readRecordedIds(connection), counted);
  const money = await checkMoney(connection, chaos.invoice);
  findings.push(
    ...recordable.findings,
    ...(await findLostCalls(connection, recordable.kept)),
    ...(await findDisagreements(connection)),
    ...(await findGaps(connection, ends)),
    ...money.findings,
  );
  const { code, output } = await runWeir(connection.home, ['audit', 'verify']);
  if (code !== 0) findings.push({ check: `verify: weir audit verify exits with ${code}`, what: output.trim() });
  return { findings, totals: money.totals, verify: code === 0 ? 'ok' : `exit ${code}` };
}
