import crypto from 'node:crypto';
import { syncBuiltinESMExports } from 'node:module';
// eslint-disable-next-line no-restricted-syntax -- this is what makes its sleeps virtual
import timersPromises from 'node:timers/promises';
import type { QueuedStep } from './event-queue.js';
import type { Simulation } from './simulation.js';

/** The schedule that timers, clocks and chance belong to. */
let active: Simulation | undefined;

/** Of every schedule the first moment, milliseconds since the epoch: five hours into a day. */
export const EPOCH_MS = Date.UTC(2026, 8, 15, 5);

function simulation(): Simulation {
  if (!active) throw new Error('no schedule is running');
  return active;
}

/** Whatever is called from now on belongs to this schedule. */
export function enterSchedule(next: Simulation): void {
  active = next;
}

/** As Node's timers: an object that may be unreferenced, and cleared. */
class VirtualTimer {
  private step: QueuedStep | undefined;
  private isCleared = false;

  constructor(
    private readonly run: () => void,
    private readonly ms: number,
    private readonly repeats: boolean,
  ) {
    this.arm();
  }

  clear(): void {
    this.isCleared = true;
    if (this.step) this.step.isCancelled = true;
  }

  ref(): this {
    return this;
  }

  unref(): this {
    return this;
  }

  private arm(): void {
    const current = simulation();
    // A timer of a process that died in this very step: nothing comes of it.
    this.step = current.plan(current.current, Math.max(1, this.ms), 'timer', () => {
      this.run();
      if (this.repeats && !this.isCleared) this.arm();
    });
  }
}

type Callback = (...parameters: unknown[]) => void;

const startTimer =
  (repeats: boolean) =>
  (callback: Callback, ms = 0, ...parameters: unknown[]): VirtualTimer =>
    new VirtualTimer(() => callback(...parameters), ms, repeats);

const clear = (timer: unknown): void => {
  if (timer instanceof VirtualTimer) timer.clear();
};

/** As `setTimeout` of `node:timers/promises`. */
function sleep(ms = 0, value?: unknown, { signal }: { readonly signal?: AbortSignal } = {}): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const abort = (): void => {
      timer.clear();
      reject(signal?.reason as Error);
    };
    const timer = new VirtualTimer(
      () => {
        signal?.removeEventListener('abort', abort);
        resolve(value);
      },
      ms,
      false,
    );
    if (signal?.aborted) return abort();
    signal?.addEventListener('abort', abort, { once: true });
  });
}

/**
 * Puts this process into virtual time: timers, clocks and random ids are the running schedule's. To be called once, before the code under
 * test is loaded; the process does nothing else afterwards.
 */
export function installVirtualRuntime(): void {
  const immediately = (callback: Callback, ...parameters: unknown[]): QueuedStep =>
    simulation().plan(simulation().current, 0, 'turn', () => callback(...parameters));
  Object.assign(globalThis, {
    setTimeout: startTimer(false),
    setInterval: startTimer(true),
    setImmediate: immediately,
    clearTimeout: clear,
    clearInterval: clear,
  });
  // Before the first schedule code is loaded, which may look at the clock.
  performance.now = () => active?.now ?? 0;
  Date.now = () => EPOCH_MS + Math.floor(active?.now ?? 0);
  Object.assign(timersPromises, { setTimeout: sleep });
  // Ids of events come from a pool that outlives a schedule: they stay random, and no step may depend on them.
  Object.assign(crypto, { randomUUID: () => simulation().random.uuid() });
  syncBuiltinESMExports();
}
