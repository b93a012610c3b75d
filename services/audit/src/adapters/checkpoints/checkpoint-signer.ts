import { setTimeout as sleep } from 'node:timers/promises';
import type { Clock, Health, Logger } from '@weir/kit';
import { acquireLock, type LockSession, type StoreAddress } from '@weir/store';
import { signCheckpoint } from '@weir/translog';
import { chooseSigners, nextCheckpoint, originOf } from '../../domain/next-checkpoint.js';
import { appendCheckpoints, findLastCheckpoint, type SignedCheckpoint } from '../files/checkpoint-folder.js';
import { loadLogKeys } from '../files/log-key-file.js';
import { findLastNote, readVerifierKeys, saveCheckpoints, saveVerifierKey } from '../store/checkpoint-store.js';
import { readHead } from '../store/log-head-store.js';

export interface CheckpointSignerOptions {
  readonly store: StoreAddress;
  readonly keyFile: string;
  readonly folder: string;
  /** Partitions of events; each has a log of its own. */
  readonly partitions: number;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly health: Health;
  /** Multiplies every interval. */
  readonly timeScale: number;
}

/** Below the 60 s that are promised, by more than a round takes. */
const INTERVAL_MS = 50_000;
const RETRY_MS = 2_000;

/**
 * Signs each partition's log at least every 60 s, also when nothing has landed, so that a tail that was cut off shows. One process of an
 * installation does, under a lock. A checkpoint is in the folder before it is in Postgres, and what a crash left in the folder alone is
 * taken over: so Postgres never lacks what the folder has.
 */
export class CheckpointSigner {
  private readonly stop = new AbortController();
  private running: Promise<void> | undefined;
  private session: LockSession | undefined;
  private failure: string | undefined;

  constructor(private readonly options: CheckpointSignerOptions) {
    options.health.register('checkpoints', () => ({
      ok: this.failure === undefined,
      detail: this.failure ?? 'signed',
    }));
  }

  /** Starts to sign; the schema must be there. */
  start(): void {
    this.running ??= this.run();
  }

  /** Signs what has landed since the last round, once, and ends. */
  async close(): Promise<void> {
    this.stop.abort(new Error('closing'));
    await this.running;
    try {
      if (this.session && !this.session.lost.aborted) await this.signRound(this.session);
    } catch (error) {
      this.fail(error);
    }
    await this.session?.close();
  }

  private async run(): Promise<void> {
    const { timeScale } = this.options;
    while (!this.isStopped()) {
      try {
        await this.signRound(await this.becomeSigner());
        this.recover();
        await this.pause(INTERVAL_MS * timeScale);
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

  private async becomeSigner(): Promise<LockSession> {
    if (this.session && !this.session.lost.aborted) return this.session;
    await this.session?.close();
    this.session = undefined;
    const { store, timeScale, partitions, folder } = this.options;
    const session = await acquireLock({
      ...store,
      name: 'weir:audit:checkpoints',
      signal: this.stop.signal,
      retryMs: RETRY_MS * timeScale,
      onError: (error) => this.fail(error),
      // Another process signs.
      onHeld: () => this.recover(),
    });
    this.session = session;
    for (let partition = 0; partition < partitions; partition++) {
      const last = await findLastCheckpoint(folder, partition);
      if (last) await saveCheckpoints(session.query, [last]);
    }
    return session;
  }

  private async signRound(session: LockSession): Promise<void> {
    const { keyFile, folder, partitions, clock } = this.options;
    const keys = loadLogKeys(keyFile);
    const { signers, extensions, added } = chooseSigners(keys, await readVerifierKeys(session.query));
    const name = signers[0]?.name ?? '';
    const signed: SignedCheckpoint[] = [];
    for (let partition = 0; partition < partitions; partition++) {
      const now = clock.now();
      const checkpoint = nextCheckpoint({
        origin: originOf(name, partition),
        head: await readHead(session.query, partition),
        previous: await findLastNote(session.query, partition),
        now,
        extensions,
      });
      signed.push({ partition, signedAt: now, size: checkpoint.size, note: signCheckpoint(checkpoint, signers) });
    }
    await appendCheckpoints(folder, signed);
    await session.transaction(async (query) => {
      if (added) await saveVerifierKey(query, added.verifierKey, clock.now());
      await saveCheckpoints(query, signed);
    });
    if (added) this.options.logger.info({ key: added.verifierKey }, 'the log is signed with a new key');
  }

  /** Tells the first failure of a row. */
  private fail(error: unknown): void {
    if (this.failure === undefined) this.options.logger.error({ err: error }, 'checkpoints wait');
    this.failure = error instanceof Error ? error.message : String(error);
  }

  private recover(): void {
    if (this.failure !== undefined) this.options.logger.info('checkpoints go on');
    this.failure = undefined;
  }

  private async pause(ms: number): Promise<void> {
    // eslint-disable-next-line no-restricted-syntax -- it only fails when it is aborted, which the caller looks at
    await sleep(ms, undefined, { signal: this.stop.signal }).catch(() => undefined);
  }
}
