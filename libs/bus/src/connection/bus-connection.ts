import type { Msg, MsgHdrs, NatsConnection } from '@nats-io/nats-core';
import { headers as natsHeaders } from '@nats-io/nats-core';
import { connect, errors, type ConnectionOptions } from '@nats-io/transport-node';
import type { BusMessage, BusSubscription } from './bus-message.js';
import { Outbox, type BundledMessage, type BundleRoute } from './outbox.js';

export interface BusConnectionOptions {
  readonly url: string;
  readonly user?: string;
  readonly password?: string;
  /** Name of the client as the broker shows it. */
  readonly name: string;
  /** Prefix of reply inboxes; a service uses `_INBOX_<service>`, which its permissions allow. Default `_INBOX`. */
  readonly inboxPrefix?: string;
  /** How long the first connection is tried for before `connectBus` throws. Default 30 s. */
  readonly connectWithinMs?: number;
  /** Wait between attempts to reconnect. Default 250. */
  readonly reconnectWaitMs?: number;
  /** The broker is pinged this often; two missed answers are a lost connection. Default 5 s. */
  readonly pingEveryMs?: number;
  readonly signal?: AbortSignal;
  /** Faults of the connection and of subscribers' callbacks: permission violations, protocol errors, thrown exceptions. */
  readonly onError?: (error: Error) => void;
}

export type BusStatus = 'connected' | 'disconnected' | 'closed';

/** The broker could not be reached, or refused us, within `connectWithinMs`. */
export class BusUnavailableError extends Error {
  override readonly name = 'BusUnavailableError';
}

const toError = (reason: unknown) => (reason instanceof Error ? reason : new Error(String(reason)));

/**
 * One connection to NATS. Reconnects for ever; subscriptions survive a reconnect. Messages published while it is disconnected are
 * dropped (core NATS promises nothing), so memory stays bounded: what must not be lost is in a journal.
 */
export class BusConnection {
  private readonly outbox: Outbox;
  private readonly disconnectListeners = new Set<() => void>();
  private readonly reconnectListeners = new Set<() => void>();
  private currentStatus: BusStatus = 'connected';
  private inboxCounter = 0;

  /** @internal Use {@link connectBus}. */
  constructor(
    private readonly client: NatsConnection,
    private readonly options: BusConnectionOptions,
  ) {
    this.outbox = new Outbox({
      publish: (subject, payload, replyTo) => {
        if (this.currentStatus === 'connected') client.publish(subject, payload, replyTo ? { reply: replyTo } : {});
      },
      report: (error) => this.report(error),
    });
    void this.follow();
  }

  get status(): BusStatus {
    return this.currentStatus;
  }

  get isConnected(): boolean {
    return this.currentStatus === 'connected';
  }

  /** Largest payload the broker takes, in bytes. */
  get maxPayloadBytes(): number {
    return this.client.info?.max_payload ?? 1024 * 1024;
  }

  /**
   * Publishes at the end of this turn of the event loop, together with everything else of the turn. `payload` must not change
   * after. Dropped while disconnected.
   */
  publish(subject: string, payload: Uint8Array, replyTo?: string): void {
    this.outbox.add(subject, payload, replyTo);
  }

  /**
   * Publishes as {@link publish} does, but as one message with whatever else this turn publishes for the same route, whose
   * listeners read bundles; alone, the message goes to its own subject as it is.
   */
  publishBundled(route: BundleRoute, message: BundledMessage): void {
    this.outbox.addBundled(route, message);
  }

  /** Publishes with headers; not joined with others, so not for the hot path of a call. */
  publishWithHeaders(
    subject: string,
    payload: Uint8Array,
    options: { readonly headers: Readonly<Record<string, string>>; readonly replyTo?: string },
  ): void {
    if (!this.isConnected) return;
    const headers = mapToHeaders(options.headers);
    this.client.publish(subject, payload, { headers, ...(options.replyTo ? { reply: options.replyTo } : {}) });
  }

  /** Runs `form` just before this turn's messages are written; what it publishes leaves with them. */
  deferToFlush(form: () => void): void {
    this.outbox.defer(form);
  }

  /** Writes what this turn has published so far now. For callers that already run at the end of a turn. */
  flushTurn(): void {
    this.outbox.flush();
  }

  /**
   * Calls `onMessage` for each message, synchronously as it is read. An exception in it is reported and ends nothing.
   * With `queue`, the broker gives each message to one member of the group.
   */
  subscribe(
    subject: string,
    onMessage: (message: BusMessage) => void,
    options: { readonly queue?: string } = {},
  ): BusSubscription {
    const subscription = this.client.subscribe(subject, {
      ...(options.queue ? { queue: options.queue } : {}),
      callback: (error, message) => {
        if (error) return this.report(error);
        try {
          onMessage(new ReceivedMessage(message));
        } catch (thrown) {
          this.report(toError(thrown));
        }
      },
    });
    return { unsubscribe: () => subscription.unsubscribe() };
  }

