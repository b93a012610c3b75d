import type { LockSession, Query } from '@weir/store';

/** This process is not the writer of its partition any more, or cannot be sure of it. */
export class DeposedError extends Error {
  override readonly name = 'DeposedError';
}

export interface FenceTiming {
  readonly renewEveryMs: number;
  /** Unconfirmed for this long, it does not write: less than `leaseMs`. */
  readonly stalledAfterMs: number;
  /** Unconfirmed for this long, another process may end its session. */
  readonly leaseMs: number;
}

/** A busy machine stops a process for a second or two without meaning anything by it. */
const STALLED_AFTER_MS_MIN = 3_000;

export function fenceTiming(timeScale: number): FenceTiming {
  const stalledAfterMs = Math.max(STALLED_AFTER_MS_MIN, 5_000 * timeScale);
  return { renewEveryMs: stalledAfterMs / 5, stalledAfterMs, leaseMs: stalledAfterMs + 1_000 };
}

export interface FenceOptions {
  readonly session: LockSession;
  /** Schema of the fences. */
  readonly schema: string;
  readonly partition: number;
  readonly timing: FenceTiming;
}

/**
 * Being the one writer of a partition: an epoch in Postgres, one higher than any before. What is written to Postgres is written under
 * it or not at all; ClickHouse knows no fence, so a writer that was stopped for a while asks before it writes there.
 */
export class Fence {
  private confirmedAt: number;
  private readonly timer: NodeJS.Timeout;

  private constructor(
    private readonly options: FenceOptions,
    readonly epoch: number,
    takenAt: number,
  ) {
    this.confirmedAt = takenAt;
    this.timer = setInterval(() => void this.renew(), options.timing.renewEveryMs);
  }

  /** Deposes whoever was the writer. The session holds the partition's lock. */
  static async take(options: FenceOptions): Promise<Fence> {
    const { session, schema, partition } = options;
    const takenAt = performance.now();
    const [row] = await session.query(
      `INSERT INTO ${schema}.landing_fences AS f (partition, epoch, backend) VALUES ($1, 1, pg_backend_pid())
       ON CONFLICT (partition) DO UPDATE SET epoch = f.epoch + 1, backend = excluded.backend, renewed_at = now()
       RETURNING epoch`,
      [partition],
    );
    return new Fence(options, Number(row?.['epoch']), takenAt);
  }

  /**
   * To be called right before anything is written outside of Postgres.
   *
   * @throws DeposedError where the session has ended, or Postgres has not confirmed the epoch for too long.
   */
  assertHeld(): void {
    const { session, timing } = this.options;
    if (session.lost.aborted) throw new DeposedError('the session that holds the partition has ended');
    const silentMs = performance.now() - this.confirmedAt;
    if (silentMs > timing.stalledAfterMs) throw new DeposedError(`stalled for ${Math.round(silentMs)} ms`);
  }

  /** Makes the transaction fail where another has become the writer, and others wait until it has ended. */
  async hold(query: Query): Promise<void> {
    const { schema, partition } = this.options;
    const rows = await query(`SELECT 1 FROM ${schema}.landing_fences WHERE partition = $1 AND epoch = $2 FOR UPDATE`, [
      partition,
      this.epoch,
    ]);
    if (rows.length === 0) throw new DeposedError(`epoch ${this.epoch} is over`);
  }

  close(): void {
    clearInterval(this.timer);
  }

  private async renew(): Promise<void> {
    const { session, schema, partition } = this.options;
    const askedAt = performance.now();
    try {
      const rows = await session.query(
        `UPDATE ${schema}.landing_fences SET renewed_at = now() WHERE partition = $1 AND epoch = $2 RETURNING 1`,
        [partition, this.epoch],
      );
      if (rows.length > 0) this.confirmedAt = askedAt;
      else this.close();
    } catch {
      // A confirmation that does not come is what `assertHeld` goes by.
    }
  }
}

/**
 * Ends the session of a writer that has not confirmed itself for `leaseMs`, which frees its lock: a process that is stopped, or a machine
 * that is gone without having said so. The session is ended only while it holds the lock.
 */
export async function breakStaleLease(
  query: Query,
  options: { readonly schema: string; readonly partition: number; readonly lock: string; readonly leaseMs: number },
): Promise<void> {
  await query(
    `SELECT pg_terminate_backend(backend) FROM ${options.schema}.landing_fences
     WHERE partition = $1 AND renewed_at < clock_timestamp() - $2 * interval '1 millisecond' AND backend IN (
       SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND granted
         AND ((classid::bigint << 32) | objid::bigint) = hashtextextended($3, 0))`,
    [options.partition, options.leaseMs, options.lock],
  );
}
