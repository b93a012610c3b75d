import { setTimeout as sleep } from 'node:timers/promises';
import type { Clock, Health, Logger } from '@weir/kit';
import { acquireLock, type LockSession, type StoreAddress } from '@weir/store';
import type { Warehouse } from '@weir/warehouse';
import { findGaps, nameOfGap, type Gap } from '../../domain/find-gaps.js';
import { readEpochEnds, readLandedEpochs, readOpenGaps, writeGaps } from './security-event-store.js';

export interface GapWatchOptions {
  readonly store: StoreAddress;
  readonly warehouse: Warehouse;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly health: Health;
  /** Multiplies every interval. */
  readonly timeScale: number;
}

const LOOK_EVERY_MS = 15_000;
/** What has not come for this long is missing: a producer sends again what did not land after 30 s. */
const MISSING_AFTER_MS = 60_000;
const RETRY_MS = 2_000;

/**
 * Looks for events that producers have recorded and that do not come, and writes each gap down as a security event, and again when it is
 * closed. One process of an installation does, under a lock.
 */
export class GapWatch {
  private readonly stop = new AbortController();
  private running: Promise<void> | undefined;
  private session: LockSession | undefined;
  private failure: string | undefined;
  /** When each gap was first seen, by name. */
  private readonly seenAt = new Map<string, number>();
  private written: Map<string, Gap> | undefined;

  constructor(private readonly options: GapWatchOptions) {
    options.health.register('gaps', () => ({ ok: this.failure === undefined, detail: this.failure ?? 'watched' }));
  }

  /** Starts to look; the schemas must be there. */
  start(): void {
    this.running ??= this.run();
  }

  async close(): Promise<void> {
    this.stop.abort(new Error('closing'));
    await this.running;
    await this.session?.close();
  }

  private async run(): Promise<void> {
    const { timeScale } = this.options;
    while (!this.isStopped()) {
      try {
        await this.look(await this.becomeWatch());
        this.failure = undefined;
        await this.pause(LOOK_EVERY_MS * timeScale);
      } catch (error) {
        if (this.isStopped()) return;
        this.fail(error);
        await this.pause(RETRY_MS * timeScale);
      }
    }
  }

  private isStopped(): boolean {
    return this.stop.signal.aborted;
  }

  private async becomeWatch(): Promise<LockSession> {
    if (this.session && !this.session.lost.aborted) return this.session;
    await this.session?.close();
    this.session = undefined;
    this.written = undefined;
    const { store, timeScale } = this.options;
    this.session = await acquireLock({
      ...store,
      name: 'weir:audit:gaps',
      signal: this.stop.signal,
      retryMs: RETRY_MS * timeScale,
      onError: (error) => this.fail(error),
      // Another process looks.
      onHeld: () => (this.failure = undefined),
    });
    return this.session;
  }

  private async look({ query }: LockSession): Promise<void> {
    const { warehouse, clock, logger } = this.options;
    const now = clock.now();
    this.written ??= new Map(await readOpenGaps(warehouse));
    const { written } = this;
    // The ends first: what lands meanwhile can only close a gap.
    const ends = await readEpochEnds(warehouse);
    const gaps = new Map(findGaps(await readLandedEpochs(query), ends).map((gap) => [nameOfGap(gap), gap]));
    const found = [...gaps].filter(([name]) => !written.has(name) && this.isOverdue(name, now));
    const closed = [...written].filter(([name]) => !gaps.has(name));
    for (const name of this.seenAt.keys()) if (!gaps.has(name)) this.seenAt.delete(name);
    await writeGaps(
      warehouse,
      found.map(([, gap]) => gap),
      { state: 'found', at: now },
    );
    await writeGaps(
      warehouse,
      closed.map(([, gap]) => gap),
      { state: 'closed', at: now },
    );
    for (const [name, gap] of found) {
      written.set(name, gap);
      logger.error({ gap }, 'events of a producer are missing from the record');
    }
    for (const [name, gap] of closed) {
      written.delete(name);
      logger.info({ gap }, 'a gap of the record is closed');
    }
  }

  private isOverdue(name: string, now: number): boolean {
    const since = this.seenAt.get(name) ?? now;
    this.seenAt.set(name, since);
    return now - since >= MISSING_AFTER_MS * this.options.timeScale;
  }

  /** Tells the first failure of a row. */
  private fail(error: unknown): void {
    if (this.failure === undefined) this.options.logger.warn({ err: error }, 'gaps are not looked for');
    this.failure = error instanceof Error ? error.message : String(error);
  }

  private async pause(ms: number): Promise<void> {
    // eslint-disable-next-line no-restricted-syntax -- it only fails when it is aborted, which the caller looks at
    await sleep(ms, undefined, { signal: this.stop.signal }).catch(() => undefined);
  }
}
