/** `npm run chaos`: injects faults into a stack under load and checks the record after each of them. */
import { FAULTS } from './faults/catalogue.js';
import { USAGE, UsageFault, parseOptions } from './options.js';
import { runCalls } from './run-calls.js';
import { runSet } from './run-set.js';

function listFaults(): number {
  const width = Math.max(...FAULTS.map(({ name }) => name.length));
  for (const { name, does, isShort } of FAULTS) {
    console.log(`${name.padEnd(width)}  ${isShort ? 'short' : '     '}  ${does}`);
  }
  return 0;
}

async function main(): Promise<number> {
  const options = parseOptions(process.argv.slice(2));
  if (options.isList) return listFaults();
  return options.calls === undefined ? runSet(options) : runCalls({ seed: options.seed, calls: options.calls });
}

try {
  process.exitCode = await main();
} catch (error) {
  const isUsage = error instanceof UsageFault;
  console.error(isUsage ? `${error.message}\n\n${USAGE}` : error);
  process.exitCode = isUsage ? 2 : 1;
}
