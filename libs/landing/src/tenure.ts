import { readStoredMessages, type BusConnection, type StreamBatch } from '@weir/bus';
import { eventStreamName } from '@weir/contracts';
import type { LockSession, StoreAddress, acquireLock } from '@weir/store';
import type { Warehouse } from '@weir/warehouse';
import { openDoubts, touchesDoubt } from './doubts.js';
import type { Failpoint } from './failpoint.js';
import { Fence, breakStaleLease, fenceTiming } from './fence.js';
import { Intents, positionsOf, type Intent } from './intents.js';
import { landBatch, type LandedBatch } from './land-batch.js';
import { NOTHING_LANDED } from './landed-ranges.js';
import { producerKey, type ReadMessage, type Run } from './landing-event.js';
import { landingStore } from './landing-schema.js';
import type { LandingLog, PartitionLog } from './landing-log.js';
import type { LandingSink } from './landing-sink.js';
import { PreparedBatch } from './prepare-batch.js';
import { Watermarks } from './watermarks.js';

/** What a message is made of, wherever it was read. */
export type Message = Pick<StreamBatch, 'streamSequence' | 'payload'>;

export interface TenureOptions {
  readonly sink: LandingSink;
  readonly log: LandingLog | undefined;
  readonly partition: number;
  readonly connection: BusConnection;
  readonly store: StoreAddress;
  /** How the partition's lock is taken. */
  readonly acquireLock: typeof acquireLock;
  readonly warehouse: Warehouse;
  readonly timeScale: number;
  readonly failpoint: Failpoint;
  readonly read: (message: Message) => ReadMessage;
  /** Told of each failed attempt to reach Postgres. */
  readonly onError: (error: unknown) => void;
  /** Told each time that another is the writer. */
  readonly onHeld: () => void;
}

/** A batch to land, and how. */
interface Undertaking {
  readonly messages: readonly Message[];
  readonly streamCreated: string;
  readonly looksFirst: boolean;
  readonly recordedAt?: number;
}

export interface LandedMessages extends LandedBatch {
  /** When the oldest event was recorded, in milliseconds since the epoch. */
  readonly oldest: number;
}

/**
 * The time for which a process is the one writer of a partition: it holds an advisory lock in Postgres and an epoch above all before it,
 * and begins by ending what the writer before it had begun.
 */
export class Tenure {
  private readonly watermarks: Watermarks;
  private readonly intents: Intents;
  private readonly log: PartitionLog | undefined;
  /** Runs of events that may stand in the warehouse though no watermark says so; undefined until it has recovered. */
  private doubts: readonly Run[] | undefined;

  private constructor(
    private readonly options: TenureOptions,
    private readonly session: LockSession,
    private readonly fence: Fence,
  ) {
    const { partition, store } = options;
    this.watermarks = new Watermarks(partition, session);
    this.log = options.log?.open(partition, { query: session.query, warehouse: options.warehouse });
    this.intents = new Intents({ session, partition, fence, schema: landingStore(store).schema });
  }

  /** Waits until this process is the writer. Throws the signal's reason where it aborts first. */
  static async acquire(options: TenureOptions, signal: AbortSignal): Promise<Tenure> {
    const { sink, partition, store, timeScale, onHeld, onError } = options;
    const { schema } = landingStore(store);
    const timing = fenceTiming(timeScale);
    const lock = `weir:landing:${sink.name}:${partition}`;
    const session = await options.acquireLock({
      ...store,
      name: lock,
      signal,
      retryMs: 500 * timeScale,
      onError,
      onHeld: (query) => {
        onHeld();
        return breakStaleLease(query, { schema, partition, lock, leaseMs: timing.leaseMs });
      },
    });
    try {
      return new Tenure(options, session, await Fence.take({ session, schema, partition, timing }));
    } catch (error) {
      await session.close();
      throw error;
    }
  }

  get isOver(): boolean {
    return this.session.lost.aborted;
  }

