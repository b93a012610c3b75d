import type { EventDraft } from '@weir/contracts';
import { CARRIED_PREFIX } from './event-line.js';
import type { JournalDisk, SegmentFile } from './journal-disk.js';
import type { FolderLock } from './journal-lock.js';
import type { JournalLedger, LedgerSegment, Position } from './journal-ledger.js';
import type { JournalLine, JournalOptions, JournalState, WrittenCallback } from './journal-options.js';
import type { Journal } from './journal.js';
import { readUnreleased } from './segment-reader.js';
import { formLines, queueEvent, type FormedLine, type QueuedEvent } from './write-queue.js';

export interface OpenedFolder {
  readonly options: JournalOptions;
  readonly disk: JournalDisk;
  readonly lock: FolderLock;
  readonly ledger: JournalLedger;
  readonly producerId: string;
  readonly epoch: number;
  readonly previous: { readonly epoch: number; readonly lastSequence: number } | null;
}

const toError = (reason: unknown) => (reason instanceof Error ? reason : new Error(String(reason)));

/** See {@link Journal}. */
export class FileJournal implements Journal {
  readonly producerId: string;
  readonly epoch: number;
  private readonly options: JournalOptions;
  private readonly ledger: JournalLedger;
  private writer: SegmentFile;
  /** What the ledger knows of the segment that is written to. */
  private segment: LedgerSegment;
  /** Segments that are full, and not yet synced. */
  private retired: SegmentFile[] = [];
  private queue: QueuedEvent[] = [];
  /** Closing events that the disk refused: what they tell has happened, so they wait for it. */
  private kept: QueuedEvent[] = [];
  private scheduled = false;
  private lastSequence = 0;
  private writable = true;
  private refused = 0;
  private listeners: (() => void)[] = [];
  private syncsEachWrite = false;
  private writes = 0;
  private syncedWrites = 0;
  private syncing: Promise<void> | undefined;
  private deleting: Promise<void> = Promise.resolve();
  private retryTimer: NodeJS.Timeout | undefined;
  private readonly syncTimer: NodeJS.Timeout;
  private closed = false;

  constructor(private readonly folder: OpenedFolder) {
    this.options = folder.options;
    this.ledger = folder.ledger;
    this.producerId = folder.producerId;
    this.epoch = folder.epoch;
    [this.writer, this.segment] = this.openSegment();
    this.syncTimer = setInterval(() => this.syncInBackground(), this.options.fsyncEveryMs);
    this.syncTimer.unref();
  }

  append(draft: EventDraft, written?: WrittenCallback): string {
    return this.enqueue(queueEvent(draft, this.options.clock.now(), written));
  }

  appendAlive(written?: WrittenCallback): string {
    return this.enqueue(queueEvent('alive', this.options.clock.now(), written));
  }

  state(): JournalState {
    return {
      writable: this.writable,
      overHighWater: this.ledger.bytes > this.options.highWaterBytes,
      bytes: this.ledger.bytes,
      lastSequence: this.lastSequence,
      open: this.ledger.openCount,
      refused: this.refused,
    };
  }

  onFlushed(listener: () => void): void {
    this.listeners.push(listener);
  }

  syncEachWrite(on: boolean): void {
    if (on && !this.syncsEachWrite) this.syncInBackground();
    this.syncsEachWrite = on;
  }

  pending(from?: Position): AsyncGenerator<JournalLine> {
    return readUnreleased(this.folder.disk, this.ledger, from);
  }

  unreleased(): { epoch: number; first: number; last: number }[] {
    return this.ledger.unreleased();
  }

  release(epoch: number, through: number): void {
    this.ledger.release(epoch, through);
    const { deletable, carry } = this.ledger.plan();
    if (deletable.length === 0 || this.closed) return;
    for (const { key, line } of carry) {
      if (!this.writeCarried(key, line)) return;
    }
    for (const segment of deletable) this.ledger.deleted(segment);
    this.deleting = this.deleting.then(() => this.deleteSegments(deletable));
  }

  sync(): Promise<void> {
    return this.syncThrough(this.writes);
  }

  async close(): Promise<void> {
    if (this.closed) return;
    this.flush();
    this.stop();
    await this.deleting;
    try {
      await this.sync();
    } catch (error) {
      this.options.onError(toError(error));
    }
    this.closeFiles();
    await this.folder.lock.release();
  }

  async remove(): Promise<void> {
    if (this.unreleased().length > 0) throw new Error(`${this.options.folder} holds events that are not released`);
    await this.abandon();
    await this.folder.disk.remove();
    await this.folder.lock.release();
  }

  /** @internal Stops everything and closes the files; keeps the lock, and whatever is in the folder. */
  async abandon(): Promise<void> {
    this.stop();
    await this.deleting;
    await Promise.allSettled([this.syncing]);
    this.closeFiles();
  }

