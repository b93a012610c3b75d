import type { KvBucketName } from '@weir/contracts';
import type { BusConnection } from '../connection/bus-connection.js';
import { askJetStream, isNotFound, JetStreamError, nanoseconds } from '../jetstream/jetstream-api.js';
import { WatchLoop } from './watch-loop.js';

export interface BucketWatch {
  /** A value, or undefined where the key was deleted. First the current value of every key, then changes as they come. */
  onEntry(key: string, value: unknown, revision: number): void;
  /** The watch is alive: called at least once a second, with each entry and each idle heartbeat. */
  onHeartbeat?(): void;
  /** Everything that the bucket held when the watch (re)started has been passed to `onEntry`. */
  onCaughtUp?(): void;
  /** The watch starts (over), with every key: at first, after a lost message, 3 s of silence, or on a new bucket of the old name (`streamCreated` differs). */
  onRestart?(streamCreated: string): void;
  readonly signal: AbortSignal;
}

/** The bucket does not exist. */
export class BucketMissingError extends Error {
  override readonly name = 'BucketMissingError';
}

export interface BucketOptions {
  /** Create it now where it is missing. Needs the permission. */
  readonly create?: boolean;
  /** Default 1. */
  readonly replicas?: number;
  /** Multiplies the watch's intervals (heartbeat 1 s, recreated after 3 s of silence, retried after 250 ms); default 1. */
  readonly timeScale?: number;
}

const REQUEST_TIMEOUT_MS = 5_000;
const STREAM_NAME_IN_USE = 10_058;

interface PutReply {
  readonly seq?: number;
  readonly error?: { readonly code: number; readonly err_code: number; readonly description: string };
}

/** A NATS key-value bucket (ADR-8) of JSON values. */
export class Bucket {
  private readonly stream: string;

  /** @internal Use {@link openBucket}. */
  constructor(
    private readonly connection: BusConnection,
    readonly name: KvBucketName,
    private readonly options: BucketOptions,
  ) {
    this.stream = `KV_${name}`;
  }

  /** Creates the bucket where it is missing. @returns whether it had to. Throws what JetStream answers. */
  async ensure(): Promise<boolean> {
    try {
      await askJetStream(this.connection, `STREAM.INFO.${this.stream}`);
      return false;
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
    try {
      await askJetStream(this.connection, `STREAM.CREATE.${this.stream}`, this.streamConfig());
      return true;
    } catch (error) {
      // Another process made it between our two requests, with other settings.
      if (error instanceof JetStreamError && error.errorCode === STREAM_NAME_IN_USE) return false;
      throw error;
    }
  }

  /** Writes a value. @returns its revision. Throws {@link BucketMissingError}, or what JetStream answers. */
  async put(key: string, value: object): Promise<number> {
    return this.publish(key, Buffer.from(JSON.stringify(value)));
  }

  /** @returns the value, or undefined where there is none. Throws {@link BucketMissingError}. */
  async get(key: string): Promise<{ value: unknown; revision: number } | undefined> {
    interface Stored {
      readonly message: { readonly seq: number; readonly data?: string; readonly hdrs?: string };
    }
    try {
      const { message } = await askJetStream<Stored>(this.connection, `STREAM.MSG.GET.${this.stream}`, {
        last_by_subj: `$KV.${this.name}.${key}`,
      });
      const isMarker = message.hdrs !== undefined && Buffer.from(message.hdrs, 'base64').includes('KV-Operation');
      if (isMarker || message.data === undefined) return undefined;
      return { value: JSON.parse(Buffer.from(message.data, 'base64').toString('utf8')), revision: message.seq };
    } catch (error) {
      if (!isNotFound(error)) throw error;
      await this.assertExists();
      return undefined;
    }
  }

  /** Leaves a delete marker. Throws {@link BucketMissingError}. */
  async delete(key: string): Promise<void> {
    await this.publish(key, new Uint8Array(0), { 'KV-Operation': 'DEL' });
  }

  /** Watches until the signal aborts; keeps trying while the bucket or the broker is missing. Returns at once. */
  watch(watch: BucketWatch): void {
    void new WatchLoop(this.connection, this.name, watch, this.options.timeScale ?? 1).run();
  }

  private async publish(key: string, value: Uint8Array, headers?: Readonly<Record<string, string>>): Promise<number> {
    try {
      const reply = await this.connection.request(`$KV.${this.name}.${key}`, value, {
        timeoutMs: REQUEST_TIMEOUT_MS,
        ...(headers === undefined ? {} : { headers }),
      });
      const answer = JSON.parse(reply.toString('utf8')) as PutReply;
      if (answer.seq !== undefined) return answer.seq;
      const { code = 500, err_code: errorCode = 0, description = 'no reason given' } = answer.error ?? {};
      throw new JetStreamError(code, errorCode, description);
    } catch (error) {
      // Nobody listens on the bucket's subjects: either it is missing, or all of JetStream is.
      if (!(error instanceof JetStreamError)) await this.assertExists();
      throw error;
    }
  }

  private async assertExists(): Promise<void> {
    try {
      await askJetStream(this.connection, `STREAM.INFO.${this.stream}`);
    } catch (error) {
      if (isNotFound(error)) throw new BucketMissingError(`there is no bucket ${this.name}`, { cause: error });
      throw error;
    }
  }

  private streamConfig(): object {
    return {
      name: this.stream,
      subjects: [`$KV.${this.name}.>`],
      retention: 'limits',
      storage: 'file',
      discard: 'new',
      max_msgs: -1,
      max_bytes: -1,
      max_age: 0,
      max_msgs_per_subject: 1,
      max_msg_size: -1,
      max_consumers: -1,
      num_replicas: this.options.replicas ?? 1,
      duplicate_window: nanoseconds(120_000),
      deny_delete: true,
      allow_rollup_hdrs: true,
      allow_direct: true,
    };
  }
}

/** With `create`, throws what JetStream answers where the bucket cannot be made. Without, does no I/O. */
export async function openBucket(
  connection: BusConnection,
  name: KvBucketName,
  options: BucketOptions = {},
): Promise<Bucket> {
  const bucket = new Bucket(connection, name, options);
  if (options.create) await bucket.ensure();
  return bucket;
}
