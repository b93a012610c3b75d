import type { BusConnection } from '@weir/bus';
import type {
  CatalogRecord,
  CredentialRecord,
  KeyRecord,
  KvBucketName,
  ModelRecord,
  PriceRecord,
  ProviderRecord,
} from '@weir/contracts';

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

/**
 * `loading`: some bucket was not read to its end yet, or `catalog` lacks its `complete` marker: answer 503, never 401.
 * `stale`: no heartbeat for `staleAfterMs`: admit nothing. `ready`: admit.
 */
export type CatalogState = 'loading' | 'ready' | 'stale';

/** The configuration in memory, indexed. Lookups are synchronous and constant work; records are shared: do not change them. */
export interface Catalog {
  state(): CatalogState;
  findKey(hmac: string): KeyRecord | undefined;
  /** By its own name, else by alias: exact before wildcard, longer wildcard before shorter. */
  findModel(name: string): ModelRecord | undefined;
  models(): readonly ModelRecord[];
  provider(id: string): ProviderRecord | undefined;
  credential(providerId: string): CredentialRecord | undefined;
  /** The newest version of a price valid at `at` (milliseconds since the epoch). */
  priceFor(key: string, at: number): PriceRecord | undefined;
  price(priceVersion: string): PriceRecord | undefined;
  /** Every record of bucket `catalog` but tombstones and the marker. */
  entries(): Iterable<CatalogRecord>;
  /** Calls `listener` after each change of records or state. @returns a function that removes it. */
  onChange(listener: () => void): () => void;
  close(): void;
}

/** Starts reading and returns at once, in state `loading`; needs neither the bucket nor the broker to be there. */
export function openCatalog(options: CatalogOptions): Promise<Catalog> {
  throw new Error(`not built yet ${options.staleAfterMs}`);
}
