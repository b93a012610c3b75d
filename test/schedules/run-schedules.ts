import { planSchedule } from './plan.js';
import { loadServiceCode } from './production.js';
import { runSchedule, type ScheduleResult } from './run-schedule.js';
import { shrinkPlan } from './shrink.js';

/** What came of many schedules: of the first that fails, everything. */
export interface RunSummary {
  readonly schedules: number;
  readonly steps: number;
  readonly events: number;
  /** Over the traces of all. */
  readonly traceHash: string;
  readonly cpuSeconds: number;
  readonly failed: (ScheduleResult & { readonly seed: number; readonly acts: readonly string[] }) | undefined;
}

/** Runs schedules one after the other until one fails, and cuts that one down to what it takes to fail. */
export async function runSchedules(firstSeed: number, count: number): Promise<RunSummary> {
  const code = await loadServiceCode();
  let [steps, events, traceHash] = [0, 0, ''];
  const summary = (schedules: number, failed?: RunSummary['failed']): RunSummary => {
    const { user, system } = process.cpuUsage();
    return { schedules, steps, events, traceHash, cpuSeconds: (user + system) / 1e6, failed };
  };
  for (let index = 0; index < count; index++) {
    const plan = planSchedule(firstSeed + index);
    const result = await runSchedule(plan, code);
    steps += result.steps;
    events += result.events;
    traceHash = `${traceHash}${result.traceHash}`.slice(-64);
    if (!result.failure) continue;
    const shrunk = await shrinkPlan(plan, result, code);
    return summary(index + 1, {
      ...shrunk.result,
      seed: plan.seed,
      acts: shrunk.plan.acts.map((act) => JSON.stringify(act)),
    });
  }
  return summary(count);
}