  /** Ends what an earlier writer had begun; once. Returns what that landed. */
  async recover(): Promise<LandedMessages | undefined> {
    if (this.doubts) return undefined;
    const doubts = await this.intents.doubts();
    await this.watermarks.load(doubts);
    const open = openDoubts(doubts, (key) => this.watermarks.get(key));
    const intent = await this.intents.findOpen();
    const recovered = intent && (await this.repeat(intent));
    // All of it was landed already, so nothing was written that would have ended it.
    if (recovered?.landed === 0) await this.session.transaction((query) => this.intents.finish(query));
    if (intent && !recovered) await this.intents.giveUp([...open, ...intent.runs]);
    this.doubts = intent && !recovered ? [...open, ...intent.runs] : open;
    await this.watermarks.load(this.doubts);
    return recovered;
  }

  /** Lands a batch. See {@link landBatch}. */
  async land(messages: readonly StreamBatch[], looksFirst: boolean): Promise<LandedMessages> {
    return this.undertake({ messages, streamCreated: messages[0]?.streamCreated ?? '', looksFirst });
  }

  /** @throws where the connection that holds the lock does not answer. */
  async check(): Promise<void> {
    await this.session.query('SELECT 1');
  }

  async close(): Promise<void> {
    this.fence.close();
    await this.session.close();
  }

  /**
   * The same messages give the same rows, since the watermarks are where they were. What the warehouse holds of them is left out, as it may
   * have forgotten the tokens; the rest has the tokens it had, so an earlier writer that wakes up inserts nothing. Undefined where the
   * messages are gone, or others stand in their places: a stream whose broker has lost its tail gives the same positions once more.
   */
  private async repeat(intent: Intent & { readonly recordedAt: number }): Promise<LandedMessages | undefined> {
    const { connection, partition } = this.options;
    const { streamCreated, recordedAt } = intent;
    const messages = await readStoredMessages({
      connection,
      stream: eventStreamName(partition),
      created: streamCreated,
      positions: positionsOf(intent.positions),
    });
    if (!messages || !this.hold(messages, intent.runs)) return undefined;
    return this.undertake({ messages, streamCreated, looksFirst: true, recordedAt });
  }

  /** Whether the messages hold these runs of events and no others. */
  private hold(messages: readonly Message[], runs: readonly Run[]): boolean {
    const found = messages.flatMap((message) => this.options.read(message).run ?? []);
    const nameOf = (run: Run): string => `${producerKey(run)}:${run.first}-${run.last}`;
    return found.length === runs.length && found.every((run, index) => nameOf(run) === nameOf(runs[index] ?? run));
  }

  private async undertake({ messages, looksFirst, ...rest }: Undertaking): Promise<LandedMessages> {
    const { sink, partition, warehouse, failpoint } = this.options;
    const batch = await this.prepare(messages);
    const landed = await landBatch(batch, {
      ...rest,
      sink: sink.name,
      warehouse,
      failpoint,
      fence: this.fence,
      intents: this.intents,
      watermarks: this.watermarks,
      log: this.log,
      stream: eventStreamName(partition),
      positions: messages.map((message) => message.streamSequence),
      looksFirst: looksFirst || touchesDoubt(this.doubts ?? [], batch.runs),
    });
    if (this.doubts?.length) this.doubts = openDoubts(this.doubts, (key) => this.watermarks.get(key));
    return { ...landed, oldest: batch.oldest };
  }

  private async prepare(messages: readonly Message[]): Promise<PreparedBatch> {
    const { sink, read } = this.options;
    const readAgain = (index: number): ReadMessage => {
      const message = messages[index];
      if (!message) throw new RangeError('no such message in the batch');
      return read(message);
    };
    const batch = new PreparedBatch(sink, readAgain, this.log?.draft());
    for (const message of messages) {
      const lines = read(message);
      const key = lines.run && producerKey(lines.run);
      if (lines.run && key !== null && !this.watermarks.find(key)) await this.watermarks.load([lines.run]);
      batch.add(lines, key === null ? NOTHING_LANDED : this.watermarks.get(key));
    }
    return batch;
  }
}
