import {
  CALL_TIMING,
  eventStreamName,
  partitionOf,
  subjects,
  type EventDefinition,
  type EventDraft,
  type LandedReport,
} from '@weir/contracts';
import type { Journal, JournalLine, WrittenEvent } from '@weir/journal';
import type { BusConnection } from '../connection/bus-connection.js';
import type { BusSubscription } from '../connection/bus-message.js';
import { onLanded } from '../health/messages.js';
import { AcknowledgementWaiters } from './acknowledgement-waiters.js';
import { Backlog } from './backlog.js';
import { BatchFormer, type EventBatch } from './batch-former.js';
import { BatchSender } from './batch-sender.js';
import { LandedWatermarks } from './landed-watermarks.js';
import { findStream, StreamIdentity } from './stream-watch.js';

export interface EventPublisherOptions {
  readonly connection: BusConnection;
  readonly journal: Journal;
  /** `EVENT_PARTITIONS`. */
  readonly partitions: number;
  /** Multiplies every interval but the 25 ms of group commit; default 1. */
  readonly timeScale?: number;
  /** Batches on their way at once. Default 16. */
  readonly inFlightMax?: number;
  /** For the journal of a dead producer: no `producer.alive`, since it is not. */
  readonly isAdopted?: boolean;
  /** Faults that the publisher lives through: an error JetStream answered, a report that cannot be read. */
  readonly onError: (error: Error) => void;
}

export interface AppendOptions {
  /** Publish at the end of this turn, with everything that waits, instead of within 25 ms. */
  readonly urgent?: boolean;
  /**
   * The event is in the journal (act on it from here; what is published here leaves with the event in one write), or `error` says
   * that it is not and never will be: refuse the call.
   */
  readonly onWritten?: (error: Error | undefined) => void;
  /** JetStream has acknowledged the event. Not called where `onWritten` got an error; may never be called while JetStream is down. */
  readonly onAcknowledged?: () => void;
}

export interface PublisherState {
  /** Events written and not yet acknowledged that are held in memory. */
  readonly unacknowledged: number;
  readonly batchesInFlight: number;
  /** Age of the oldest unacknowledged batch in milliseconds; 0 where there is none. */
  readonly silentForMs: number;
  readonly resentBatches: number;
}

const LINGER_MS = 25;
/** Lines held in memory for publishing; beyond, they are read from the journal when their turn comes. */
const WAITING_BYTES_MAX = 8 * 1024 * 1024;
const SWEEP_EVERY_MS = 100;
const SILENT_AFTER_MS = 500;
const LOOK_EVERY_MS = 5_000;
const STALLED_AFTER_MS = 30_000;

/**
 * Records events: journal first, then JetStream by group commit, again and again until every sink has landed them. Order within
 * an epoch is kept on first sending only: sinks go by sequence.
 */
export class EventPublisher {
  private readonly former: BatchFormer;
  private readonly sender: BatchSender;
  private readonly backlog: Backlog;
  private readonly landed = new LandedWatermarks();
  private readonly identity = new StreamIdentity();
  private readonly scale: number;
  private readonly waiters: AcknowledgementWaiters;
  private readonly acknowledgedThrough = new Map<number, number>();
  private readonly cleanups: (() => void)[] = [];
  private roomWaiters: (() => void)[] = [];
  private dueAt = Infinity;
  private lingerTimer: NodeJS.Timeout | undefined;
  private sweepTimer: NodeJS.Timeout | undefined;
  private aliveAt = 0;
  private lookAt = 0;
  /** Lines of this epoch up to here are no longer, or never were, waiting in memory. */
  private takenThrough: number;
  private isOverflowing = false;
  private isStarted = false;
  private isClosed = false;

