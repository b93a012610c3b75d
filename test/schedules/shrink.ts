import type { Plan } from './plan.js';
import type { ServiceCode } from './production.js';
import { runSchedule, type ScheduleResult } from './run-schedule.js';

/** Leaves out one act after the other as long as the same invariant goes on failing: what is left is what it takes. */
export async function shrinkPlan(
  plan: Plan,
  result: ScheduleResult,
  code: ServiceCode,
): Promise<{ readonly plan: Plan; readonly result: ScheduleResult }> {
  let smallest = { plan, result };
  for (let index = 0; index < smallest.plan.acts.length;) {
    const acts = smallest.plan.acts.filter((_, at) => at !== index);
    const candidate = { ...plan, acts };
    const outcome = await runSchedule(candidate, code);
    if (outcome.failure?.invariant === result.failure?.invariant) smallest = { plan: candidate, result: outcome };
    else index += 1;
  }
  return smallest;
}
