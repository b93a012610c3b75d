import type { LockOptions, LockSession, Query, acquireLock } from '@weir/store';
// eslint-disable-next-line no-restricted-syntax -- virtual time: this waits for nothing real
import { setTimeout as sleep } from 'node:timers/promises';
import { SimulatedServer } from './simulated-server.js';
import { InvariantError, type SimulatedProcess, type Simulation } from './simulation.js';
import { EPOCH_MS } from './virtual-runtime.js';

export type Row = Record<string, unknown>;

/** What a statement needs to know of where it runs. */
export interface StatementContext {
  readonly parameters: readonly unknown[];
  /** Schema of the session: unqualified names mean it. */
  readonly schema: string;
  readonly backend: number;
  /** The time of the transaction, milliseconds since the epoch. */
  readonly now: number;
  readonly database: SimulatedPostgres;
  /** Does something when the transaction commits; at once outside of one. */
  readonly commit: (effect: () => void) => void;
}

/** A statement that the simulation knows: recognised by how it begins and by words that only it has, run as Postgres runs it. */
export interface KnownStatement {
  readonly words: readonly [beginning: string, ...words: string[]];
  readonly run: (context: StatementContext) => readonly Row[];
}

/** Rarer than in production, where whoever stands by looks twice a second: looking is most of what it does. */
const STANDBY_LOOKS_EVERY_MS = 2_500;

class SessionEndedError extends Error {
  override readonly name = 'SessionEndedError';
}

/** One connection: its transaction, its locks, and the order of its statements. */
class SimulatedSession {
  readonly lost = new AbortController();
  hasEnded = false;
  lastAt = 0;
  private effects: (() => void)[] | undefined;

  constructor(
    private readonly database: SimulatedPostgres,
    readonly backend: number,
    readonly schema: string,
    readonly process: SimulatedProcess | undefined,
  ) {}

  readonly query: Query = (sql, parameters = []) => this.database.send(this, sql, parameters);

  execute(sql: string, parameters: readonly unknown[]): readonly Row[] {
    if (this.hasEnded) throw new SessionEndedError('the connection has ended');
    if (sql === 'BEGIN') this.effects = [];
    else if (sql === 'COMMIT') this.commitEffects();
    else if (sql === 'ROLLBACK') this.effects = undefined;
    else if (sql === 'SELECT 1') return [{}];
    else return this.database.run(this, sql, parameters);
    return [];
  }

  readonly commit = (effect: () => void): void => {
    if (this.effects) this.effects.push(effect);
    else effect();
  };

  rollBack(): void {
    this.effects = undefined;
  }

  private commitEffects(): void {
    const effects = this.effects ?? [];
    this.effects = undefined;
    for (const effect of effects) effect();
  }

  asLockSession(): LockSession {
    return {
      query: this.query,
      transaction: (work) => runTransaction(this.query, work),
      listen: () => Promise.reject(new Error('the simulation has no notifications')),
      lost: this.lost.signal,
      close: async () => this.database.hangUp(this),
    };
  }
}

/** As the store's sessions run one. */
async function runTransaction<Result>(query: Query, work: (query: Query) => Promise<Result>): Promise<Result> {
  await query('BEGIN');
  try {
    const result = await work(query);
    await query('COMMIT');
    return result;
  } catch (error) {
    try {
      await query('ROLLBACK');
    } catch {
      // The connection has ended, and has rolled back with it.
    }
    throw error;
  }
}

/** Texts are few and come again and again. */
const statementOf = new Map<string, KnownStatement>();

/** @throws InvariantError where none is known by these words, or more than one. */
function findStatement(statements: readonly KnownStatement[], sql: string): KnownStatement {
  const found = statementOf.get(sql);
  if (found) return found;
  const text = sql.trimStart();
  const known = statements.filter(
    ({ words: [beginning, ...words] }) => text.startsWith(beginning) && words.every((word) => text.includes(word)),
  );
  const [statement] = known;
  if (!statement || known.length > 1)
    throw new InvariantError('every statement is known', `${known.length} match: ${sql}`);
  statementOf.set(sql, statement);
  return statement;
}

/**
 * Postgres: sessions that end with their process, advisory locks, transactions whose effects come at their commit, and the statements that
 * landing and the ledger send. A statement it does not know fails the schedule, so that none goes untried unseen.
 */
