import { openBucket, type BusConnection } from '@weir/bus';
import {
  COMPLETE_KEY,
  type CatalogRecord,
  type CredentialRecord,
  type KeyRecord,
  type KvBucketName,
  type ModelRecord,
  type PriceRecord,
  type ProviderRecord,
} from '@weir/contracts';
import { CatalogIndex } from './catalog-index.js';
import { Freshness, type CatalogState } from './freshness.js';

export interface CatalogOptions {
  readonly connection: BusConnection;
  /** `catalog`, and where permitted `prices` and `credentials`. */
  readonly buckets: readonly KvBucketName[];
  readonly clock: { now(): number };
  /** Silence of a watch after which the state is `stale`. 10 s at scale 1. */
  readonly staleAfterMs: number;
  /** Multiplies the watch's own intervals; default 1. */
  readonly timeScale?: number;
  /** A record that cannot be read: it is ignored. */
  readonly onError?: (error: Error) => void;
}

/** The configuration in memory, indexed. Lookups are synchronous and constant work; records are shared: do not change them. */
export class Catalog {
  private readonly index = new CatalogIndex();
  private readonly freshness: Freshness;
  private readonly listeners = new Set<() => void>();
  private readonly abort = new AbortController();
  private readonly timer: NodeJS.Timeout;
  private lastState: CatalogState = 'loading';
  private isTelling = false;

  /** @internal Use {@link openCatalog}. */
  constructor(private readonly options: CatalogOptions) {
    this.freshness = new Freshness(options.buckets, options.staleAfterMs);
    this.timer = setInterval(() => this.noticeState(), Math.max(5, options.staleAfterMs / 20));
    this.timer.unref();
  }

  state(): CatalogState {
    return this.freshness.state(performance.now());
  }

  /** By HMAC: one look into a map, whether the key exists or not. */
  findKey(hmac: string): KeyRecord | undefined {
    return this.index.findKey(hmac);
  }

  /** By its own name, else by alias: exact before wildcard, longer wildcard before shorter. */
  findModel(name: string): ModelRecord | undefined {
    return this.index.findModel(name);
  }

  /** All models, by name. */
  models(): readonly ModelRecord[] {
    return this.index.models();
  }

  provider(id: string): ProviderRecord | undefined {
    return this.index.provider(id);
  }

  /** The sealed credential of a provider for an origin; without one, any of the provider's. */
  credential(providerId: string, origin?: string): CredentialRecord | undefined {
    return this.index.credential(providerId, origin);
  }

  /** The newest version of a price valid at `at`, milliseconds since the epoch: the region's own, else the one for all. */
  priceFor(key: string, at: number, region?: string): PriceRecord | undefined {
    return this.index.priceFor(key, at, region);
  }

  price(priceVersion: string): PriceRecord | undefined {
    return this.index.price(priceVersion);
  }

  /** Every record of bucket `catalog` but tombstones and the marker. */
  entries(): Iterable<CatalogRecord> {
    return this.index.entries();
  }

  /** Calls `listener` once per turn in which records or the state changed. @returns a function that removes it. */
  onChange(listener: () => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  close(): void {
    this.abort.abort();
    clearInterval(this.timer);
    this.listeners.clear();
  }

  /** @internal */
  async follow(name: KvBucketName): Promise<void> {
    const { connection, timeScale = 1 } = this.options;
    const bucket = await openBucket(connection, name, { timeScale });
    bucket.watch({
      signal: this.abort.signal,
      onEntry: (key, value) => this.apply(name, key, value),
      onHeartbeat: () => this.freshness.heard(name, performance.now()),
      onCaughtUp: () => this.onWhole(name, this.freshness.caughtUp(name)),
      onRestart: () => this.freshness.restarted(name),
    });
  }

  private apply(bucket: KvBucketName, key: string, value: unknown): void {
    const result = this.index.apply(bucket, key, value, this.freshness.run(bucket));
    if (result.kind === 'fault') return this.options.onError?.(result.error);
    if (key === COMPLETE_KEY && value !== undefined) this.onWhole(bucket, this.freshness.marked(bucket));
    if (result.kind === 'applied') this.tell();
  }

  /** The bucket has been read as a whole: what it did not show is gone. Until then what was known before stays in force. */
  private onWhole(bucket: KvBucketName, isWhole: boolean): void {
    if (!isWhole) return;
    this.freshness.heard(bucket, performance.now());
    this.index.dropUnseen(bucket, this.freshness.run(bucket));
    this.tell();
  }

  private noticeState(): void {
    if (this.state() !== this.lastState) this.tell();
  }

  private tell(): void {
    this.lastState = this.state();
    if (this.isTelling) return;
    this.isTelling = true;
    setImmediate(() => {
      this.isTelling = false;
      for (const listener of [...this.listeners]) listener();
    });
  }
}

/** Starts reading and returns at once, in state `loading`; needs neither the bucket nor the broker to be there. */
export async function openCatalog(options: CatalogOptions): Promise<Catalog> {
  const catalog = new Catalog(options);
  for (const name of options.buckets) await catalog.follow(name);
  return catalog;
}
