/** `npm run chaos`: injects faults into a stack under load and checks the record after each of them. */
import { startChaosStack } from './chaos-stack.js';
import { FAULTS } from './faults/catalogue.js';
import { USAGE, UsageFault, parseOptions, type ChaosOptions } from './options.js';
import { runFault } from './run-fault.js';
import { renderFindings, renderSummary, type FaultReport } from './summary.js';

async function runFaults({ seed, set, faults }: ChaosOptions): Promise<number> {
  const startedAt = performance.now();
  console.log(`seed ${seed}, ${faults.length} faults: ${faults.map(({ name }) => name).join(', ')}`);
  const chaos = await startChaosStack();
  const reports: FaultReport[] = [];
  try {
    for (const fault of faults) {
      const report = await runFault(fault, chaos, { seed, isFull: set === 'full' });
      reports.push(report);
      const isOk = report.findings.length === 0;
      console.log(`${isOk ? 'ok  ' : 'FAIL'} ${report.seconds.toFixed(1).padStart(6)} s  ${fault.name}: ${fault.does}`);
      if (!isOk) console.log(renderFindings(report, seed));
    }
  } finally {
    await chaos.stop(reports.length < faults.length || reports.some(({ findings }) => findings.length > 0));
  }
  const failed = reports.filter(({ findings }) => findings.length > 0).length;
  console.log(`\n${renderSummary(reports)}\n\nseed ${seed}, ${((performance.now() - startedAt) / 1_000).toFixed(0)} s`);
  console.log(`${reports.length - failed} passed, ${failed} failed`);
  return failed === 0 ? 0 : 1;
}

async function main(): Promise<number> {
  const options = parseOptions(process.argv.slice(2));
  if (options.isList) {
    const width = Math.max(...FAULTS.map(({ name }) => name.length));
    for (const { name, does, isShort } of FAULTS)
      console.log(`${name.padEnd(width)}  ${isShort ? 'short' : '     '}  ${does}`);
    return 0;
  }
  return runFaults(options);
}

try {
  process.exitCode = await main();
} catch (error) {
  const isUsage = error instanceof UsageFault;
  console.error(isUsage ? `${error.message}\n\n${USAGE}` : error);
  process.exitCode = isUsage ? 2 : 1;
}
