import type { BusConnection } from '../connection/bus-connection.js';
import type { BusMessage, BusSubscription } from '../connection/bus-message.js';
import { askJetStream, findDelivery, getStreamInfo, isNotFound, nanoseconds } from '../jetstream/jetstream-api.js';

/** One JetStream message: some lines of one producer's journal. */
export interface StreamBatch {
  readonly streamSequence: number;
  /** Creation time of the stream it was read from, ISO 8601: part of every stored position. */
  readonly streamCreated: string;
  readonly subject: string;
  /** NDJSON, each line ending with a newline. A view: may be kept, never written. */
  readonly payload: Buffer;
  /** 1 for the first delivery. */
  readonly deliveries: number;
  /** It has landed. Fire and forget: a lost acknowledgement means it is delivered again. */
  ack(): void;
  /** Deliver it again, after `delayMs`. */
  nak(delayMs?: number): void;
}

export interface StreamReaderOptions {
  readonly connection: BusConnection;
  readonly stream: string;
  /** Name of the durable consumer, one per sink. Created where it is missing. */
  readonly durable: string;
  /** A batch not acknowledged within this is delivered again. Default 30 s. */
  readonly ackWaitMs?: number;
  /** Batches delivered and not acknowledged at most. Default 1000. */
  readonly ackPendingMax?: number;
}

/** The stream does not exist. */
export class StreamMissingError extends Error {
  override readonly name = 'StreamMissingError';
}

/** Throws {@link StreamMissingError} where the stream does not exist. */
export async function openStreamReader(options: StreamReaderOptions): Promise<StreamReader> {
  const reader = new StreamReader(options);
  try {
    await reader.open();
  } catch (error) {
    await reader.close();
    throw error;
  }
  return reader;
}

/** After the first message of a fetch: how long others that are already on their way are waited for. */
const GATHER_MS = 5;

/** Reads one event stream as one durable consumer. Messages that arrive after a fetch has returned wait for the next one. */
export class StreamReader {
  private readonly inbox: string;
  private readonly subscription: BusSubscription;
  private buffer: StreamBatch[] = [];
  /** Messages the broker may still send for the request that is under way, and when that request is over. */
  private expected = 0;
  private expiresAt = 0;
  private streamCreated = '';
  private isLost = false;
  private wake: (() => void) | undefined;

  /** @internal Use {@link openStreamReader}. */
  constructor(private readonly options: StreamReaderOptions) {
    this.inbox = options.connection.createInbox();
    this.subscription = options.connection.subscribe(this.inbox, (message) => this.onMessage(message));
  }

  /** Creation time of the stream, ISO 8601. Changes when the stream was recreated: stored positions of the old one mean nothing then. */
  get created(): string {
    return this.streamCreated;
  }

  /**
   * Up to `max` batches, oldest first; waits up to `expiresMs` for the first, then takes what is there. Empty where none came. A
   * stream or consumer that is gone is looked for (and the consumer created) again: throws {@link StreamMissingError}, or what
   * JetStream answers, where that fails. Throws the signal's reason when it aborts. One fetch at a time.
   */
  async fetch(max: number, expiresMs: number, signal?: AbortSignal): Promise<StreamBatch[]> {
    signal?.throwIfAborted();
    if (this.isLost) await this.open();
    if (this.buffer.length === 0) {
      this.request(max, expiresMs);
      const hasArrived = await this.arrival(1, expiresMs, signal);
      if (hasArrived) await this.arrival(max, GATHER_MS, signal);
    }
    signal?.throwIfAborted();
    return this.buffer.splice(0, max);
  }

  /** What was received and not fetched is given back. */
  async close(): Promise<void> {
    this.subscription.unsubscribe();
    for (const batch of this.buffer.splice(0)) batch.nak();
    this.wake?.();
    await Promise.resolve();
  }

  /** @internal Finds the stream and makes sure of the consumer. */
  async open(): Promise<void> {
    const { connection, stream, durable, ackWaitMs, ackPendingMax } = this.options;
    try {
      this.streamCreated = (await getStreamInfo(connection, stream)).created;
    } catch (error) {
      throw isNotFound(error) ? new StreamMissingError(`there is no stream ${stream}`, { cause: error }) : error;
    }
    const config = {
      durable_name: durable,
      name: durable,
      deliver_policy: 'all',
      ack_policy: 'explicit',
      ack_wait: nanoseconds(ackWaitMs ?? 30_000),
      // A finite number can wedge a consumer of nats-server 2.9 after a restart; poison lands as a dead letter anyway.
      max_deliver: -1,
      max_ack_pending: ackPendingMax ?? 1_000,
      replay_policy: 'instant',
    };
    await askJetStream(connection, `CONSUMER.CREATE.${stream}.${durable}`, { stream_name: stream, config });
    this.isLost = false;
    this.expected = 0;
  }

  private request(max: number, expiresMs: number): void {
    const now = performance.now();
    if (this.expected > 0 && now < this.expiresAt) return;
    const { connection, stream, durable } = this.options;
    const body = { batch: max, expires: nanoseconds(expiresMs) };
    this.expected = max;
    // The broker says when the request is over; a broker that has died does not.
    this.expiresAt = now + expiresMs + 1_000;
    connection.publish(`$JS.API.CONSUMER.MSG.NEXT.${stream}.${durable}`, Buffer.from(JSON.stringify(body)), this.inbox);
    connection.flushTurn();
  }

  /** Waits until so many have arrived, for bad news, or for the time to pass. @returns whether any has arrived. */
  private async arrival(count: number, ms: number, signal: AbortSignal | undefined): Promise<boolean> {
    const giveUpAt = performance.now() + ms;
    while (this.buffer.length < count && !this.isLost && !signal?.aborted) {
      const left = giveUpAt - performance.now();
      if (left <= 0) break;
      await new Promise<void>((resolve) => {
        const stop = () => {
          clearTimeout(timer);
          signal?.removeEventListener('abort', stop);
          resolve();
        };
        const timer = setTimeout(stop, left);
        this.wake = stop;
        signal?.addEventListener('abort', stop, { once: true });
      });
      this.wake = undefined;
    }
    return this.buffer.length > 0;
  }

  private onMessage(message: BusMessage): void {
    const delivery = findDelivery(message.replyTo);
    if (delivery === undefined) this.onStatus(message);
    else this.buffer.push(this.mapToBatch(message, delivery.streamSequence, delivery.deliveries));
    if (delivery !== undefined) this.expected -= 1;
    this.wake?.();
  }

  private onStatus({ statusCode }: BusMessage): void {
    this.expected = 0;
    // 404 and 408: nothing more within the time. 409 and 503: the consumer, its stream or JetStream is gone.
    if (statusCode === 409 || statusCode === 503) this.isLost = true;
  }

  private mapToBatch(message: BusMessage, streamSequence: number, deliveries: number): StreamBatch {
    const { connection } = this.options;
    const { replyTo } = message;
    return {
      streamSequence,
      streamCreated: this.streamCreated,
      subject: message.subject,
      payload: message.data,
      deliveries,
      ack: () => connection.publish(replyTo, Buffer.from('+ACK')),
      nak: (delayMs) =>
        connection.publish(
          replyTo,
          Buffer.from(delayMs ? `-NAK ${JSON.stringify({ delay: nanoseconds(delayMs) })}` : '-NAK'),
        ),
    };
  }
}
