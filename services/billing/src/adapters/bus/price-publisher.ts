import { setTimeout as sleep } from 'node:timers/promises';
import { BucketMissingError, openBucket, type Bucket, type BusConnection } from '@weir/bus';
import { COMPLETE_KEY, KV_BUCKETS, kvKey, type PriceRecord } from '@weir/contracts';
import type { Logger } from '@weir/kit';

export interface PricePublisherOptions {
  readonly connection: BusConnection;
  readonly logger: Logger;
  readonly timeScale: number;
}

/** How often it looks whether the bucket is still whole: a broker that lost its disk has none. */
const CHECK_EVERY_MS = 5_000;
const RETRY_MS = 1_000;

/**
 * Keeps the bucket `prices` equal to the price book, for ingress and providers, and rebuilds it where it is gone. The complete marker
 * is written last, so that nobody takes half a price book for a whole one.
 */
export class PricePublisher {
  private readonly stop = new AbortController();
  private running: Promise<void> | undefined;
  private failure: string | undefined = 'nothing published yet';

  constructor(private readonly options: PricePublisherOptions) {}

  start(records: readonly PriceRecord[]): void {
    this.running ??= this.run(records);
  }

  state(): { ok: boolean; detail: string } {
    return { ok: this.failure === undefined, detail: this.failure ?? 'published' };
  }

  async close(): Promise<void> {
    this.stop.abort(new Error('closing'));
    await this.running;
  }

  private async run(records: readonly PriceRecord[]): Promise<void> {
    const { connection, logger, timeScale } = this.options;
    while (!this.stop.signal.aborted) {
      let pauseMs = CHECK_EVERY_MS * timeScale;
      try {
        const bucket = await openBucket(connection, KV_BUCKETS.prices, { create: true, timeScale });
        const published = await publishMissing(bucket, records);
        if (published > 0) logger.info({ published }, 'prices published');
        this.failure = undefined;
      } catch (error) {
        const detail = error instanceof Error ? error.message : String(error);
        // A bucket that vanished in the middle is made anew in the next round.
        if (this.failure !== detail && !(error instanceof BucketMissingError)) {
          logger.warn({ err: error }, 'prices cannot be published');
        }
        this.failure = detail;
        pauseMs = RETRY_MS * timeScale;
      }
      // eslint-disable-next-line no-restricted-syntax -- it only fails when it is told to stop, which the loop sees
      await sleep(pauseMs, undefined, { signal: this.stop.signal }).catch(() => undefined);
    }
  }
}

/** Writes what the bucket lacks; returns how many prices that were. */
async function publishMissing(bucket: Bucket, records: readonly PriceRecord[]): Promise<number> {
  const marker = await bucket.get(COMPLETE_KEY);
  if (isMarkerOf(marker?.value, records.length)) return 0;
  let published = 0;
  for (const record of records) {
    const key = kvKey(record.kind, record.priceVersion);
    // A version never changes, so one that is there is the same.
    if (await bucket.get(key)) continue;
    await bucket.put(key, record);
    published++;
  }
  await bucket.put(COMPLETE_KEY, { kind: 'complete', version: records.length, records: records.length });
  return published;
}

function isMarkerOf(value: unknown, count: number): boolean {
  return typeof value === 'object' && value !== null && 'records' in value && value.records === count;
}
