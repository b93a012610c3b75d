import { startChaosStack, type ChaosStack } from './chaos-stack.js';
import type { Fault } from './fault.js';
import type { ChaosOptions } from './options.js';
import { runFault } from './run-fault.js';
import { MountRefused } from './small-disks.js';
import { renderFindings, renderSummary, type FaultReport } from './summary.js';

/** Runs the chosen faults, on one stack for all but those with small disks, prints what it found, and returns the exit code. */
export async function runSet(options: ChaosOptions): Promise<number> {
  const startedAt = performance.now();
  const { seed, faults } = options;
  console.log(`seed ${seed}, ${faults.length} faults: ${faults.map(({ name }) => name).join(', ')}`);
  const reports: FaultReport[] = [];
  for (const hasSmallDisks of [false, true]) {
    const group = faults.filter(({ needsMounts = false }) => needsMounts === hasSmallDisks);
    if (group.length > 0) reports.push(...(await runGroup(group, hasSmallDisks, options)));
  }
  const failed = reports.filter(({ findings }) => findings.length > 0).length;
  console.log(`\n${renderSummary(reports)}\n\nseed ${seed}, ${((performance.now() - startedAt) / 1_000).toFixed(0)} s`);
  console.log(`${reports.length - failed} passed, ${failed} failed`);
  return failed === 0 ? 0 : 1;
}

async function runGroup(
  faults: readonly Fault[],
  hasSmallDisks: boolean,
  options: ChaosOptions,
): Promise<FaultReport[]> {
  let chaos: ChaosStack;
  try {
    chaos = await startChaosStack({ hasSmallDisks });
  } catch (error) {
    if (!(error instanceof MountRefused)) throw error;
    return faults.map((fault) => tell(notRun(fault, error), fault, options));
  }
  const reports: FaultReport[] = [];
  try {
    for (const fault of faults)
      reports.push(tell(await runFault(fault, chaos, { ...options, isFull: options.set === 'full' }), fault, options));
  } finally {
    await chaos.stop(reports.length < faults.length || reports.some(({ findings }) => findings.length > 0));
  }
  return reports;
}

function tell(report: FaultReport, { name, does }: Fault, { seed, set }: ChaosOptions): FaultReport {
  const isOk = report.findings.length === 0;
  console.log(`${isOk ? 'ok  ' : 'FAIL'} ${report.seconds.toFixed(1).padStart(6)} s  ${name}: ${does}`);
  if (!isOk) console.log(renderFindings(report.findings, `--seed ${seed} --set ${set} --fault ${name}`));
  return report;
}

/** What cannot be run has not passed. */
const notRun = ({ name }: Fault, error: MountRefused): FaultReport => ({
  name,
  ...{ calls: 0, answered: 0, refused: 0, cut: 0, left: 0, lost: 0, duplicates: 0 },
  differencePico: undefined,
  lagSeconds: undefined,
  verify: '?',
  memory: '?',
  seconds: 0,
  findings: [{ check: 'not run: needs root', what: error.message }],
});
