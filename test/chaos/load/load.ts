import { Agent } from 'undici';
import { eventually } from '@weir/testing';
import { lasting } from '../lasting.js';
import { Random } from '../random.js';
import { planCall, type LoadKind } from './call-plan.js';
import { makeCall, type Gateway } from './client.js';
import type { Outcome } from './outcome.js';
import { Stutter } from './stutter.js';

export interface LoadOptions {
  readonly seed: number;
  readonly kind: LoadKind;
  /** Clients that call one after the other. */
  readonly lanes: number;
  /** Between two calls of a client, in milliseconds. */
  readonly pauseMs: number;
  /** Ends by itself when so many calls have got an answer, whatever it was. */
  readonly answersMax?: number;
  readonly gateway: () => Gateway;
}

/** After a call that failed a client waits as an SDK would, so that an outage is no storm of refusals. */
const PAUSE_AFTER_FAILURE_MS = 200;
/** Longer than anything a call may take, once its fault is healed. */
const DRAIN_MS = 120_000;

/** Clients that call for as long as the load runs. What they saw is kept: it is what the record is held against. */
export class Load {
  readonly outcomes: Outcome[] = [];
  private readonly agent: Agent;
  private readonly stutter = new Stutter();
  private readonly open = new Map<number, number>();
  private readonly lanes = new Set<Promise<void>>();
  private isRunning = false;
  private next = 1;
  private completions = 0;
  private answers = 0;

  constructor(private readonly options: LoadOptions) {
    this.agent = new Agent({ connections: options.lanes * 2, keepAliveTimeout: 4_000, keepAliveMaxTimeout: 4_000 });
  }

  /** Calls that have begun so far. */
  get begun(): number {
    return this.next - 1;
  }

  get inFlight(): number {
    return this.open.size;
  }

  get completed(): number {
    return this.completions;
  }

  start(): void {
    this.isRunning = true;
    for (let lane = 0; lane < this.options.lanes; lane++) {
      const running: Promise<void> = this.runLane().finally(() => this.lanes.delete(running));
      this.lanes.add(running);
    }
  }

  /** Begins no more calls and waits until those under way have ended. Throws where one does not end. */
  async drain(): Promise<void> {
    this.isRunning = false;
    await eventually(
      () => {
        if (this.lanes.size > 0) throw new Error(`calls that do not end: ${[...this.open.keys()].join(', ')}`);
      },
      { timeoutMs: DRAIN_MS },
    );
  }

  /** Waits until so many more calls have completed. */
  async goesOn(calls: number, timeoutMs: number): Promise<void> {
    const wanted = this.completed + calls;
    await eventually(
      () => {
        if (this.completed < wanted)
          throw new Error(
            `after ${timeoutMs / 1_000} s only ${calls - wanted + this.completed} of ${calls} calls have completed`,
          );
      },
      { timeoutMs },
    );
  }

  /** Waits until so many calls have got an answer. */
  async reaches(answers: number, timeoutMs: number): Promise<void> {
    await eventually(
      () => {
        if (this.answers < answers) throw new Error(`${this.answers} of ${answers} calls are answered`);
      },
      { timeoutMs },
    );
  }

  /** Waits until every call has been made, where there is a number of them. */
  async ends(timeoutMs: number): Promise<void> {
    await eventually(
      () => {
        if (this.lanes.size > 0) throw new Error(`${this.begun} calls begun, ${this.inFlight} under way`);
      },
      { timeoutMs, everyMs: 100 },
    );
  }

  async close(): Promise<void> {
    this.isRunning = false;
    this.stutter.close();
    await this.agent.destroy();
  }

  private async runLane(): Promise<void> {
    const { seed, kind, pauseMs, answersMax = Number.POSITIVE_INFINITY } = this.options;
    while (this.isRunning && this.answers + this.open.size < answersMax) {
      const number = this.next++;
      const plan = planCall(Random.of(seed, `call ${number}`), number, kind);
      this.open.set(plan.number, performance.now());
      const outcome = await makeCall(plan, {
        gateway: this.options.gateway(),
        dispatcher: this.agent,
        stutter: this.stutter,
      });
      this.open.delete(plan.number);
      this.outcomes.push(outcome);
      if (outcome.end === 'complete') this.completions += 1;
      if (outcome.callId !== undefined) this.answers += 1;
      const isFailed = outcome.end !== 'complete' && outcome.end !== 'left';
      const pause = isFailed ? Math.max(pauseMs, PAUSE_AFTER_FAILURE_MS) : pauseMs;
      if (pause > 0) await lasting(pause);
    }
  }
}
