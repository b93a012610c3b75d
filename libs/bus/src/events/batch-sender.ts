import { subjects } from '@weir/contracts';
import type { BusConnection } from '../connection/bus-connection.js';
import type { BusMessage, BusSubscription } from '../connection/bus-message.js';
import type { EventBatch } from './batch-former.js';

export interface BatchSenderOptions {
  readonly connection: BusConnection;
  readonly producerId: string;
  /** Subject of the producer's partition. */
  readonly subject: string;
  readonly inFlightMax: number;
  readonly timeScale: number;
  onAcknowledged(batch: EventBatch): void;
  /** The stream gave a new message a position it had given before: it is not the stream it was. */
  onWentBack(): void;
  onError(error: Error): void;
}

interface Flight {
  readonly batch: EventBatch;
  readonly firstSentAt: number;
  /** Highest position the stream had acknowledged when the batch was first sent. */
  readonly afterPosition: number;
  retryAt: number;
}

interface Acknowledgement {
  readonly stream?: string;
  readonly seq?: number;
  readonly duplicate?: boolean;
  readonly error?: { readonly err_code?: number; readonly description?: string };
}

const ACK_WITHIN_MS = 2_000;
const RETRY_MISSING_MS = 250;
const RETRY_REFUSED_MS = 1_000;

/**
 * Batches on their way to JetStream. Each is sent again, the same bytes under the same id, until it is acknowledged.
 * Acknowledgements come to one subscription and are matched by the last token of their subject: no promise, no timer per batch.
 */
export class BatchSender {
  private readonly flights = new Map<string, Flight>();
  private readonly prefix: string;
  private readonly subscription: BusSubscription;
  private counter = 0;
  private positionMax = 0;
  private resentCount = 0;
  private reportedCode: number | undefined;

  constructor(private readonly options: BatchSenderOptions) {
    this.prefix = `${subjects.acknowledgements(options.producerId)}.`;
    this.subscription = options.connection.subscribe(`${this.prefix}*`, (message) => this.onReply(message));
  }

  get inFlight(): number {
    return this.flights.size;
  }

  get hasRoom(): boolean {
    return this.flights.size < this.options.inFlightMax;
  }

  get resent(): number {
    return this.resentCount;
  }

  /** Highest position of the stream that was acknowledged. */
  get position(): number {
    return this.positionMax;
  }

  /** Events in flight. */
  get events(): number {
    let events = 0;
    for (const { batch } of this.flights.values()) events += batch.last - batch.first + 1;
    return events;
  }

  /** Age of the oldest batch in flight, in milliseconds; 0 where there is none. */
  silentForMs(now: number): number {
    for (const { firstSentAt } of this.flights.values()) return now - firstSentAt;
    return 0;
  }

  isInFlight(epoch: number, sequence: number): boolean {
    for (const { batch } of this.flights.values()) {
      if (batch.epoch === epoch && sequence >= batch.first && sequence <= batch.last) return true;
    }
    return false;
  }

  /** Hands the batch to the client now; it leaves with everything else of the turn. */
  send(batch: EventBatch, now: number): void {
    const token = (this.counter++).toString(36);
    const retryAt = now + ACK_WITHIN_MS * this.options.timeScale;
    this.flights.set(token, { batch, firstSentAt: now, afterPosition: this.positionMax, retryAt });
    this.publish(token, batch);
  }

  /** Sends again what was not acknowledged in time. */
  sweep(now: number): void {
    if (!this.options.connection.isConnected) return;
    for (const [token, flight] of this.flights) {
      if (now < flight.retryAt) continue;
      flight.retryAt = now + ACK_WITHIN_MS * this.options.timeScale;
      this.resentCount += 1;
      this.publish(token, flight.batch);
    }
  }

  /** The connection is back: nobody knows what was lost with the old one. */
  retryAll(): void {
    for (const flight of this.flights.values()) flight.retryAt = 0;
  }

  /** A stream of the same name begins anew. */
  forgetPosition(): void {
    this.positionMax = 0;
  }

  close(): void {
    this.subscription.unsubscribe();
  }

  private publish(token: string, batch: EventBatch): void {
    this.options.connection.publishWithHeaders(this.options.subject, batch.payload, {
      headers: { 'Nats-Msg-Id': batch.messageId },
      replyTo: this.prefix + token,
    });
  }

  private onReply(message: BusMessage): void {
    const token = message.subject.slice(this.prefix.length);
    const flight = this.flights.get(token);
    if (flight === undefined) return;
    const { timeScale } = this.options;
    if (message.isNoResponders) {
      flight.retryAt = performance.now() + RETRY_MISSING_MS * timeScale;
      return;
    }
    const acknowledgement = JSON.parse(message.data.toString('latin1')) as Acknowledgement;
    if (acknowledgement.seq === undefined || acknowledgement.error !== undefined) {
      flight.retryAt = performance.now() + RETRY_REFUSED_MS * timeScale;
      return this.report(acknowledgement.error);
    }
    this.flights.delete(token);
    this.reportedCode = undefined;
    const wentBack = acknowledgement.duplicate !== true && acknowledgement.seq <= flight.afterPosition;
    this.positionMax = wentBack ? acknowledgement.seq : Math.max(this.positionMax, acknowledgement.seq);
    if (wentBack) this.options.onWentBack();
    this.options.onAcknowledged(flight.batch);
  }

  /** Once per kind of refusal, not once per retry. */
  private report(error: Acknowledgement['error']): void {
    const code = error?.err_code ?? 0;
    if (code === this.reportedCode) return;
    this.reportedCode = code;
    this.options.onError(new Error(`JetStream refuses events: ${error?.description ?? 'no reason given'} (${code})`));
  }
}