  /**
   * Request and one reply, as bytes. Rejects at once with {@link BusUnavailableError} while disconnected, else with the client's
   * `TimeoutError`, `NoRespondersError` or, when the connection is gone, `ClosedConnectionError`.
   */
  async request(
    subject: string,
    payload: Uint8Array,
    options: { readonly timeoutMs: number; readonly headers?: Readonly<Record<string, string>> },
  ): Promise<Buffer> {
    if (!this.isConnected) throw new BusUnavailableError('not connected to the broker');
    const { timeoutMs: timeout, headers } = options;
    const requestOptions = headers === undefined ? { timeout } : { timeout, headers: mapToHeaders(headers) };
    const reply = await this.client.request(subject, payload, requestOptions);
    return viewOf(reply.data);
  }

  /** A reply subject of one's own, under the inbox prefix. */
  createInbox(): string {
    this.inboxCounter += 1;
    const unique = `${process.pid.toString(36)}${Date.now().toString(36)}${this.inboxCounter.toString(36)}`;
    return `${this.options.inboxPrefix ?? '_INBOX'}.${unique}`;
  }

  /** @returns a function that removes the listener. */
  onDisconnect(listener: () => void): () => void {
    this.disconnectListeners.add(listener);
    return () => this.disconnectListeners.delete(listener);
  }

  /** @returns a function that removes the listener. */
  onReconnect(listener: () => void): () => void {
    this.reconnectListeners.add(listener);
    return () => this.reconnectListeners.delete(listener);
  }

  /** Round trip to the broker: everything published before is with it when this resolves. Rejects when disconnected. */
  async roundTrip(): Promise<void> {
    this.outbox.flush();
    await this.client.flush();
  }

  /** Ends subscriptions after what has already arrived, writes what is waiting, closes. */
  async drain(): Promise<void> {
    if (this.client.isClosed()) return;
    this.outbox.flush();
    await this.client.drain();
  }

  async close(): Promise<void> {
    if (this.client.isClosed()) return;
    this.outbox.flush();
    try {
      if (this.isConnected) await this.client.flush();
    } catch (error) {
      // The connection broke under us: what was waiting is lost, as it would be with a cut cable.
      this.report(toError(error));
    }
    await this.client.close();
  }

  /** @internal */
  report(error: Error): void {
    this.options.onError?.(error);
  }

  private async follow(): Promise<void> {
    for await (const status of this.client.status()) {
      if (status.type === 'disconnect') this.becomes('disconnected', this.disconnectListeners);
      else if (status.type === 'reconnect') this.becomes('connected', this.reconnectListeners);
      else if (status.type === 'close') this.currentStatus = 'closed';
      else if (status.type === 'error') this.report(status.error);
    }
    this.currentStatus = 'closed';
  }

  private becomes(status: BusStatus, listeners: ReadonlySet<() => void>): void {
    this.currentStatus = status;
    for (const listener of [...listeners]) {
      try {
        listener();
      } catch (error) {
        this.report(toError(error));
      }
    }
  }
}

/** Keeps the client's lazy decoding: the subject and reply of a frame are only decoded where they are read. */
class ReceivedMessage implements BusMessage {
  constructor(private readonly message: Msg) {}
  get subject(): string {
    return this.message.subject;
  }
  get replyTo(): string {
    return this.message.reply ?? '';
  }
  get data(): Buffer {
    return viewOf(this.message.data);
  }
  get isNoResponders(): boolean {
    return this.message.data.length === 0 && this.statusCode === 503;
  }
  get statusCode(): number {
    return this.message.headers?.code ?? 0;
  }
  header(name: string): string | undefined {
    return this.message.headers?.get(name) || undefined;
  }
}

function mapToHeaders(headers: Readonly<Record<string, string>>): MsgHdrs {
  const mapped = natsHeaders();
  for (const [name, value] of Object.entries(headers)) mapped.set(name, value);
  return mapped;
}

function viewOf(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function clientOptions(options: BusConnectionOptions): ConnectionOptions {
  return {
    servers: options.url,
    name: options.name,
    ...(options.user === undefined ? {} : { user: options.user }),
    ...(options.password === undefined ? {} : { pass: options.password }),
    inboxPrefix: options.inboxPrefix ?? '_INBOX',
    maxReconnectAttempts: -1,
    reconnectTimeWait: options.reconnectWaitMs ?? 250,
    reconnectJitter: 50,
    pingInterval: options.pingEveryMs ?? 5_000,
    maxPingOut: 2,
    // A password that is changed under a running service must not end it: the next attempt may succeed.
    ignoreAuthErrorAbort: true,
    noAsyncTraces: true,
  };
}

/**
 * Connects as one user and keeps the connection for ever. Throws {@link BusUnavailableError} where the broker cannot be reached
 * within `connectWithinMs`, at once where it refuses the user.
 */
export async function connectBus(options: BusConnectionOptions): Promise<BusConnection> {
  const giveUpAt = Date.now() + (options.connectWithinMs ?? 30_000);
  for (;;) {
    try {
      return new BusConnection(await connect(clientOptions(options)), options);
    } catch (error) {
      const refused = error instanceof errors.AuthorizationError;
      if (refused || Date.now() >= giveUpAt || options.signal?.aborted) {
        const why = refused ? `the broker refuses user "${options.user ?? ''}"` : 'the broker cannot be reached';
        throw new BusUnavailableError(`${options.url}: ${why}`, { cause: error });
      }
      await new Promise((resolve) => setTimeout(resolve, options.reconnectWaitMs ?? 250));
    }
  }
}
