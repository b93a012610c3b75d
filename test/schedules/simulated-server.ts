import { InvariantError, type Simulation } from './simulation.js';

/** Nobody answered: the request may have been served or not. */
export class NoAnswerError extends Error {
  override readonly name = 'NoAnswerError';
}

export interface CallOptions {
  readonly label: string;
  /** How long it takes to get there; chance decides where it is not given. */
  readonly delayMs?: number;
  /** Told, where it gets lost on one of its two ways, when it should have been there. */
  readonly onLost?: () => void;
}

/** A server behind a network that delays, loses requests and loses answers. */
export class SimulatedServer {
  isDown = false;
  /** Share of calls that are lost on one of the two ways. */
  lossy = 0;
  /** Calls on their way to it. */
  arriving = 0;

  constructor(
    protected readonly simulation: Simulation,
    readonly name: string,
    private readonly patienceMs: number,
  ) {}

  /** Milliseconds that a message takes: mostly few, now and then so many that others overtake it. */
  latency(): number {
    const { random } = this.simulation;
    const kind = random.next();
    if (kind < 0.9) return random.next() * 3;
    if (kind < 0.99) return random.next() * 80;
    return random.next() * 2_000;
  }

  /** Runs `apply` at the server, for the process whose step it is. */
  call<Result>(options: CallOptions, apply: () => Result): Promise<Result> {
    const { simulation } = this;
    const caller = simulation.current;
    const { label, delayMs = this.latency() } = options;
    const fate = simulation.random.next();
    const isLost = fate < this.lossy / 2;
    const isAnswerLost = !isLost && fate < this.lossy;
    this.arriving += 1;
    if (caller) simulation.onCall(caller, label, 'sent');
    return new Promise((resolve, reject) => {
      const unanswered = (): void =>
        void simulation.plan(caller, this.patienceMs, `${this.name} is silent`, () =>
          reject(new NoAnswerError(`${this.name} does not answer`)),
        );
      simulation.plan(undefined, delayMs, `${caller?.name ?? ''} ${label}`, () => {
        this.arriving -= 1;
        if (isLost || isAnswerLost) options.onLost?.();
        if (isLost || this.isDown) return unanswered();
        const settle = this.serve(apply, resolve, reject);
        if (caller) simulation.onCall(caller, label, 'served');
        if (isAnswerLost) return unanswered();
        simulation.plan(caller, this.latency(), 'answer', settle);
      });
    });
  }

  private serve<Result>(
    apply: () => Result,
    resolve: (result: Result) => void,
    reject: (error: unknown) => void,
  ): () => void {
    try {
      const result = apply();
      return () => resolve(result);
    } catch (error) {
      if (error instanceof InvariantError) this.simulation.fail(error);
      return () => reject(error);
    }
  }
}
