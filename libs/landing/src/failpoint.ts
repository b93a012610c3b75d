/** Steps of landing a batch, in their order; a test stops a process right after one. */
export const LANDING_STEPS = ['read', 'intent', 'insert', 'done', 'ack'] as const;
export type LandingStep = (typeof LANDING_STEPS)[number];

/** Called after each step. */
export type Failpoint = (step: LandingStep) => Promise<void>;

export const noFailpoint: Failpoint = () => Promise.resolve();

/**
 * Stops a test's process after a step, `landing.after-<step>`, the first time it gets there: it tells its parent, and goes on when the
 * parent says so. A process that no test has started has nobody to tell, and never stops.
 */
export function createFailpoint(name: string | undefined): Failpoint {
  if (name === undefined || process.send === undefined) return noFailpoint;
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
