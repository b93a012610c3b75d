import type { CallReply, IncomingCall } from '@weir/bus';
import { ERRORS } from '@weir/contracts';
import { findTargetRecords } from '../../domain/target-records.js';
import type { CallServices } from './call-services.js';
import { RunningCall } from './running-call.js';

/** Granularity of every deadline and ping of running calls, at scale 1. */
const SWEEP_EVERY_MS = 50;

export interface CallWatcher {
  opened(call: RunningCall): void;
  closed(call: RunningCall): void;
}

/** Runs the calls this worker has taken; one timer looks after all of them. */
export class CallExecutor {
  private readonly running = new Set<RunningCall>();
  private readonly sweepTimer: NodeJS.Timeout;
  private readonly sweepEveryMs: number;
  private sweptAt = performance.now();
  private whenIdle: (() => void) | null = null;

  constructor(
    private readonly services: CallServices,
    private readonly watcher: CallWatcher,
  ) {
    this.sweepEveryMs = Math.max(5, SWEEP_EVERY_MS * services.timeScale);
    this.sweepTimer = setInterval(() => this.sweep(), this.sweepEveryMs);
    services.metrics.watch({ open: () => this.running.size, paused: () => this.paused });
  }

  get size(): number {
    return this.running.size;
  }

  private get paused(): number {
    let count = 0;
    for (const call of this.running) if (call.isPaused) count++;
    return count;
  }

  execute(call: IncomingCall, reply: CallReply): void {
    const { envelope } = call;
    const { services } = this;
    if (services.clock.now() > envelope.dispatchBy) {
      services.metrics.late.inc();
      return reply.abandon();
    }
    const target = findTargetRecords(envelope, services.catalog);
    if (!target) {
      const failure = {
        code: 'no_target',
        message: ERRORS.no_target.message,
        status: null,
        retryAfterSeconds: 1,
        upstream: null,
      };
      reply.fail({ failure, attempts: envelope.attempts, served: null, usage: null, usageSource: 'none' });
      return;
    }
    const running = new RunningCall({ services, call, reply, target, onClosed: (closed) => this.forget(closed) });
    this.running.add(running);
    this.watcher.opened(running);
    void running.run();
  }

  /** Resolves when every call has ended; those that have not within `withinMs` are broken off. */
  async drain(withinMs: number): Promise<void> {
    if (this.running.size === 0) return;
    const idle = new Promise<void>((resolve) => (this.whenIdle = resolve));
    const timer = setTimeout(() => {
      for (const call of [...this.running]) call.cancel('draining');
    }, withinMs);
    await idle;
    clearTimeout(timer);
  }

  close(): void {
    clearInterval(this.sweepTimer);
  }

  private forget(call: RunningCall): void {
    if (!this.running.delete(call)) return;
    this.watcher.closed(call);
    if (this.running.size === 0) this.whenIdle?.();
  }

  private sweep(): void {
    const now = performance.now();
    // After a pause of this process, what came meanwhile is still to be read: silence is not to be judged now.
    const wasPaused = now - this.sweptAt > 20 * this.sweepEveryMs;
    this.sweptAt = now;
    if (wasPaused) return;
    for (const call of [...this.running]) call.sweep(now);
  }
}
