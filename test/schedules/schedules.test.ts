import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect } from 'expect';
import { MUTANTS, applyMutant } from './mutants.js';
import type { RunSummary } from './run-schedules.js';
import { scheduleSettings } from './settings.js';

const run = promisify(execFile);
const MAIN = fileURLToPath(new URL('./main.js', import.meta.url));
const ROOT = new URL('../../../', import.meta.url);
const { schedules, seed } = scheduleSettings();
/** Side by side: a schedule waits for nothing but the processor. */
const LANES = 2;
const LANE_WITHIN_MS = 540_000;

/** Runs schedules in a process of their own, whose time is virtual. */
async function runLane(first: number, count: number, mutant?: string): Promise<RunSummary> {
  const parameters = ['--first', String(first), '--schedules', String(count)];
  const { stdout } = await run(process.execPath, [MAIN, ...parameters, ...(mutant ? ['--mutant', mutant] : [])], {
    maxBuffer: 64 * 1024 * 1024,
    timeout: LANE_WITHIN_MS,
  });
  return JSON.parse(stdout) as RunSummary;
}

/** What somebody needs to see a failure again: the seed, what it takes, and what happened. */
function tell({ failed }: RunSummary): string {
  if (!failed) return '';
  const again = `WEIR_SCHEDULES=1 WEIR_SEED=${failed.seed} npm test -- test/schedules`;
  return [`seed ${failed.seed}: ${failed.failure?.detail ?? ''}`, ...failed.acts, ...failed.notes, again].join('\n');
}

describe('schedules of faults', () => {
  it(`loses, doubles and alters nothing in ${schedules} of them`, async (test) => {
    const each = Math.ceil(schedules / LANES);
    const lanes = await Promise.all(Array.from({ length: LANES }, (_, lane) => runLane(seed + lane * each, each)));
    const sum = (value: (lane: RunSummary) => number): number => lanes.reduce((total, lane) => total + value(lane), 0);
    const failures = lanes.map(tell).filter((text) => text !== '');
    if (failures.length > 0) throw new Error(failures.join('\n\n'));
    const cpu = sum((lane) => lane.cpuSeconds).toFixed(0);
    const counts = `${sum((lane) => lane.steps)} steps, ${sum((lane) => lane.events)} events`;
    test.diagnostic(`${sum((lane) => lane.schedules)} schedules from seed ${seed}: ${counts}, ${cpu} s of CPU`);
  });

  it('takes the same steps from the same seed', async () => {
    const [one, other] = await Promise.all([runLane(seed, 40), runLane(seed, 40)]);
    expect(other.traceHash).toBe(one.traceHash);
    expect(other.steps).toBe(one.steps);
    expect((await runLane(seed + 1_000_000, 40)).traceHash).not.toBe(one.traceHash);
  });

  for (const mutant of MUTANTS) {
    it(`catches the mutant "${mutant.name}"`, async (test) => {
      applyMutant(mutant, await readFile(new URL(mutant.file, ROOT), 'utf8'));
      const { failed, schedules: after } = await runLane(seed, schedules, mutant.name);
      if (!failed?.failure) throw new Error(`${schedules} schedules have not noticed`);
      test.diagnostic(`${mutant.name} → ${failed.failure.invariant}, after ${after} schedules`);
    });
  }
});
