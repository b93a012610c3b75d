import { setTimeout as sleep } from 'node:timers/promises';
import type { OpenSum } from '@weir/contracts';
import type { Logger } from '@weir/kit';
import type { Query } from '@weir/store';
import type { BillingDatabase } from './billing-database.js';
import { LedgerStopped, type Closer } from './closer.js';
import { sumOpen } from './set-aside.store.js';

export interface ClosingClockOptions {
  readonly closer: Closer;
  readonly database: BillingDatabase;
  readonly logger: Logger;
  readonly timeScale: number;
  /** Told after each look: whether what was due could be closed, and what is set aside where that could be read. */
  readonly onLook: (look: { readonly isClosed: boolean; readonly open?: OpenSum }) => void;
}

const LOOK_EVERY_MS = 60_000;

/**
 * Closes each hour by itself. What cannot be closed does not stop landing: it is told, and closed when the cause is gone. Several billing processes may run one each: whoever is first
 * closes, the others find nothing to do.
 */
export class ClosingClock {
  private readonly stop = new AbortController();
  private running: Promise<void> | undefined;
  private failure: string | undefined;

  constructor(private readonly options: ClosingClockOptions) {}

  start(): void {
    this.running ??= this.run();
  }

  async close(): Promise<void> {
    this.stop.abort(new Error('closing'));
    this.options.closer.stop();
    await this.running;
  }

  private async run(): Promise<void> {
    const { closer, database, logger, timeScale, onLook } = this.options;
    while (!this.stop.signal.aborted) {
      try {
        const query: Query = (sql, parameters) => database.query(sql, parameters);
        if (await closer.isDue(query)) {
          const { amountPico, ...done } = await closer.close('the clock', false);
          if (done.hours > 0) logger.info({ ...done, amountPico }, 'hours closed');
          if (done.faults + done.conflicts > 0) logger.error(done, 'attempts are set aside: see weir billing open');
        }
        this.failure = undefined;
        onLook({ isClosed: true, open: await sumOpen(query) });
      } catch (error) {
        if (error instanceof LedgerStopped) return;
        const detail = error instanceof Error ? error.message : String(error);
        if (this.failure !== detail) logger.error({ err: error }, 'hours cannot be closed');
        this.failure = detail;
        onLook({ isClosed: false });
      }
      // eslint-disable-next-line no-restricted-syntax -- it only fails when it is told to stop, which the loop sees
      await sleep(LOOK_EVERY_MS * timeScale, undefined, { signal: this.stop.signal }).catch(() => undefined);
    }
  }
}
