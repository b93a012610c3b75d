import { unlinkSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Steps of landing a batch, in their order; a test stops a process right after one. */
export const LANDING_STEPS = ['read', 'intent', 'insert', 'done', 'ack'] as const;
export type LandingStep = (typeof LANDING_STEPS)[number];

/** Called after each step. */
export type Failpoint = (step: LandingStep) => Promise<void>;

export const noFailpoint: Failpoint = () => Promise.resolve();

/**
 * A failpoint of a test's process.
 * - `landing.after-<step>`: stops after the step the first time it gets there: it tells its parent, and goes on when the parent says so. A
 *   process that no test has started has nobody to tell, and never stops.
 * - `file:` URL of a folder: dies after the step, as by kill -9, where the folder has a file `<sink>.landing.after-<step>`. The file goes first,
 *   so the process that is started in its place with the same setting lives.
 */
export function createFailpoint(name: string | undefined, sink: string): Failpoint {
  if (name === undefined) return noFailpoint;
  return name.startsWith('file:') ? dieByFile(fileURLToPath(name), sink) : stopOnce(name);
}

function dieByFile(folder: string, sink: string): Failpoint {
  return async (step) => {
    if (takeFile(join(folder, `${sink}.landing.after-${step}`))) process.kill(process.pid, 'SIGKILL');
  };
}

/** True where the file was there: nobody else takes it. */
function takeFile(file: string): boolean {
  try {
    unlinkSync(file);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
    throw error;
  }
}

function stopOnce(name: string): Failpoint {
  if (process.send === undefined) return noFailpoint;
  let isReached = false;
  return async (step) => {
    if (isReached || name !== `landing.after-${step}`) return;
    isReached = true;
    const goesOn = new Promise<void>((resolve) => {
      const listen = (message: unknown): void => {
        if ((message as { type?: string }).type !== 'go on') return;
        process.off('message', listen);
        resolve();
      };
      process.on('message', listen);
    });
    process.send?.({ type: 'failpoint', name });
    await goesOn;
  };
}
