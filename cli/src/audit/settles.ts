import { setTimeout as sleep } from 'node:timers/promises';

const LOOK_MS = 250;

/** Whether it becomes so, within a bound, while what is under way lands. */
export async function settles(isSettled: () => Promise<boolean>, withinMs: number): Promise<boolean> {
  const deadline = performance.now() + withinMs;
  while (!(await isSettled())) {
    if (performance.now() > deadline) return false;
    await sleep(LOOK_MS);
  }
  return true;
}
