import { setTimeout as sleep } from 'node:timers/promises';
import { BucketMissingError, openBucket, type Bucket, type BusConnection } from '@weir/bus';
import { COMPLETE_KEY, KV_BUCKETS, kvKey, type PriceRecord } from '@weir/contracts';
import type { Logger } from '@weir/kit';

export interface PricePublisherOptions {
  readonly connection: BusConnection;
  readonly logger: Logger;
  readonly timeScale: number;
}

/** How often it looks for new versions, and whether the bucket is still whole: a broker that lost its disk has none. */
const CHECK_EVERY_MS = 5_000;
const RETRY_MS = 1_000;
const LOOKS_BEFORE_PUBLISHING = 3;

/**
 * Keeps the bucket `prices` equal to the price book, for ingress and providers, and rebuilds it where it is gone. The complete marker
 * is written last, so that nobody takes half a price book for a whole one. A version that comes while billing runs is published two looks
 * after it was first seen: by then every other billing process knows it too, and can charge what is admitted at it.
 */
export class PricePublisher {
  private readonly stop = new AbortController();
  private running: Promise<void> | undefined;
  private failure: string | undefined = 'nothing published yet';
  /** In how many looks each version was there. */
  private readonly looks = new Map<string, number>();

  constructor(private readonly options: PricePublisherOptions) {}

  /** Publishes these at once, and what `load` gives later: every version there is, as of now. */
  start(records: readonly PriceRecord[], load: () => Promise<readonly PriceRecord[]>): void {
    if (this.running) return;
    for (const { priceVersion } of records) this.looks.set(priceVersion, LOOKS_BEFORE_PUBLISHING);
    this.running = this.run(records, load);
  }

  state(): { ok: boolean; detail: string } {
    return { ok: this.failure === undefined, detail: this.failure ?? 'published' };
  }

  async close(): Promise<void> {
    this.stop.abort(new Error('closing'));
    await this.running;
  }

  private async run(first: readonly PriceRecord[], load: () => Promise<readonly PriceRecord[]>): Promise<void> {
    const { connection, logger, timeScale } = this.options;
    let known = first;
    while (!this.stop.signal.aborted) {
      let pauseMs = CHECK_EVERY_MS * timeScale;
      known = await this.look(known, load);
      try {
        const records = known.filter((record) => (this.looks.get(record.priceVersion) ?? 0) >= LOOKS_BEFORE_PUBLISHING);
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

  /** Every version there is; while Postgres is down those known before, since the bucket must be kept whole all the same. */
  private async look(
    known: readonly PriceRecord[],
    load: () => Promise<readonly PriceRecord[]>,
  ): Promise<readonly PriceRecord[]> {
    try {
      const records = await load();
      for (const { priceVersion } of records) this.looks.set(priceVersion, (this.looks.get(priceVersion) ?? 0) + 1);
      return records;
    } catch (error) {
      this.options.logger.warn({ err: error }, 'prices cannot be read; keeping those known');
      return known;
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

/** A marker of more is another process's, which has seen a new version first. */
function isMarkerOf(value: unknown, count: number): boolean {
  return typeof value === 'object' && value !== null && 'records' in value && Number(value.records) >= count;
}
