import { checkInvariants } from './invariants.js';
import type { Plan } from './plan.js';
import type { ServiceCode } from './production.js';
import { InvariantError } from './simulation.js';
import { enterSchedule } from './virtual-runtime.js';
import { World } from './world.js';

/** What came of a schedule. */
export interface ScheduleResult {
  readonly traceHash: string;
  readonly steps: number;
  readonly events: number;
  /** What happened, line by line. */
  readonly notes: readonly string[];
  readonly failure: { readonly invariant: string; readonly detail: string } | undefined;
}

/** Runs one schedule from its beginning to its rest, and checks what must hold. */
export async function runSchedule(plan: Plan, code: ServiceCode): Promise<ScheduleResult> {
  const world = new World(plan, code);
  const { simulation } = world;
  enterSchedule(simulation);
  const onRejection = (reason: unknown): void => simulation.fail(reason);
  process.on('unhandledRejection', onRejection);
  try {
    await world.run();
    if (simulation.failure === undefined) checkInvariants(world);
  } catch (error) {
    simulation.fail(error);
  } finally {
    process.off('unhandledRejection', onRejection);
  }
  const { failure, traceHash, steps, notes } = simulation;
  return { traceHash, steps, events: world.watch.written.size, notes, failure: failure && describe(failure) };
}

function describe(error: Error): { invariant: string; detail: string } {
  if (error instanceof InvariantError) return { invariant: error.invariant, detail: error.message };
  return { invariant: 'nothing throws', detail: error.stack ?? error.message };
}
