import { setTimeout as sleep } from 'node:timers/promises';
import {
  StreamMissingError,
  ensureEventStreams,
  openStreamReader,
  publishLanded,
  type BusConnection,
  type StreamBatch,
  type StreamReader,
} from '@weir/bus';
import { eventStreamName } from '@weir/contracts';
import type { Clock, Logger } from '@weir/kit';
import type { StoreAddress, acquireLock } from '@weir/store';
import type { Warehouse } from '@weir/warehouse';
import { collectMessages, cutBatches, type CollectLimits } from './collect-messages.js';
import type { Failpoint } from './failpoint.js';
import { DeposedError } from './fence.js';
import type { ReadMessage } from './landing-event.js';
import type { LandingLog } from './landing-log.js';
import type { LandingMetrics } from './landing-metrics.js';
import type { LandingSink } from './landing-sink.js';
import { readMessage } from './read-message.js';
import { Tenure, type LandedMessages, type Message } from './tenure.js';

export interface LanderOptions {
  readonly sink: LandingSink;
  readonly log: LandingLog | undefined;
  readonly partition: number;
  readonly partitions: number;
  readonly connection: BusConnection;
  readonly store: StoreAddress;
  readonly acquireLock: typeof acquireLock;
  readonly warehouse: Warehouse;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: LandingMetrics;
  readonly limits: CollectLimits & { readonly lineBytesMax: number };
  readonly failpoint: Failpoint;
  /** Multiplies waits between attempts. */
  readonly timeScale: number;
}

const BACKOFF_MS = { first: 100, max: 5_000 } as const;
/** Longer than a batch takes, shorter than anybody waits for what a killed process had in hand. */
const ACK_WAIT_MS = 8_000;
const ACK_PENDING_MAX = 20_000;
/** An insert that is repeated later than this may find its token forgotten: a table keeps the last 10,000. */
const TOKENS_KEPT_MS = 600_000;
/** So many waits without a message, and the reader is opened anew: a broker of 2.9 does not tell that a consumer is gone. */
const SILENT_WAITS_MAX = 5;

/**
 * Lands one partition's events for one sink, as the only one to do so ({@link Tenure}). It never gives up: while a store or the bus is down, the batch in hand is tried again and the rest
 * waits in the stream.
 */
export class PartitionLander {
  private readonly draining = new AbortController();
  private readonly deadline = new AbortController();
  private running: Promise<void> | undefined;
  private tenure: Tenure | undefined;
  private reader: StreamReader | undefined;
  private failure: string | undefined;
  private silentWaits = 0;
  private isStandby = false;
  /** It has the lock and its place in the stream. */
  private isLanding = false;
  private readonly labels: { readonly partition: string };

  constructor(private readonly options: LanderOptions) {
    this.labels = { partition: String(options.partition) };
  }

  start(): void {
    this.running ??= this.run();
  }

  /** Ok while it lands, or stands by behind another process. */
  state(): { ok: boolean; detail: string } {
    if (this.failure !== undefined) return { ok: false, detail: this.failure };
    if (this.isStandby) return { ok: true, detail: 'standing by: another process lands' };
    return this.isLanding ? { ok: true, detail: 'landing' } : { ok: false, detail: 'starting' };
  }

  /** Lands the batch in hand and what is left in the stream, within the bound, then gives the lock up. */
  async drain(withinMs: number): Promise<void> {
    const timer = setTimeout(() => this.deadline.abort(new Error('the time to drain is over')), withinMs);
    this.draining.abort(new Error('draining'));
    await this.running;
    clearTimeout(timer);
  }

  private async run(): Promise<void> {
    let failures = 0;
    while (!this.deadline.signal.aborted) {
      try {
        const isLastLook = this.draining.signal.aborted;
        const landed = await this.landOnce();
        if (isLastLook && !landed) break;
        failures = 0;
      } catch (error) {
        if (this.draining.signal.aborted) break;
        this.fail(error);
        if (error instanceof StreamMissingError || error instanceof DeposedError) await this.closeReader();
        await this.pause(failures++);
      }
    }
    await this.giveUp();
  }

  /** Collects and lands once. False where nothing came. */
  private async landOnce(): Promise<boolean> {
    await this.becomeWriter(this.draining.signal);
    const reader = await this.openReader();
    this.isLanding = true;
    const { limits } = this.options;
    const isDraining = this.draining.signal.aborted;
    const messages = await collectMessages(
      reader,
      isDraining ? { ...limits, waitMs: limits.idleMs } : limits,
      isDraining ? this.deadline.signal : this.draining.signal,
    );
    this.recover();
    this.silentWaits = messages.length === 0 ? this.silentWaits + 1 : 0;
    if (this.silentWaits >= SILENT_WAITS_MAX) await this.closeReader();
    if (messages.length > 0) await this.options.failpoint('read');
    const batches = [...cutBatches(messages, limits.eventsMax)];
    for (let next = batches.shift(); next; next = batches.shift()) {
      try {
        await this.landUntilDone(next);
      } catch (error) {
        // Another is the writer: it shall have what is in hand, now rather than when the acknowledgement is overdue.
        if (error instanceof DeposedError) for (const message of [next, ...batches].flat()) message.nak();
        throw error;
      }
    }
    return messages.length > 0;
  }

