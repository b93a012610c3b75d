import { SINKS } from '@weir/contracts';
import { LANDING_STATEMENTS } from './landing-statements.js';
import { LEDGER_STATEMENTS } from './ledger-statements.js';
import { performAct } from './acts.js';
import { TOKENS_FORGOTTEN_MS, type Plan, type Strike } from './plan.js';
import { ProducerProcess } from './producer-process.js';
import type { ServiceCode } from './production.js';
import { RecordWatch } from './record-watch.js';
import { SimulatedBroker } from './simulated-broker.js';
import { SimulatedDisks } from './simulated-disk.js';
import { SimulatedPostgres } from './simulated-postgres.js';
import { SimulatedWarehouse } from './simulated-warehouse.js';
import { InvariantError, Simulation, type SimulatedProcess } from './simulation.js';
import { SinkProcess } from './sink-process.js';

/** From the last fault to rest: what was acknowledged and lost is sent again after minutes at the latest. */
const LOOKS_MAX = 600;
const LOOK_EVERY_MS = 1_000;
const STEPS_MAX = 40_000;

/** The head of the log at one moment, as a signer would have signed it. */
export interface SeenHead {
  readonly size: number;
  readonly frontier: Uint8Array;
}

/** One installation in one schedule: processes that run production's code, servers that are simulated, and what goes wrong. */
export class World {
  readonly simulation: Simulation;
  readonly broker: SimulatedBroker;
  readonly postgres: SimulatedPostgres;
  readonly warehouse: SimulatedWarehouse;
  readonly disks: SimulatedDisks;
  readonly watch: RecordWatch;
  readonly heads: SeenHead[] = [];
  /** What is still to fall upon a process in the middle of a step. */
  readonly strikes: Strike[] = [];
  private readonly producers = new Map<string, ProducerProcess>();
  private readonly sinks = new Map<string, SinkProcess>();
  private isClosing = false;
  private isAtRest = false;

  constructor(
    readonly plan: Plan,
    readonly code: ServiceCode,
  ) {
    const simulation = new Simulation(plan.seed);
    this.simulation = simulation;
    this.broker = new SimulatedBroker(simulation);
    this.postgres = new SimulatedPostgres(simulation, [...LANDING_STATEMENTS, ...LEDGER_STATEMENTS]);
    this.warehouse = new SimulatedWarehouse(simulation);
    this.watch = new RecordWatch(simulation, this.warehouse, this.postgres);
    this.disks = new SimulatedDisks(simulation, this.watch);
    simulation.onCall = (process, label, phase) => this.strike(process, label, phase);
    this.broker.onAcknowledged = (sink, { payload }) => this.watch.onAcknowledged(sink, payload);
  }

  /** Runs the schedule until everything has come to rest; what fails is in `simulation.failure`. */
  async run(): Promise<void> {
    for (let index = 0; index < this.plan.producers; index++) this.startProducer(`producer-${index}`);
    for (const sink of SINKS) for (const index of [0, 1]) this.startSink(`${sink}-${index}`);
    for (const act of this.plan.acts) this.simulation.plan(undefined, act.at, act.kind, () => performAct(this, act));
    this.simulation.plan(undefined, this.plan.healedAt, 'heal', () => this.heal());
    while (!this.isAtRest && (await this.simulation.step()))
      if (this.simulation.steps > STEPS_MAX) this.fail('the system comes to rest', 'it goes on and on');
  }

  /** A moment in which the process that takes it may die. */
  moment(label: string): Promise<void> {
    const { current } = this.simulation;
    if (current) this.simulation.onCall(current, label, 'sent');
    return new Promise((resolve) => void this.simulation.plan(current, 0.1, label, resolve));
  }

  /** Every process that is not dead, by its name. */
  find(name: string): SimulatedProcess | undefined {
    return (this.producers.get(name) ?? this.sinks.get(name))?.process;
  }

  producer(index: number): ProducerProcess | undefined {
    return this.producers.get(`producer-${index}`);
  }

  sink(name: string): SinkProcess | undefined {
    return this.sinks.get(name);
  }

  /** Kills a process; another takes its name after a while, or when everything is healed. */
  kill(name: string, restartsAfterMs: number): void {
    const process = this.find(name);
    if (!process || process.state === 'dead') return;
    this.simulation.kill(process);
    if (!Number.isFinite(restartsAfterMs)) return;
    this.simulation.plan(undefined, restartsAfterMs, 'restart', () => this.startAgain(name));
  }

