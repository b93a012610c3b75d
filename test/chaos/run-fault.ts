import type { ChaosStack } from './chaos-stack.js';
import { LAG_MS_MAX, checkRecord, type RecordCheck } from './checker/check-record.js';
import { findClientFaults } from './checker/client-checks.js';
import type { Finding } from './checker/finding.js';
import { readJournalEnds } from './checker/journals.js';
import { LandingWatch } from './checker/landed.js';
import type { Fault } from './fault.js';
import { Load } from './load/load.js';
import type { Outcome } from './load/outcome.js';
import { Random } from './random.js';
import type { FaultReport } from './summary.js';

/** Clients at once, each with a short pause between its calls: busy, and no measurement of speed. */
const LOAD = { kind: 'mixed', lanes: 12, pauseMs: 60 } as const;
/** Calls that must have completed before the fault, and again after it. */
const CALLS_BEFORE = 15;
const CALLS_AFTER = 25;
const GOES_ON_MS = 60_000;

export interface FaultOptions {
  readonly seed: number;
  readonly isFull: boolean;
}

/** Injects one fault under load, heals it, and checks everything. What keeps it from being run or checked is a finding too. */
export async function runFault(fault: Fault, chaos: ChaosStack, options: FaultOptions): Promise<FaultReport> {
  const startedAt = performance.now();
  const { memory } = chaos;
  memory.restart();
  const { outcomes, findings, healedAt, lagSeconds } = await runUnderLoad(fault, chaos, options);
  chaos.outcomes.push(...outcomes);
  const breaksConnections = fault.breaksConnections === true;
  findings.push(...findClientFaults(outcomes, { breaksConnections, healedAt }), ...memory.findExcess());
  const record = await tryCheckRecord(chaos);
  findings.push(...record.findings);
  const fresh = findings.filter(({ check, what }) => !chaos.known.has(`${check} ${what}`));
  for (const { check, what } of findings) chaos.known.add(`${check} ${what}`);
  return {
    name: fault.name,
    ...count(outcomes),
    lost: countOf(fresh, 'lost'),
    duplicates: countOf(fresh, 'duplicates'),
    differencePico: record.totals && record.totals.reportedPico - record.totals.reportedBilledPico,
    lagSeconds,
    verify: record.verify ?? '?',
    memory: `${memory.largest.megabytes} ${memory.largest.name}`,
    seconds: (performance.now() - startedAt) / 1_000,
    findings: fresh,
  };
}

interface UnderLoad {
  readonly outcomes: readonly Outcome[];
  readonly findings: Finding[];
  readonly healedAt: number;
  /** From healing until everything that was journalled by then had landed; undefined where it never did. */
  readonly lagSeconds: number | undefined;
}

async function runUnderLoad(fault: Fault, chaos: ChaosStack, { seed, isFull }: FaultOptions): Promise<UnderLoad> {
  const { stack, bus, switches } = chaos;
  const load = new Load({
    ...LOAD,
    seed: Random.of(seed, fault.name).between(0, 2 ** 31),
    gateway: () => stack.connection.gateway,
  });
  const findings: Finding[] = [];
  let healedAt = performance.now();
  let lagSeconds: number | undefined;
  try {
    load.start();
    await load.goesOn(CALLS_BEFORE, GOES_ON_MS);
    const random = Random.of(seed, `fault ${fault.name}`);
    findings.push(...(await inject(fault, { stack, load, random, isFull, switches, bus })));
    healedAt = performance.now();
    const ends = readJournalEnds(stack.home);
    const caughtUp = new LandingWatch(stack.readConnection(), bus).catchUp(ends, healedAt, LAG_MS_MAX);
    [lagSeconds] = await Promise.all([caughtUp, load.goesOn(CALLS_AFTER, GOES_ON_MS)]);
  } catch (error) {
    findings.push(findingOfError('the fault, or the load after it', error));
  }
  switches.reset();
  try {
    await load.drain();
  } catch (error) {
    findings.push(findingOfError('clients: calls that never ended', error));
  }
  await load.close();
  return { outcomes: load.outcomes, findings, healedAt, lagSeconds };
}

/** A fault counts only where calls were under way when it came, and more began before it was over. */
async function inject(fault: Fault, scene: Parameters<Fault['run']>[0]): Promise<Finding[]> {
  const { begun, inFlight } = scene.load;
  await fault.run(scene);
  const during = scene.load.begun - begun;
  return inFlight > 0 && during > 0
    ? []
    : [{ check: 'load: nothing ran during the fault', what: `${inFlight} calls under way, ${during} begun meanwhile` }];
}

async function tryCheckRecord(chaos: ChaosStack): Promise<Partial<RecordCheck> & Pick<RecordCheck, 'findings'>> {
  try {
    return await checkRecord(chaos);
  } catch (error) {
    return { findings: [findingOfError('the checker could not look', error)] };
  }
}

const findingOfError = (check: string, error: unknown): Finding => ({
  check,
  what: error instanceof Error ? (error.stack ?? error.message) : String(error),
});

const count = (outcomes: readonly Outcome[]): Pick<FaultReport, 'calls' | 'answered' | 'refused' | 'cut' | 'left'> => ({
  calls: outcomes.length,
  answered: outcomes.filter(({ end }) => end === 'complete').length,
  refused: outcomes.filter(({ end }) => end === 'error').length,
  cut: outcomes.filter(({ end }) => end === 'cut' || end === 'unanswered').length,
  left: outcomes.filter(({ end }) => end === 'left').length,
});

/** The number that begins each finding of a kind. */
const countOf = (findings: readonly Finding[], kind: string): number =>
  findings.filter(({ check }) => check.startsWith(kind)).reduce((sum, { what }) => sum + Number.parseInt(what, 10), 0);
