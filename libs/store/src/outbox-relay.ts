import { setTimeout as sleep } from 'node:timers/promises';
import type { StoreAddress } from './connection.js';
import { acquireLock, type LockSession } from './lock-session.js';
import { outboxChannel, type OutboxEntry } from './outbox.js';

export interface OutboxRelayOptions extends StoreAddress {
  /** Publishes one entry; resolves when it has arrived. A repeat must do no harm: an entry goes out at least once. */
  readonly publish: (entry: OutboxEntry) => Promise<void>;
  /** Looks again this often where no notification came; 1,000 ms by default. */
  readonly pollMs?: number;
  /** Told of each failure; the relay goes on by itself. */
  readonly onError: (error: unknown) => void;
}

export interface OutboxRelay {
  /** Finishes the entry in hand and stops. */
  close(): Promise<void>;
}

const BATCH = 200;
const KEEP_SENT = '7 days';
const RETRY_MS_MAX = 5_000;

/**
 * Publishes a schema's outbox in order, one relay at a time over all processes. An entry that cannot be published holds back those
 * behind it and is tried again, at the latest every 5 s.
 */
export function startOutboxRelay(options: OutboxRelayOptions): OutboxRelay {
  const stop = new AbortController();
  const running = relayUntilStopped(options, stop.signal);
  return {
    close: async () => {
      stop.abort();
      await running;
    },
  };
}

async function relayUntilStopped(options: OutboxRelayOptions, stop: AbortSignal): Promise<void> {
  const isStopped = (): boolean => stop.aborted;
  let failures = 0;
  while (!isStopped()) {
    try {
      await relayAsHolder(options, stop, () => (failures = 0));
    } catch (error) {
      if (isStopped()) return;
      options.onError(error);
      const pause = Math.min(RETRY_MS_MAX, 100 * 2 ** failures++);
      // eslint-disable-next-line no-restricted-syntax -- the only way this wait fails is the stop, which the loop sees
      await sleep(pause, undefined, { signal: stop }).catch(() => undefined);
    }
  }
}

async function relayAsHolder(options: OutboxRelayOptions, stop: AbortSignal, onSent: () => void): Promise<void> {
  const session = await acquireLock({
    ...options,
    name: `weir:outbox-relay:${options.schema}`,
    signal: stop,
  });
  const bell = createBell();
  try {
    await session.listen(outboxChannel(options.schema), bell.ring);
    while (!stop.aborted) {
      session.lost.throwIfAborted();
      const sent = await sendWaiting(session, options, stop);
      if (sent > 0) onSent();
      if (sent < BATCH) await bell.wait(options.pollMs ?? 1_000, AbortSignal.any([stop, session.lost]));
    }
  } finally {
    await session.close();
  }
}

async function sendWaiting(session: LockSession, options: OutboxRelayOptions, stop: AbortSignal): Promise<number> {
  const rows = await session.query(
    'SELECT id, topic, key, payload FROM outbox WHERE sent_at IS NULL ORDER BY id LIMIT $1',
    [BATCH],
  );
  const sent: string[] = [];
  try {
    for (const row of rows as unknown as OutboxEntry[]) {
      if (stop.aborted) break;
      await options.publish(row);
      sent.push(row.id);
    }
  } finally {
    if (sent.length > 0) {
      await session.query('UPDATE outbox SET sent_at = now() WHERE id = ANY($1::bigint[])', [sent]);
      await session.query(`DELETE FROM outbox WHERE sent_at < now() - interval '${KEEP_SENT}'`);
    }
  }
  return sent.length;
}

/** Wakes one waiter; a ring while nobody waits is kept for the next wait. */
function createBell(): { ring: () => void; wait: (withinMs: number, signal: AbortSignal) => Promise<void> } {
  let rung = false;
  let wake: (() => void) | undefined;
  return {
    ring: () => {
      rung = true;
      wake?.();
    },
    wait: (withinMs, signal) =>
      new Promise((resolve) => {
        const done = (): void => {
          clearTimeout(timer);
          signal.removeEventListener('abort', done);
          wake = undefined;
          rung = false;
          resolve();
        };
        const timer = setTimeout(done, withinMs);
        signal.addEventListener('abort', done, { once: true });
        wake = done;
        if (rung || signal.aborted) done();
      }),
  };
}
