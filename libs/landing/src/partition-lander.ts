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
import { acquireLock, type LockSession, type StoreAddress } from '@weir/store';
import type { Warehouse } from '@weir/warehouse';
import { collectMessages, cutBatches, type CollectLimits } from './collect-messages.js';
import { landBatch } from './land-batch.js';
import { producerKey, type ReadMessage } from './landing-event.js';
import { NOTHING_LANDED } from './landed-ranges.js';
import type { LandingMetrics } from './landing-metrics.js';
import type { LandingSink } from './landing-sink.js';
import { PreparedBatch } from './prepare-batch.js';
import { readMessage } from './read-message.js';
import { Watermarks } from './watermarks.js';

export interface LanderOptions {
  readonly sink: LandingSink;
  readonly partition: number;
  readonly partitions: number;
  readonly connection: BusConnection;
  readonly store: StoreAddress;
  readonly warehouse: Warehouse;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: LandingMetrics;
  readonly limits: CollectLimits & { readonly lineBytesMax: number };
  /** Multiplies waits between attempts. */
  readonly timeScale: number;
}

/** What it holds while it is the one writer of its partition and sink. */
interface Tenure {
  readonly session: LockSession;
  readonly watermarks: Watermarks;
}

const BACKOFF_MS = { first: 100, max: 5_000 } as const;
/** Longer than a batch takes, shorter than anybody waits for what a killed process had in hand. */
const ACK_WAIT_MS = 15_000;
const ACK_PENDING_MAX = 20_000;
/** So many waits without a message, and the reader is opened anew: a broker of 2.9 does not tell that a consumer is gone. */
const SILENT_WAITS_MAX = 5;

/**
 * Lands one partition's events for one sink, as the only one to do so: it holds an advisory lock in Postgres, and moves watermarks on
 * the lock's own connection. It never gives up: while a store or the bus is down, the batch in hand is tried again and the rest
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
        if (error instanceof StreamMissingError) await this.closeReader();
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
    for (const batch of cutBatches(messages, limits.eventsMax)) await this.landUntilDone(batch);
    return messages.length > 0;
  }

  private read(message: StreamBatch): ReadMessage {
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
        await this.land(messages);
        break;
      } catch (error) {
        metrics.retries.inc(this.labels);
        this.fail(error);
        await this.pause(failures++);
        await this.checkLock();
      }
    }
    this.recover();
    metrics.batchSeconds.observe(this.labels, (performance.now() - startedAt) / 1_000);
  }

  private async land(messages: readonly StreamBatch[]): Promise<void> {
    const { connection, warehouse, sink, clock, partition, metrics } = this.options;
    const { session, watermarks } = await this.becomeWriter(this.deadline.signal);
    const batch = await this.prepare(messages, watermarks);
    const landed = await landBatch(batch, {
      sink: sink.name,
      warehouse,
      session,
      watermarks,
      stream: eventStreamName(partition),
      streamCreated: messages[0]?.streamCreated ?? '',
      now: clock.now(),
    });
    // Everything is durable from here: acknowledge first, so that a lost report is repeated and a lost acknowledgement only redelivers.
    for (const message of messages) message.ack();
    for (const report of landed.reports) publishLanded(connection, report);
    metrics.events.inc(this.labels, landed.landed);
    metrics.duplicates.inc(this.labels, landed.duplicates);
    for (const [reason, count] of landed.deadLetters) metrics.deadLetters.inc({ ...this.labels, reason }, count);
    metrics.lagSeconds.set(this.labels, Math.max(0, clock.now() - batch.oldest) / 1_000);
  }

  private async prepare(messages: readonly StreamBatch[], watermarks: Watermarks): Promise<PreparedBatch> {
    const read = (message: StreamBatch | undefined): ReadMessage => {
      if (!message) throw new RangeError('no such message in the batch');
      return this.read(message);
    };
    const batch = new PreparedBatch(this.options.sink, (index) => read(messages[index]));
    for (const message of messages) {
      const lines = read(message);
      const key = lines.run && producerKey(lines.run);
      if (lines.run && key !== null && !watermarks.find(key)) await watermarks.load([lines.run]);
      batch.add(lines, key === null ? NOTHING_LANDED : watermarks.get(key));
    }
    return batch;
  }

  /** Makes sure of the lock; what was known before is worth nothing after it was lost. */
  private async becomeWriter(signal: AbortSignal): Promise<Tenure> {
    if (this.tenure && !this.tenure.session.lost.aborted) return this.tenure;
    this.isLanding = false;
    await this.tenure?.session.close();
    this.tenure = undefined;
    const { sink, partition, store, logger, timeScale } = this.options;
    const session = await acquireLock({
      ...store,
      name: `weir:landing:${sink.name}:${partition}`,
      signal,
      retryMs: 500 * timeScale,
      onError: (error) => this.fail(error),
      onHeld: () => {
        this.recover();
        this.isStandby = true;
      },
    });
    this.isStandby = false;
    this.tenure = { session, watermarks: new Watermarks(partition, session.query) };
    logger.info({ partition }, 'landing as the one writer of this partition');
    return this.tenure;
  }

  /** After a failure the lock's connection is in doubt: one that does not answer is given up, and the lock taken anew. */
  private async checkLock(): Promise<void> {
    if (!this.tenure) return;
    try {
      await this.tenure.session.query('SELECT 1');
    } catch (error) {
      this.fail(error);
      await this.tenure.session.close();
      this.tenure = undefined;
    }
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
    await this.tenure?.session.close();
    this.tenure = undefined;
  }
}
