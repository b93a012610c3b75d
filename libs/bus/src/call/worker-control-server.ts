import { IngressBeat, subjects, WorkerControl, type CallId, type CallTiming } from '@weir/contracts';
import type { BusConnection } from '../connection/bus-connection.js';
import type { BusMessage, BusSubscription } from '../connection/bus-message.js';
import type { CancelReason } from './call-handlers.js';

/** What a running call hears from its ingress. */
export interface RunningCallHandlers {
  /** The call may send up to this many bytes of data in all, in the attempt named. May repeat or come late: take the largest. */
  onCredit(offset: number, attempt: number): void;
  /** Stop the upstream, then send the terminal frame. May repeat. */
  onCancel(reason: CancelReason): void;
  /** The ingress that holds the client has been silent for `ingressLostAfterMs`: nobody reads the answer. Called once. */
  onIngressLost(): void;
}

export interface WorkerControlOptions {
  readonly connection: BusConnection;
  /** A token that no other live process uses. */
  readonly workerId: string;
  readonly timing: CallTiming;
}

interface Running {
  readonly ingressId: string;
  readonly handlers: RunningCallHandlers;
}

/** The worker side of the control of running calls: one subject for credit and cancel of them all, and the beats of the ingresses. */
export class WorkerControlServer {
  /** The subject to name in `accepted` and `head`. */
  readonly control: string;
  private readonly running = new Map<string, Set<Running>>();
  private readonly heardAt = new Map<string, number>();
  private readonly subscriptions: BusSubscription[];
  private readonly timer: NodeJS.Timeout;
  private readonly sweepEveryMs: number;
  private sweptAt = performance.now();

  constructor(private readonly options: WorkerControlOptions) {
    const { connection, workerId, timing } = options;
    this.control = subjects.worker(workerId);
    this.subscriptions = [
      connection.subscribe(this.control, (message) => this.onControl(message)),
      connection.subscribe(subjects.beat(), (message) => this.onBeat(message)),
    ];
    this.sweepEveryMs = Math.max(5, timing.ingressBeatEveryMs / 4);
    this.timer = setInterval(() => this.sweep(), this.sweepEveryMs);
  }

  /** Calls registered now. */
  get runningCalls(): number {
    let count = 0;
    for (const runs of this.running.values()) count += runs.size;
    return count;
  }

  /** Listens for a call from before it is accepted. @returns a function that ends it; call it after the terminal frame. */
  register(callId: CallId, ingressId: string, handlers: RunningCallHandlers): () => void {
    const running: Running = { ingressId, handlers };
    const runs = this.running.get(callId) ?? new Set();
    this.running.set(callId, runs.add(running));
    // A worker that has just started has not heard of any ingress yet: the clock of its silence starts now.
    if (!this.heardAt.has(ingressId)) this.heardAt.set(ingressId, performance.now());
    return () => {
      runs.delete(running);
      if (runs.size === 0 && this.running.get(callId) === runs) this.running.delete(callId);
    };
  }

  close(): void {
    clearInterval(this.timer);
    for (const subscription of this.subscriptions) subscription.unsubscribe();
    this.running.clear();
  }

  private onControl(message: BusMessage): void {
    const control = WorkerControl.parse(JSON.parse(message.data.toString('utf8')));
    const runs = this.running.get(control.callId);
    if (runs === undefined) return;
    for (const { handlers } of [...runs]) {
      if (control.kind === 'credit') handlers.onCredit(control.offset, control.attempt);
      else handlers.onCancel(control.reason);
    }
  }

  private onBeat(message: BusMessage): void {
    const { ingressId } = IngressBeat.parse(JSON.parse(message.data.toString('utf8')));
    this.heardAt.set(ingressId, performance.now());
  }

  private sweep(): void {
    const now = performance.now();
    // After a pause of this process the beats that came meanwhile are still to be read.
    const wasPaused = now - this.sweptAt > 8 * this.sweepEveryMs;
    this.sweptAt = now;
    if (wasPaused) return;
    for (const [ingressId, at] of this.heardAt) {
      if (now - at <= this.options.timing.ingressLostAfterMs) continue;
      this.heardAt.delete(ingressId);
      this.loseIngress(ingressId);
    }
  }

  private loseIngress(ingressId: string): void {
    for (const [callId, runs] of [...this.running]) {
      for (const running of [...runs]) {
        if (running.ingressId !== ingressId) continue;
        runs.delete(running);
        running.handlers.onIngressLost();
      }
      if (runs.size === 0) this.running.delete(callId);
    }
  }
}
