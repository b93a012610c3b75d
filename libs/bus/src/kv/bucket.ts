import type { KvBucketName } from '@weir/contracts';
import type { BusConnection } from '../connection/bus-connection.js';

export interface BucketWatch {
  /** A value, or undefined where the key was deleted. First the current value of every key, then changes as they come. */
  onEntry(key: string, value: unknown, revision: number): void;
  /** The watch is alive: called at least once a second, with each entry and each idle heartbeat. */
  onHeartbeat?(): void;
  /** Everything that the bucket held when the watch (re)started has been passed to `onEntry`. */
  onCaughtUp?(): void;
  /** The watch starts over, with every key: after a lost message, 3 s of silence, or a new bucket under the old name (`streamCreated` differs). */
  onRestart?(streamCreated: string): void;
  readonly signal: AbortSignal;
}

/** The bucket does not exist. */
export class BucketMissingError extends Error {
  override readonly name = 'BucketMissingError';
}

/** A NATS key-value bucket of JSON values. */
export interface Bucket {
  readonly name: string;
  /** Creates the bucket where it is missing. @returns whether it had to. */
  ensure(): Promise<boolean>;
  /** Writes a value. @returns its revision. Throws {@link BucketMissingError}. */
  put(key: string, value: object): Promise<number>;
  /** @returns the value, or undefined where there is none. Throws {@link BucketMissingError}. */
  get(key: string): Promise<{ value: unknown; revision: number } | undefined>;
  /** Leaves a delete marker. Throws {@link BucketMissingError}. */
  delete(key: string): Promise<void>;
  /** Watches until the signal aborts; keeps trying while the bucket or the broker is missing. Returns at once. */
  watch(watch: BucketWatch): void;
}

export interface BucketOptions {
  /** Create it now where it is missing. Needs the permission. */
  readonly create?: boolean;
  readonly replicas?: number;
  /** Multiplies the watch's intervals (heartbeat 1 s, recreated after 3 s of silence, retry 250 ms); default 1. */
  readonly timeScale?: number;
}

export function openBucket(connection: BusConnection, name: KvBucketName, options?: BucketOptions): Promise<Bucket> {
  throw new Error(`not built yet ${connection.status} ${name} ${options?.create}`);
}
