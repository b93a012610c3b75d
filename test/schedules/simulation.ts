import { setImmediate as turn } from 'node:timers';
import { EventQueue, type QueuedStep } from './event-queue.js';
import { Random } from './random.js';

/** A process of the simulated installation. What it has set going dies, or stands still, with it. */
export interface SimulatedProcess {
  readonly name: string;
  state: 'running' | 'paused' | 'dead';
  /** What came while it was paused, in its order. */
  readonly held: QueuedStep[];
  /** What other parts do when it dies. */
  readonly onDeath: (() => void)[];
}

/** Something that must hold does not. Ends the schedule. */
export class InvariantError extends Error {
  override readonly name = 'InvariantError';
  constructor(
    readonly invariant: string,
    detail: string,
  ) {
    super(`${invariant}: ${detail}`);
  }
}

/** What it says to the trace, in full, is kept for so many steps. */
const NOTES_MAX = 4_000;
const FNV_PRIME = 0x01000193;

/**
 * One schedule: a clock that stands still but for steps, and chance from one seed. A step runs until nothing is left to do in its turn, so
 * whatever a process does belongs to the step that it does it in, and the same seed gives the same steps.
 */
export class Simulation {
  readonly random: Random;
  /** Milliseconds since the schedule began. */
  now = 0;
  steps = 0;
  /** The process whose step it is; undefined where a server's is. */
  current: SimulatedProcess | undefined;
  readonly notes: string[] = [];
  failure: Error | undefined;
  /** Told of each call that a process sends to a server, and when it was served. */
  onCall: (process: SimulatedProcess, label: string, phase: 'sent' | 'served') => void = () => undefined;
  private readonly queue = new EventQueue();
  private hash = 0x811c9dc5;

  constructor(seed: number) {
    this.random = new Random(seed);
  }

  /** The hash of every step until now: equal for equal schedules. */
  get traceHash(): string {
    return (this.hash >>> 0).toString(16).padStart(8, '0');
  }

  process(name: string): SimulatedProcess {
    return { name, state: 'running', held: [], onDeath: [] };
  }

  /** Plans a step of a process, or of a server where `owner` is undefined. */
  plan(owner: SimulatedProcess | undefined, delayMs: number, label: string, run: () => void): QueuedStep {
    const step: QueuedStep = { at: this.now + delayMs, order: 0, owner, label, run, isCancelled: false };
    this.queue.push(step);
    return step;
  }

  /** Runs the next step. False where there is none, or something has failed. */
  async step(): Promise<boolean> {
    const step = this.queue.pop();
    if (!step || this.failure) return false;
    if (step.isCancelled || step.owner?.state === 'dead') return true;
    this.now = Math.max(this.now, step.at);
    if (step.owner?.state === 'paused') {
      step.owner.held.push(step);
      return true;
    }
    this.run(step);
    // Servers wait for nothing: only a process goes on with what a promise has brought it.
    if (step.owner) await new Promise<void>((resolve) => void turn(resolve));
    return !this.hasFailed();
  }

  kill(process: SimulatedProcess): void {
    if (process.state === 'dead') return;
    process.state = 'dead';
    process.held.length = 0;
    this.note(`kill -9 ${process.name}`);
    for (const react of process.onDeath.splice(0)) react();
  }

  pause(process: SimulatedProcess): void {
    if (process.state !== 'running') return;
    process.state = 'paused';
    this.note(`pause ${process.name}`);
  }

  resume(process: SimulatedProcess): void {
    if (process.state !== 'paused') return;
    process.state = 'running';
    this.note(`wake ${process.name}`);
    for (const step of process.held.splice(0)) {
      step.at = this.now;
      this.queue.push(step);
    }
  }

  /** The whole installation stands still for so long: nothing happens, and then it is later. */
  leap(ms: number): void {
    this.note(`everything stands still for ${ms / 1_000} s`);
    this.now += ms;
  }

  /** Ends the schedule with a failure; the first one counts. */
  fail(error: unknown): void {
    this.failure ??= error instanceof Error ? error : new Error(String(error));
  }

  /** A line of the trace that people read. */
  note(text: string): void {
    this.mix(text);
    if (this.notes.length < NOTES_MAX) this.notes.push(`${(this.now / 1_000).toFixed(3).padStart(9)} s  ${text}`);
  }

  private hasFailed(): boolean {
    return this.failure !== undefined;
  }

  private run(step: QueuedStep): void {
    this.steps += 1;
    this.current = step.owner;
    this.mix(step.label);
    this.mix(String(Math.round(this.now)));
    try {
      step.run();
    } catch (error) {
      this.fail(error);
    }
  }

  private mix(text: string): void {
    for (let index = 0; index < text.length; index++)
      this.hash = Math.imul(this.hash ^ text.charCodeAt(index), FNV_PRIME);
  }
}
