import { setTimeout as sleep } from 'node:timers/promises';
import type pg from 'pg';
import { connectSession, queryOn, type Query, type StoreAddress } from './connection.js';

/**
 * A connection that holds an advisory lock. The lock lives and dies with the connection, so whatever is written through it is written
 * by the lock's holder: a holder that was cut off cannot write any more.
 */
export interface LockSession {
  readonly query: Query;
  /**
   * Runs `work` in one transaction; rolls back and throws where it throws. Where the beginning or the end itself fails nobody knows what holds:
   * the session ends, so that its owner reads anew what was written.
   */
  transaction<Result>(work: (query: Query) => Promise<Result>): Promise<Result>;
  /** Hears NOTIFY on a channel for as long as the session lives. */
  listen(channel: string, onNotification: () => void): Promise<void>;
  /** Aborts when the connection has ended, and with it the lock. */
  readonly lost: AbortSignal;
  /** Ends the connection, which frees the lock. */
  close(): Promise<void>;
}

export interface LockOptions extends StoreAddress {
  /** What is locked: one holder per database and name. */
  readonly name: string;
  /** Gives up waiting. */
  readonly signal: AbortSignal;
  /** Pause between attempts while another holds the lock or the server cannot be reached; 500 ms by default. */
  readonly retryMs?: number;
  /** Told of each failed attempt to connect. */
  readonly onError?: (error: unknown) => void;
  /** Told each time that another holds the lock, with a connection to look into it. */
  readonly onHeld?: (query: Query) => void | Promise<void>;
}

/**
 * Waits until this process holds the lock. Waiting survives a server that is down.
 *
 * @throws the signal's reason where it aborts first.
 */
export async function acquireLock(options: LockOptions): Promise<LockSession> {
  const { signal, retryMs = 500 } = options;
  for (;;) {
    signal.throwIfAborted();
    const session = await tryLock(options).catch((error: unknown) => {
      options.onError?.(error);
      return undefined;
    });
    if (session) return session;
    await sleep(retryMs, undefined, { signal });
  }
}

/** One attempt: undefined while another holds the lock. */
async function tryLock(options: LockOptions): Promise<LockSession | undefined> {
  const client = await connectSession(options);
  try {
    const { rows } = await client.query<{ held: boolean }>(
      'SELECT pg_try_advisory_lock(hashtextextended($1, 0)) AS held',
      [options.name],
    );
    if (rows[0]?.held === true) return openSession(client);
    await options.onHeld?.(queryOn(client));
  } catch (error) {
    await endClient(client);
    throw error;
  }
  await endClient(client);
  return undefined;
}

function openSession(client: pg.Client): LockSession {
  const lost = new AbortController();
  client.once('end', () => lost.abort(new Error('the connection that holds the lock has ended')));
  const query = queryOn(client);
  const giveUp = (error: unknown): void => {
    lost.abort(error);
    void endClient(client);
  };
  return {
    query,
    lost: lost.signal,
    transaction: (work) => runTransaction(query, work, giveUp),
    listen: async (channel, onNotification) => {
      client.on('notification', onNotification);
      await client.query(`LISTEN ${client.escapeIdentifier(channel)}`);
    },
    close: () => endClient(client),
  };
}

/** The driver gives up waiting for a statement, not the statement: a COMMIT that is slow may still come to hold. */
async function runTransaction<Result>(
  query: Query,
  work: (query: Query) => Promise<Result>,
  giveUp: (error: unknown) => void,
): Promise<Result> {
  const runOrGiveUp = async (statement: string): Promise<void> => {
    try {
      await query(statement);
    } catch (error) {
      giveUp(error);
      throw error;
    }
  };
  await runOrGiveUp('BEGIN');
  let result: Result;
  try {
    result = await work(query);
  } catch (error) {
    // eslint-disable-next-line no-restricted-syntax -- the first error is the one to tell; where the rollback fails too, the session ends
    await runOrGiveUp('ROLLBACK').catch(() => undefined);
    throw error;
  }
  await runOrGiveUp('COMMIT');
  return result;
}

const END_WITHIN_MS = 2_000;

/** Ends a connection within a bound: a server that has stopped answering does not confirm. */
async function endClient(client: pg.Client): Promise<void> {
  // eslint-disable-next-line no-restricted-syntax -- a connection that cannot be ended in good order has ended already
  const ended = client.end().catch(() => undefined);
  await Promise.race([ended, sleep(END_WITHIN_MS, undefined, { ref: false })]);
}