  /** Lets a process stand still; where everything else does too before it wakes up, the tokens of what it has in hand are forgotten by then. */
  pause(name: string, forMs: number, isForgotten = false): void {
    const process = this.find(name);
    if (!process) return;
    this.simulation.pause(process);
    const wake = (): void => this.simulation.resume(process);
    this.simulation.plan(undefined, forMs, 'wake', () =>
      isForgotten ? this.standStill(TOKENS_FORGOTTEN_MS, wake) : wake(),
    );
  }

  /** Everything stands still. Not while an insert is on its way: no packet travels for minutes. */
  standStill(forMs: number, andThen: () => void = () => undefined): void {
    if (this.warehouse.arriving > 0)
      return void this.simulation.plan(undefined, 20, 'standstill', () => this.standStill(forMs, andThen));
    this.simulation.leap(forMs);
    andThen();
  }

  /** A process sends something, or it was served: what is planned for this moment happens right after the step. */
  private strike(process: SimulatedProcess, label: string, phase: Strike['phase']): void {
    const at = this.strikes.findIndex(
      ({ target, on, ...strike }) => target === process.name && label.startsWith(on) && strike.phase === phase,
    );
    const [strike] = at < 0 ? [] : this.strikes.splice(at, 1);
    if (!strike || this.find(process.name) !== process) return;
    this.simulation.plan(undefined, 0, 'strike', () => {
      this.simulation.note(`${process.name} is struck: ${label} was ${phase}`);
      if (strike.pausedForMs === undefined) this.kill(process.name, strike.restartsAfter);
      else this.pause(process.name, strike.pausedForMs, strike.isForgotten);
    });
  }

  /** Notes where the log stands, as whoever signs it would. */
  seeHead(): void {
    const head = this.postgres.table('audit.heads').get('0');
    if (head) this.heads.push({ size: Number(head['size']), frontier: head['frontier'] as Buffer });
  }

  private startAgain(name: string): void {
    if (this.isClosing || this.find(name)?.state !== 'dead') return;
    this.simulation.note(`start ${name}`);
    if (this.producers.has(name)) this.startProducer(name);
    else this.startSink(name);
  }

  private startProducer(name: string): void {
    this.producers.set(name, new ProducerProcess(this, name).start());
  }

  private startSink(name: string): void {
    const sink = name.startsWith('audit') ? 'audit' : 'billing';
    this.sinks.set(name, new SinkProcess(this, sink, name).start());
  }

  /** Nothing fails any more. What was lost for good stays away: of producers one is enough to adopt the others. */
  private heal(): void {
    this.simulation.note('healed');
    this.strikes.length = 0;
    this.disks.isFull = false;
    for (const server of [this.broker, this.postgres, this.warehouse]) server.lossy = 0;
    for (const name of this.sinks.keys()) this.startAgain(name);
    this.startAgain('producer-0');
    this.simulation.plan(undefined, LOOK_EVERY_MS, 'look', () => this.look(1));
  }

  /** At rest: all that was written has landed, is released, and no journal is without an owner. Then the ledger is closed once more. */
  private look(looks: number): void {
    const waiting = this.waitingFor();
    if (waiting === undefined) return this.closeAtLast();
    if (looks > LOOKS_MAX) return this.fail('the system comes to rest', waiting);
    this.simulation.plan(undefined, LOOK_EVERY_MS, 'look', () => this.look(looks + 1));
  }

  private waitingFor(): string | undefined {
    for (const sink of SINKS) {
      const [missing] = this.watch.missing(sink);
      if (missing !== undefined) return `${sink} lacks ${missing}`;
      if (this.postgres.table(`${sink}.intents`).get('0')?.['done_at'] === null) return `${sink} has an open intent`;
    }
    const sleeper = [...this.sinks.values(), ...this.producers.values()].find(
      ({ process }) => process.state === 'paused',
    );
    if (sleeper) return `${sleeper.name} stands still`;
    const orphan = [...this.disks.folders].find(([, folder]) => folder.owner === undefined);
    if (orphan) return `${orphan[0]} has no owner`;
    const busy = [...this.producers.values()].find(({ process, isDone }) => process.state !== 'dead' && !isDone);
    return busy && `${busy.name} holds what has landed`;
  }

  private closeAtLast(): void {
    this.isClosing = true;
    for (const { process } of this.producers.values()) this.simulation.pause(process);
    this.sinks.get('billing-0')?.closeHours(false, (isClosed) => {
      if (!isClosed) return void this.simulation.plan(undefined, LOOK_EVERY_MS, 'again', () => this.closeAtLast());
      this.seeHead();
      this.isAtRest = true;
    });
  }

  private fail(invariant: string, detail: string): void {
    this.simulation.fail(new InvariantError(invariant, detail));
  }
}
