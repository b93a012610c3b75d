import { startChaosStack, type ChaosStack } from './chaos-stack.js';
import { checkRecord } from './checker/check-record.js';
import { findClientFaults } from './checker/client-checks.js';
import type { Finding } from './checker/finding.js';
import { checkLedger } from './checker/ledger-checks.js';
import { checkProofs } from './checker/proof-checks.js';
import { Load } from './load/load.js';
import { Random } from './random.js';
import { renderFindings } from './summary.js';

const LANES = 32;
const KILLED = ['ingress', 'router', 'providers', 'audit', 'billing', 'nats', 'postgres', 'clickhouse'] as const;
/** One for so many calls, and never none. */
const CALLS_A_KILL = 5_000;
const KILLS_MIN = 3;
const RESTART_MS = 90_000;
/** For the whole load: a stack that does not answer must not be waited for for ever. */
const LOAD_MS = 1_500_000;
const INVOICE_EVERY_MS = 5_000;

export interface CallsOptions {
  readonly seed: number;
  readonly calls: number;
}

/**
 * So many mixed calls with kills at seeded moments; then record, charges, ledger and the provider's invoice compared to the pico-dollar, the
 * log verified, and sampled events proved. Returns the exit code.
 */
export async function runCalls({ seed, calls }: CallsOptions): Promise<number> {
  const startedAt = performance.now();
  console.log(`seed ${seed}, ${calls} calls`);
  const chaos = await startChaosStack();
  let findings: readonly Finding[] = [{ check: 'the run', what: 'did not come to its end' }];
  try {
    const loaded = await loadWithKills(chaos, { seed, calls });
    console.log(`checking, after ${secondsSince(startedAt)} s`);
    const record = await checkRecord(chaos);
    console.log(`weir audit verify: ${record.verify}`);
    const ledger = await checkLedger(chaos, record.totals);
    const proofs = await checkProofs(chaos, Random.of(seed, 'proofs'));
    findings = [...loaded, ...record.findings, ...ledger, ...proofs];
  } finally {
    await chaos.stop(findings.length > 0);
  }
  if (findings.length > 0) console.log(renderFindings(findings, `--seed ${seed} --calls ${calls}`));
  console.log(`seed ${seed}, ${secondsSince(startedAt)} s`);
  console.log(findings.length === 0 ? '1 passed, 0 failed' : '0 passed, 1 failed');
  return findings.length === 0 ? 0 : 1;
}

const secondsSince = (at: number): string => ((performance.now() - at) / 1_000).toFixed(0);

async function loadWithKills(chaos: ChaosStack, { seed, calls }: CallsOptions): Promise<Finding[]> {
  const { stack, invoice, memory, outcomes } = chaos;
  const load = new Load({
    seed,
    kind: 'fast',
    lanes: LANES,
    pauseMs: 0,
    answersMax: calls,
    gateway: () => stack.connection.gateway,
  });
  const polling = setInterval(() => void invoice.read().catch(reportPoll), INVOICE_EVERY_MS);
  try {
    load.start();
    await Promise.all([load.ends(LOAD_MS), killAtRandom(chaos, load, { seed, calls })]);
  } finally {
    clearInterval(polling);
    await load.close();
  }
  outcomes.push(...load.outcomes);
  console.log(`calls: ${countEnds(load)}; largest process: ${memory.largest.megabytes} MB, ${memory.largest.name}`);
  return [...findClientFaults(load.outcomes, { breaksConnections: true, healedAt: 0 }), ...memory.findExcess()];
}

function countEnds({ outcomes }: Load): string {
  const counts = new Map<string, number>();
  for (const { end } of outcomes) counts.set(end, (counts.get(end) ?? 0) + 1);
  return [...counts].map(([end, count]) => `${count} ${end}`).join(', ');
}

/** The last reading, which counts, comes with the check and throws there. */
function reportPoll(error: unknown): void {
  console.log(`the invoice could not be read: ${error instanceof Error ? error.message : String(error)}`);
}

/** Kills at seeded numbers of answers, one after the other, each time waiting until the process is ready again. */
async function killAtRandom({ stack }: ChaosStack, load: Load, { seed, calls }: CallsOptions): Promise<void> {
  const random = Random.of(seed, 'kills');
  const kills = Math.max(KILLS_MIN, Math.round(calls / CALLS_A_KILL));
  const moments = Array.from({ length: kills }, () =>
    random.between(Math.ceil(calls * 0.02), Math.floor(calls * 0.95)),
  );
  // Every part at least once, where there are kills enough.
  const names = Array.from({ length: kills }, (_, at) => KILLED[at] ?? random.pick(KILLED));
  const victims = random.shuffle(names);
  for (const [at, moment] of moments.sort((a, b) => a - b).entries()) {
    const name = victims[at] ?? random.pick(KILLED);
    await load.reaches(moment, LOAD_MS);
    console.log(`kill -9 of ${name} after ${moment} answers, ${load.inFlight} calls under way`);
    const pid = stack.kill(name);
    await stack.waitForRestart(name, pid, RESTART_MS);
  }
}