  constructor(private readonly options: EventPublisherOptions) {
    const { connection, journal, partitions } = options;
    this.scale = options.timeScale ?? 1;
    this.former = new BatchFormer(journal.producerId);
    this.waiters = new AcknowledgementWaiters(options.onError);
    this.takenThrough = journal.state().lastSequence;
    this.sender = new BatchSender({
      connection,
      producerId: journal.producerId,
      subject: subjects.events(partitionOf(journal.producerId, partitions)),
      inFlightMax: options.inFlightMax ?? 16,
      timeScale: this.scale,
      onAcknowledged: (batch) => this.onAcknowledged(batch),
      onWentBack: () => this.onStreamLost(),
      onError: options.onError,
    });
    this.backlog = new Backlog({
      journal,
      isCovered: (line) => this.isCovered(line),
      hand: (batch) => this.handBacklog(batch),
      onError: options.onError,
    });
    journal.onFlushed(() => this.onFlushed());
  }

  /** Starts publishing: first what earlier epochs, and the opening of this one, left in the journal. Needs no stream to exist yet. */
  start(): void {
    if (this.isStarted) return;
    this.isStarted = true;
    const { connection, journal } = this.options;
    const landed: BusSubscription = onLanded(connection, journal.producerId, (report) => this.onLanded(report));
    this.cleanups.push(
      () => landed.unsubscribe(),
      connection.onReconnect(() => this.onReconnect()),
    );
    this.aliveAt = performance.now() + CALL_TIMING.producerAliveEveryMs * this.scale;
    this.sweepTimer = setInterval(() => this.sweep(), Math.max(5, SWEEP_EVERY_MS * this.scale));
    this.backlog.request();
    this.pump();
  }

  /** Records an event. @returns its id. */
  append<D extends EventDefinition>(draft: EventDraft<D>, options: AppendOptions = {}): string {
    return this.options.journal.append(draft, (error, event) => {
      if (event !== undefined) this.enqueue(event, options);
      options.onWritten?.(error);
    });
  }

  /** Whether new calls may be admitted in strict mode: the journal can be written and is below its high-water mark. */
  isReady(): boolean {
    const { writable, overHighWater } = this.options.journal.state();
    return writable && !overHighWater;
  }

  state(): PublisherState {
    return {
      unacknowledged: this.former.count + this.sender.events,
      batchesInFlight: this.sender.inFlight,
      silentForMs: this.sender.silentForMs(performance.now()),
      resentBatches: this.sender.resent,
    };
  }

  /** Publishes what waits and waits for its acknowledgement, at most `withinMs`; what is left is in the journal. Does not close the journal. */
  async close(withinMs = 5_000): Promise<void> {
    const giveUpAt = performance.now() + withinMs;
    this.aliveAt = Infinity;
    this.dueAt = 0;
    if (this.isStarted) this.pump();
    while (this.isStarted && this.isBusy() && performance.now() < giveUpAt) {
      await new Promise((resolve) => setTimeout(resolve, 10));
      this.dueAt = 0;
      this.pump();
    }
    this.isClosed = true;
    clearInterval(this.sweepTimer);
    clearTimeout(this.lingerTimer);
    const stopped = this.backlog.stop();
    this.releaseRoomWaiters();
    await stopped;
    for (const cleanup of this.cleanups) cleanup();
    this.sender.close();
  }

  private isBusy(): boolean {
    return this.former.count > 0 || this.sender.inFlight > 0 || this.backlog.isRunning;
  }

  private enqueue(event: WrittenEvent, { urgent, onAcknowledged }: AppendOptions): void {
    if (onAcknowledged !== undefined) this.waiters.add(event.sequence, onAcknowledged);
    if (this.isOverflowing || this.former.bytes > WAITING_BYTES_MAX) {
      this.isOverflowing = true;
      return;
    }
    this.former.add(event);
    this.dueAt = Math.min(this.dueAt, urgent ? 0 : performance.now() + LINGER_MS);
  }

  /** The turn's lines are in the file: what is due leaves, in one write with whatever else the turn publishes. */
  private onFlushed(): void {
    if (!this.isStarted) return;
    this.pump();
    this.options.connection.flushTurn();
  }

  private pump(): void {
    const now = performance.now();
    while (this.sender.hasRoom && (this.former.isFull || now >= this.dueAt)) {
      const batch = this.former.take();
      if (batch === undefined) break;
      this.takenThrough = batch.last;
      this.sender.send(batch, now);
    }
    if (this.former.count === 0) this.onDrained();
    else if (this.lingerTimer === undefined && now < this.dueAt) this.linger(this.dueAt - now);
  }

