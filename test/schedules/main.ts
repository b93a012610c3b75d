import { register } from 'node:module';
import { parseArgs } from 'node:util';

/**
 * A process that runs schedules in virtual time and says what came of them, one JSON line. Arguments: `--first` seed, `--schedules` how many,
 * `--mutant` name of a fault to put into production's code first.
 */
const { values } = parseArgs({
  options: { first: { type: 'string' }, schedules: { type: 'string' }, mutant: { type: 'string' } },
});
const { first = '1', schedules = '1', mutant } = values;
if (mutant !== undefined) register('./mutation-hooks.js', import.meta.url, { data: { mutant } });
// Only now is production's code loaded: with its fault, and in virtual time.
const { installVirtualRuntime } = await import('./virtual-runtime.js');
installVirtualRuntime();
const { runSchedules } = await import('./run-schedules.js');
process.stdout.write(`${JSON.stringify(await runSchedules(Number(first), Number(schedules)))}\n`, () =>
  process.exit(0),
);
