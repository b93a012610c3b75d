import { SINKS } from '@weir/contracts';
import { eventually } from '@weir/testing';
import type { Fault, Scene } from '../fault.js';

/** The steps of landing a batch that a sink can die after, in their order (`LANDING_STEPS` of `@weir/landing`). */
const STEPS = ['read', 'intent', 'insert', 'done', 'ack'] as const;
const WITHIN_MS = 60_000;
const CALLS_BETWEEN = 5;

/** Lets a sink die right after a step, and waits until its successor is ready. */
async function dieAfter({ stack, switches, load }: Scene, sink: string, step: string): Promise<void> {
  const pid = stack.pidOf(sink);
  switches.dieAfter(sink, step);
  await eventually(
    () => {
      if (!switches.hasDiedAfter(sink, step)) throw new Error(`${sink} has not come to the step ${step}`);
    },
    { timeoutMs: WITHIN_MS },
  );
  await stack.waitForRestart(sink, pid, WITHIN_MS);
  await load.goesOn(CALLS_BETWEEN, WITHIN_MS);
}

/** A sink killed between each step of landing. In the short set at one step, which the seed chooses, so that it stays short. */
export const landingFaults: readonly Fault[] = SINKS.map((sink) => ({
  name: `kill-${sink}-between-steps`,
  does: `kill -9 of ${sink} right after each of: ${STEPS.join(', ')}`,
  isShort: sink === 'billing',
  run: async (scene) => {
    const steps = scene.isFull ? STEPS : [scene.random.pick(['intent', 'insert', 'done'] as const)];
    for (const step of steps) await dieAfter(scene, sink, step);
  },
}));