  private linger(ms: number): void {
    this.lingerTimer = setTimeout(() => {
      this.lingerTimer = undefined;
      this.dueAt = 0;
      this.pump();
    }, ms);
  }

  private onDrained(): void {
    this.dueAt = Infinity;
    if (!this.isOverflowing) return;
    // What did not fit is read from the journal; what is written from now on waits in memory again.
    this.isOverflowing = false;
    this.takenThrough = this.options.journal.state().lastSequence;
    this.backlog.request();
  }

  private onAcknowledged(batch: EventBatch): void {
    this.acknowledgedThrough.set(batch.epoch, Math.max(batch.last, this.acknowledgedThrough.get(batch.epoch) ?? 0));
    if (batch.epoch === this.options.journal.epoch) this.waiters.acknowledge(batch);
    this.releaseRoomWaiters();
    this.pump();
  }

  private isCovered({ epoch, sequence }: JournalLine): boolean {
    if (epoch === this.options.journal.epoch && sequence > this.takenThrough) return true;
    return this.sender.isInFlight(epoch, sequence);
  }

  private async handBacklog(batch: EventBatch): Promise<void> {
    // Half of the room: a long backlog must not keep a new call's `call.started` waiting.
    const roomMax = Math.max(1, (this.options.inFlightMax ?? 16) / 2);
    while (this.sender.inFlight >= roomMax && !this.isClosed) {
      await new Promise<void>((resolve) => this.roomWaiters.push(resolve));
    }
    if (!this.isClosed) this.sender.send(batch, performance.now());
  }

  private releaseRoomWaiters(): void {
    const waiters = this.roomWaiters;
    this.roomWaiters = [];
    for (const release of waiters) release();
  }

  private onLanded(report: LandedReport): void {
    const released = this.landed.report(report, performance.now());
    if (released !== undefined) this.options.journal.release(report.epoch, released);
  }

  private onReconnect(): void {
    this.sender.retryAll();
    this.lookAt = 0;
  }

  /** What was acknowledged is gone: all that no sink has landed is sent again. */
  private onStreamLost(): void {
    const now = performance.now();
    for (const { epoch } of this.options.journal.unreleased()) this.landed.resent(epoch, now);
    this.backlog.request();
  }

  private sweep(): void {
    const now = performance.now();
    const { connection, journal } = this.options;
    this.sender.sweep(now);
    const isSilent = this.sender.silentForMs(now) > SILENT_AFTER_MS * this.scale;
    journal.syncEachWrite(isSilent || !connection.isConnected);
    if (now >= this.aliveAt && !this.options.isAdopted) {
      this.aliveAt = now + CALL_TIMING.producerAliveEveryMs * this.scale;
      journal.appendAlive((_error, event) => event !== undefined && this.enqueue(event, {}));
    }
    if (now >= this.lookAt && connection.isConnected) {
      this.lookAt = now + LOOK_EVERY_MS * this.scale;
      void this.look();
    }
    this.resendStalled(now);
  }

  private async look(): Promise<void> {
    const { connection, journal, partitions } = this.options;
    const stream = eventStreamName(partitionOf(journal.producerId, partitions));
    const position = this.sender.position;
    const facts = await findStream(connection, stream, 1_000);
    if (facts === undefined || !this.identity.observe(facts, position)) return;
    this.sender.forgetPosition();
    this.onStreamLost();
  }

  private resendStalled(now: number): void {
    const { journal, isAdopted = false } = this.options;
    const stalledMs = STALLED_AFTER_MS * this.scale;
    let isStalled = false;
    for (const { epoch } of journal.unreleased()) {
      const acknowledged = this.acknowledgedThrough.get(epoch) ?? 0;
      const isOverdue = this.landed.isOverdue({ epoch, acknowledged, now, stalledMs, isAlone: isAdopted });
      if (!isOverdue) continue;
      this.landed.resent(epoch, now);
      isStalled = true;
    }
    if (isStalled) this.backlog.request();
  }
}
