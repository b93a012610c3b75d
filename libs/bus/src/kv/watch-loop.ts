import type { KvBucketName } from '@weir/contracts';
import type { BusConnection } from '../connection/bus-connection.js';
import type { BusMessage, BusSubscription } from '../connection/bus-message.js';
import { askJetStream, findDelivery, getStreamInfo, nanoseconds } from '../jetstream/jetstream-api.js';
import type { BucketWatch } from './bucket.js';

const HEARTBEAT_MS = 1_000;
/** A watch that has heard nothing for this long is dead, whatever the broker may think. */
const SILENCE_MAX_MS = 3_000;
const RETRY_MS = 250;
const REQUEST_TIMEOUT_MS = 2_000;
const NO_CONTENT = 100;
/** The broker takes no shorter heartbeat. */
const HEARTBEAT_MIN_MS = 100;

/** One consumer's life: from its creation to the first sign that it is no longer whole. */
interface Session {
  consumerSequence: number;
  heardAt: number;
  isBroken: boolean;
  isCaughtUp: boolean;
}

/**
 * Follows a bucket by an ordered consumer: a push consumer without acknowledgements whose deliveries are numbered. A number that
 * is missing, or silence, and it is made anew, from the first key on.
 */
export class WatchLoop {
  private readonly stream: string;
  private readonly prefixLength: number;
  private wake: (() => void) | undefined;

  constructor(
    private readonly connection: BusConnection,
    bucket: KvBucketName,
    private readonly watch: BucketWatch,
    private readonly scale: number,
  ) {
    this.stream = `KV_${bucket}`;
    this.prefixLength = `$KV.${bucket}.`.length;
  }

  async run(): Promise<void> {
    const { signal } = this.watch;
    const stop = () => this.wake?.();
    signal.addEventListener('abort', stop);
    while (!signal.aborted) {
      try {
        await this.follow();
      } catch {
        // The bucket, JetStream or the broker is missing: whoever watches sees that heartbeats stay away.
      }
      await this.pause(RETRY_MS * this.scale);
    }
    signal.removeEventListener('abort', stop);
  }

  /** One session, until it breaks. */
  private async follow(): Promise<void> {
    const inbox = this.connection.createInbox();
    const session: Session = { consumerSequence: 0, heardAt: performance.now(), isBroken: false, isCaughtUp: false };
    const { created } = await getStreamInfo(this.connection, this.stream, REQUEST_TIMEOUT_MS);
    this.watch.onRestart?.(created);
    const subscription: BusSubscription = this.connection.subscribe(inbox, (message) => this.receive(session, message));
    try {
      const pending = await this.createConsumer(inbox);
      if (pending === 0) this.catchUp(session);
      const silenceMaxMs = SILENCE_MAX_MS * this.scale;
      while (!this.watch.signal.aborted && !session.isBroken) {
        const left = session.heardAt + silenceMaxMs - performance.now();
        if (left <= 0) return;
        await this.pause(left);
      }
    } finally {
      // Without a listener the broker removes the consumer itself.
      subscription.unsubscribe();
    }
  }

  private async createConsumer(inbox: string): Promise<number> {
    const heartbeatMs = Math.max(HEARTBEAT_MIN_MS, HEARTBEAT_MS * this.scale);
    const config = {
      deliver_subject: inbox,
      // A bucket keeps one message a key, so all messages are the last of each key.
      deliver_policy: 'all',
      ack_policy: 'none',
      max_deliver: 1,
      replay_policy: 'instant',
      flow_control: true,
      idle_heartbeat: nanoseconds(heartbeatMs),
      inactive_threshold: nanoseconds(30_000),
      mem_storage: true,
      num_replicas: 1,
    };
    const operation = `CONSUMER.CREATE.${this.stream}`;
    const body = { stream_name: this.stream, config };
    const reply = await askJetStream<{ num_pending?: number }>(this.connection, operation, body, REQUEST_TIMEOUT_MS);
    return reply.num_pending ?? 0;
  }

  private receive(session: Session, message: BusMessage): void {
    if (session.isBroken || this.watch.signal.aborted) return;
    session.heardAt = performance.now();
    if (message.statusCode === NO_CONTENT) this.receiveControl(session, message);
    else this.receiveEntry(session, message);
    this.afterMessage(session);
  }

  private afterMessage({ isBroken }: Session): void {
    if (isBroken) this.wake?.();
    else this.watch.onHeartbeat?.();
  }

  /** A heartbeat, which says how far the consumer is, or a request to say how far we are (flow control). */
  private receiveControl(session: Session, message: BusMessage): void {
    const stalledAt = message.header('Nats-Consumer-Stalled') ?? message.replyTo;
    if (stalledAt) this.connection.publish(stalledAt, new Uint8Array(0));
    const last = message.header('Nats-Last-Consumer');
    if (last !== undefined && Number(last) !== session.consumerSequence) session.isBroken = true;
  }

  private receiveEntry(session: Session, message: BusMessage): void {
    const delivery = findDelivery(message.replyTo);
    if (delivery === undefined) return;
    if (delivery.consumerSequence !== session.consumerSequence + 1) {
      session.isBroken = true;
      return;
    }
    session.consumerSequence = delivery.consumerSequence;
    const key = message.subject.slice(this.prefixLength);
    const isRemoved = message.header('KV-Operation') !== undefined;
    const value: unknown = isRemoved ? undefined : JSON.parse(message.data.toString('utf8'));
    this.watch.onEntry(key, value, delivery.streamSequence);
    if (delivery.pending === 0) this.catchUp(session);
  }

  private catchUp(session: Session): void {
    if (session.isCaughtUp) return;
    session.isCaughtUp = true;
    this.watch.onCaughtUp?.();
  }

  /** Until the time is over, the watch is stopped, or the session breaks. */
  private pause(ms: number): Promise<void> {
    if (this.watch.signal.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}
