import { openBucket, type BusConnection, type Bucket } from '@weir/bus';
import { COMPLETE_KEY } from '@weir/contracts';
import { startOutboxRelay, type OutboxEntry, type OutboxRelay } from '@weir/store';
import { CatalogStore, PROJECTED_BUCKETS } from '../store/catalog.store.js';

export interface ProjectionOptions {
  readonly connection: BusConnection;
  readonly store: CatalogStore;
  readonly postgresUrl: string;
  /** How often the buckets are looked for; a missing one is made again and filled. */
  readonly checkEveryMs: number;
  readonly onError: (error: unknown) => void;
}

/** Carries the catalog from Postgres to the bus: changes by the outbox, and all of it again where a bucket has been lost. */
export class CatalogProjection {
  private readonly buckets = new Map<string, Bucket>();
  private relay: OutboxRelay | undefined;
  private timer: NodeJS.Timeout | undefined;
  private checking: Promise<void> | undefined;

  constructor(private readonly options: ProjectionOptions) {}

  /** Opens the buckets, fills those that are new, and starts the relay. Throws where the bus cannot be used. */
  async start(): Promise<void> {
    await this.checkBuckets();
    this.relay = startOutboxRelay({
      url: this.options.postgresUrl,
      schema: 'control',
      publish: (entry) => this.publish(entry),
      onError: this.options.onError,
    });
    this.timer = setInterval(() => {
      this.checking ??= this.checkBuckets()
        .catch(this.options.onError)
        .finally(() => {
          this.checking = undefined;
        });
    }, this.options.checkEveryMs);
  }

  async close(): Promise<void> {
    clearInterval(this.timer);
    await this.checking;
    await this.relay?.close();
  }

  /** A bucket without its marker was never filled, or was lost with the broker's disk: its records are sent again. */
  private async checkBuckets(): Promise<void> {
    for (const name of PROJECTED_BUCKETS) {
      const bucket = this.buckets.get(name) ?? (await openBucket(this.options.connection, name, { create: true }));
      this.buckets.set(name, bucket);
      await bucket.ensure();
      if ((await bucket.get(COMPLETE_KEY)) === undefined) await this.options.store.resend(name);
    }
  }

  private async publish(entry: OutboxEntry): Promise<void> {
    const bucket = this.buckets.get(entry.topic);
    if (!bucket) throw new Error(`the outbox names an unknown bucket "${entry.topic}"`);
    await bucket.put(entry.key, entry.payload);
  }
}