  private read(message: Message): ReadMessage {
    const { partition, sink, limits } = this.options;
    const { streamSequence, payload } = message;
    const reads = (type: string): boolean => sink.reads(type);
    const options = { partition, lineBytesMax: limits.lineBytesMax, reads, skips: sink.skipsOthers };
    return readMessage({ streamSequence, payload, messageId: undefined }, options);
  }

  /** Lands a batch, however long the stores are down; gives up only when the time to drain is over. Then it is delivered again. */
  private async landUntilDone(messages: readonly StreamBatch[]): Promise<void> {
    const { metrics } = this.options;
    const startedAt = performance.now();
    for (let failures = 0; ;) {
      this.deadline.signal.throwIfAborted();
      try {
        await this.land(messages, performance.now() - startedAt > TOKENS_KEPT_MS);
        break;
      } catch (error) {
        metrics.retries.inc(this.labels);
        this.fail(error);
        if (error instanceof DeposedError) {
          await this.endTenure();
          throw error;
        }
        await this.pause(failures++);
        await this.checkLock();
      }
    }
    this.recover();
    metrics.batchSeconds.observe(this.labels, (performance.now() - startedAt) / 1_000);
  }

  private async land(messages: readonly StreamBatch[], looksFirst: boolean): Promise<void> {
    const tenure = await this.becomeWriter(this.deadline.signal);
    const landed = await tenure.land(messages, looksFirst);
    // Everything is durable from here: acknowledge first, so that a lost report is repeated and a lost acknowledgement only redelivers.
    for (const message of messages) message.ack();
    await this.options.failpoint('ack');
    this.tell(landed);
  }

  private tell(landed: LandedMessages): void {
    const { connection, clock, metrics } = this.options;
    for (const report of landed.reports) publishLanded(connection, report);
    metrics.events.inc(this.labels, landed.landed);
    metrics.duplicates.inc(this.labels, landed.duplicates);
    for (const [reason, count] of landed.deadLetters) metrics.deadLetters.inc({ ...this.labels, reason }, count);
    metrics.lagSeconds.set(this.labels, Math.max(0, clock.now() - landed.oldest) / 1_000);
  }

  /** Makes sure of being the writer; what was known before is worth nothing after that was lost. */
  private async becomeWriter(signal: AbortSignal): Promise<Tenure> {
    if (!this.tenure || this.tenure.isOver) {
      this.isLanding = false;
      await this.endTenure();
      this.tenure = await Tenure.acquire(
        {
          ...this.options,
          read: (message) => this.read(message),
          onError: (error) => this.fail(error),
          onHeld: () => {
            this.recover();
            this.isStandby = true;
          },
        },
        signal,
      );
      this.isStandby = false;
      this.options.logger.info({ partition: this.options.partition }, 'landing as the one writer of this partition');
    }
    const recovered = await this.tenure.recover();
    if (recovered) this.tell(recovered);
    return this.tenure;
  }

  /** After a failure the lock's connection is in doubt: one that does not answer is given up, and the lock taken anew. */
  private async checkLock(): Promise<void> {
    try {
      await this.tenure?.check();
    } catch (error) {
      this.fail(error);
      await this.endTenure();
    }
  }

  private async endTenure(): Promise<void> {
    const { tenure } = this;
    this.tenure = undefined;
    await tenure?.close();
  }

  private async openReader(): Promise<StreamReader> {
    if (this.reader) return this.reader;
    const { connection, partition, partitions, sink, timeScale } = this.options;
    const open = () =>
      openStreamReader({
        connection,
        stream: eventStreamName(partition),
        durable: sink.name,
        ackWaitMs: Math.max(2_000, ACK_WAIT_MS * timeScale),
        ackPendingMax: ACK_PENDING_MAX,
      });
    try {
      this.reader = await open();
    } catch (error) {
      if (!(error instanceof StreamMissingError)) throw error;
      await ensureEventStreams(connection, partitions);
      this.reader = await open();
    }
    return this.reader;
  }

  /** Tells the first failure of a row; the rest is in the metrics. */
  private fail(error: unknown): void {
    const detail = error instanceof Error ? error.message : String(error);
    if (this.failure === undefined) {
      this.options.logger.warn({ partition: this.options.partition, err: error }, 'landing waits');
    }
    this.failure = detail;
  }

  private recover(): void {
    if (this.failure === undefined) return;
    this.failure = undefined;
    this.options.logger.info({ partition: this.options.partition }, 'landing goes on');
  }

  private async pause(failures: number): Promise<void> {
    const ms = Math.min(BACKOFF_MS.max, BACKOFF_MS.first * 2 ** Math.min(failures, 10)) * this.options.timeScale;
    // eslint-disable-next-line no-restricted-syntax -- the only way this wait fails is the deadline, which every caller checks next
    await sleep(ms, undefined, { signal: this.deadline.signal }).catch(() => undefined);
  }

  private async closeReader(): Promise<void> {
    const reader = this.reader;
    this.reader = undefined;
    this.silentWaits = 0;
    await reader?.close().catch((error: unknown) => this.fail(error));
  }

  private async giveUp(): Promise<void> {
    await this.closeReader();
    await this.endTenure();
  }
}