export class SimulatedPostgres extends SimulatedServer {
  readonly tables = new Map<string, Map<string, Row>>();
  private readonly sessions = new Map<number, SimulatedSession>();
  private readonly locks = new Map<string, SimulatedSession>();
  private backends = 0;

  constructor(
    simulation: Simulation,
    private readonly statements: readonly KnownStatement[],
  ) {
    super(simulation, 'postgres', 2_000);
  }

  /** Rows of a table by their key, as they are committed. */
  table(name: string): Map<string, Row> {
    let table = this.tables.get(name);
    if (!table) this.tables.set(name, (table = new Map<string, Row>()));
    return table;
  }

  /** As the store's own: tries until the lock is held. */
  readonly acquireLock: typeof acquireLock = async (options: LockOptions) => {
    for (;;) {
      options.signal.throwIfAborted();
      try {
        const session = await this.tryLock(options);
        if (session) return session;
      } catch (error) {
        options.onError?.(error);
      }
      await sleep(STANDBY_LOOKS_EVERY_MS, undefined, { signal: options.signal });
    }
  };

  /** Who holds a lock. */
  holderOf(lock: string): number | undefined {
    return this.locks.get(lock)?.backend;
  }

  send(session: SimulatedSession, sql: string, parameters: readonly unknown[]): Promise<readonly Row[]> {
    const delayMs = this.inOrder(session);
    const label = sql.trimStart().slice(0, 12);
    return this.call({ label, delayMs, onLost: this.breaks(session) }, () => session.execute(sql, parameters));
  }

  run(session: SimulatedSession, sql: string, parameters: readonly unknown[]): readonly Row[] {
    const statement = findStatement(this.statements, sql);
    const { backend, schema, commit } = session;
    const now = EPOCH_MS + this.simulation.now;
    return statement.run({ parameters, schema, backend, now, database: this, commit });
  }

  /** The server ends a session: its transaction is rolled back, its locks are free, and its process hears of it. */
  terminate(backend: number): void {
    const session = this.sessions.get(backend);
    if (!session) return;
    this.sessions.delete(backend);
    session.hasEnded = true;
    session.rollBack();
    for (const [name, holder] of this.locks) if (holder === session) this.locks.delete(name);
    if (session.process && !session.lost.signal.aborted)
      this.simulation.plan(session.process, this.latency(), 'session ended', () =>
        session.lost.abort(new Error('the connection that holds the lock has ended')),
      );
  }

  /** Every session of a process ends. */
  terminateOf(process: SimulatedProcess): void {
    for (const [backend, session] of [...this.sessions]) if (session.process === process) this.terminate(backend);
  }

  /** Every session ends, as with a restart. */
  terminateAll(): void {
    for (const backend of [...this.sessions.keys()]) this.terminate(backend);
  }

  /** The process closes its connection. */
  async hangUp(session: SimulatedSession): Promise<void> {
    session.lost.abort(new Error('closed'));
    this.simulation.plan(undefined, this.inOrder(session), 'hang up', () => this.terminate(session.backend));
  }

  /** A stream of bytes loses nothing in its middle: where something is lost, the connection is. What had arrived was executed. */
  private breaks(session: SimulatedSession): () => void {
    return () => void this.simulation.plan(undefined, 0, 'broken', () => this.terminate(session.backend));
  }

  /** How long the session's next message takes: none overtakes another of the same connection. */
  private inOrder(session: SimulatedSession): number {
    const { now } = this.simulation;
    session.lastAt = Math.max(session.lastAt + 0.001, now + this.latency());
    return session.lastAt - now;
  }

  private async tryLock(options: LockOptions): Promise<LockSession | undefined> {
    const process = this.simulation.current;
    const session = new SimulatedSession(this, ++this.backends, options.schema, process);
    let isHeld = false;
    try {
      const delayMs = this.inOrder(session);
      const onLost = this.breaks(session);
      isHeld = await this.call({ label: 'lock', delayMs, onLost }, () => this.lock(session, options.name));
      if (!isHeld) await options.onHeld?.(session.query);
      return isHeld ? session.asLockSession() : undefined;
    } finally {
      if (!isHeld) await this.hangUp(session);
    }
  }

  private lock(session: SimulatedSession, name: string): boolean {
    this.sessions.set(session.backend, session);
    if (session.process?.state === 'dead') this.terminate(session.backend);
    else session.process?.onDeath.push(() => void this.hangUp(session));
    if (session.hasEnded || this.locks.has(name)) return false;
    this.locks.set(name, session);
    return true;
  }
}