  /** Writes what waits now. Runs by itself in the check phase of each turn that appended. */
  flush(): void {
    if (this.closed) return;
    const queue = this.kept.length > 0 ? [...this.kept, ...this.queue] : this.queue;
    if (queue.length === 0) return;
    this.queue = [];
    this.kept = [];
    const facts = { open: this.ledger.openCount, previous: this.folder.previous };
    const { bytes, lines } = formLines(this.folder, queue, this.lastSequence, facts);
    try {
      this.writer.write(bytes);
    } catch (error) {
      return this.onRefused(lines, toError(error));
    }
    this.onWritten(lines, bytes.length);
  }

  private stop(): void {
    this.closed = true;
    clearInterval(this.syncTimer);
    clearTimeout(this.retryTimer);
  }

  private closeFiles(): void {
    this.writer.close();
    for (const writer of this.retired) writer.close();
  }

  private enqueue(event: QueuedEvent): string {
    this.queue.push(event);
    if (!this.scheduled) {
      this.scheduled = true;
      setImmediate(() => {
        this.scheduled = false;
        this.flush();
      });
    }
    return event.eventId;
  }

  private onWritten(lines: readonly FormedLine[], bytes: number): void {
    this.writable = true;
    this.lastSequence += lines.length;
    this.writes += 1;
    const current = this.segment;
    this.ledger.written(current, lines, bytes);
    if (this.syncsEachWrite) this.syncInBackground();
    if (current.bytes >= this.options.segmentBytes) this.rotate();
    for (const { queued, event } of lines) this.tell(queued.written, undefined, event);
    for (const listener of this.listeners) listener();
  }

  private onRefused(lines: readonly FormedLine[], error: Error): void {
    this.kept = lines.filter(({ closes }) => closes !== undefined).map(({ queued }) => queued);
    this.becomeUnwritable(error);
    for (const { queued, closes } of lines) {
      if (closes !== undefined) continue;
      this.refused += 1;
      this.tell(queued.written, error, undefined);
    }
  }

  private tell(written: WrittenCallback | undefined, ...result: Parameters<WrittenCallback>): void {
    try {
      written?.(...result);
    } catch (error) {
      this.options.onError(toError(error));
    }
  }

  private becomeUnwritable(error: Error): void {
    if (this.writable) this.options.onError(error);
    this.writable = false;
    if (this.retryTimer !== undefined || this.closed) return;
    this.retryTimer = setTimeout(() => void this.tryAgain(), this.options.retryEveryMs ?? 250);
  }

  private async tryAgain(): Promise<void> {
    try {
      await this.folder.disk.probe();
      this.retryTimer = undefined;
      this.writable = true;
      this.flush();
    } catch (error) {
      this.retryTimer = undefined;
      this.becomeUnwritable(toError(error));
    }
  }

  private openSegment(): [SegmentFile, LedgerSegment] {
    const first = this.lastSequence + 1;
    const writer = this.folder.disk.openSegment(this.epoch, first);
    return [writer, this.ledger.addSegment(this.epoch, first)];
  }

  private rotate(): void {
    const full = this.writer;
    try {
      [this.writer, this.segment] = this.openSegment();
    } catch (error) {
      // The full segment goes on being written to; the next write tries again.
      return this.options.onError(toError(error));
    }
    this.retired.push(full);
    this.syncInBackground();
  }

  private writeCarried(key: string, line: Buffer): boolean {
    const bytes = Buffer.concat([Buffer.from(CARRIED_PREFIX), line, Buffer.from('\n')]);
    try {
      this.writer.write(bytes);
    } catch (error) {
      this.becomeUnwritable(toError(error));
      return false;
    }
    this.writes += 1;
    this.ledger.carried({ segment: this.segment, key, line, bytes: bytes.length, isRecovery: false });
    return true;
  }

  /** Only after what was carried over is on the disk. */
  private async deleteSegments(segments: readonly LedgerSegment[]): Promise<void> {
    try {
      await this.sync();
      for (const { epoch, first } of segments) await this.folder.disk.deleteSegment(epoch, first);
    } catch (error) {
      // They are found, and released, again when the folder is next opened.
      this.options.onError(toError(error));
    }
  }

  private syncInBackground(): void {
    if (this.syncing !== undefined || this.syncedWrites === this.writes || this.closed) return;
    void this.syncOrReport();
  }

  private async syncOrReport(): Promise<void> {
    try {
      await this.sync();
    } catch (error) {
      this.becomeUnwritable(toError(error));
    }
  }

  private async syncThrough(writes: number): Promise<void> {
    while (this.syncedWrites < writes) {
      this.syncing ??= this.runSync();
      await this.syncing;
    }
  }

  private async runSync(): Promise<void> {
    const { writes, retired, writer } = this;
    this.retired = [];
    try {
      for (const full of retired) {
        await full.sync();
        full.close();
      }
      await writer.sync();
      this.syncedWrites = writes;
    } catch (error) {
      this.retired = [...retired, ...this.retired];
      throw error;
    } finally {
      this.syncing = undefined;
    }
    // Under `syncEachWrite` what was written meanwhile does not wait for the timer.
    if (this.syncsEachWrite) setImmediate(() => this.syncInBackground());
  }
}
