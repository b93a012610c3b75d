import { createHash } from 'node:crypto';
import {
  OriginSpans,
  spanCondition,
  type AppendedLog,
  type DeadLetterFacts,
  type LandingEvent,
  type LandingLog,
  type LogDraft,
  type PartitionLog,
} from '@weir/landing';
import type { Query } from '@weir/store';
import { Frontier, canonicalJson, leafHash, type Hash } from '@weir/translog';
import type { Warehouse } from '@weir/warehouse';
import { readHead, saveHead } from '../store/log-head-store.js';

const TABLE = 'log_leaves';
const COLUMNS = [
  'partition',
  'leaf_index',
  'leaf_hash',
  'kind',
  'event_id',
  'time_ms',
  'producer_id',
  'epoch',
  'sequence',
];
const ORIGIN = "concat(toString(producer_id), ':', toString(epoch), ':', toString(sequence))";
/** Stands where there is no event, or no producer. */
const NOBODY = '00000000-0000-0000-0000-000000000000';

/** Parameters travel in the URL, of which a server may take no more than 16 KiB: some 75 bytes a hash, 110 a span. */
const LETTERS_PER_QUERY = 128;
const SPANS_PER_QUERY = 100;
/** UUIDs of version 8 are made of what they stand for: whoever publishes under one may do so at any time, as often as it likes. */
const SHARED_PRODUCER = /^.{14}8/;

/** Leaves of the log are not what one writer after another can have left. Nothing lands until somebody has looked. */
export class DamagedLogError extends Error {
  override readonly name = 'DamagedLogError';
}

/** A leaf to be: its hash, and the rest of its row. */
interface DraftLeaf {
  /** What the log holds once: an event, by its place in its producer's journal and whatever its bytes; a dead letter, by its hash. */
  readonly key: string;
  readonly hash: Hash;
  readonly hex: string;
  /** The cells after the hash, with a newline. */
  readonly rest: string;
}

class LeafDraft implements LogDraft {
  readonly leaves: DraftLeaf[] = [];
  /** Hashes of the leaves that state dead letters. */
  readonly letters: string[] = [];
  readonly places = new OriginSpans();
  /** Times of the events, as their leaves have them. */
  from = Number.MAX_SAFE_INTEGER;
  to = 0;

  /** Leaves that the log does not hold, each once: a message that nobody can place may be in a batch twice. */
  takeFresh(isHeld: (key: string) => boolean): readonly DraftLeaf[] {
    const fresh = new Map<string, DraftLeaf>();
    for (const leaf of this.leaves) if (!isHeld(leaf.key) && !fresh.has(leaf.key)) fresh.set(leaf.key, leaf);
    return [...fresh.values()];
  }

  addEvent({ envelope, leaf }: LandingEvent): void {
    const { eventId, time, epoch, sequence } = envelope;
    const producerId = envelope.producerId.toLowerCase();
    const timeMs = timeMsOf(time);
    this.places.add({ producerId, epoch, sequence });
    this.cover(SHARED_PRODUCER.test(producerId) ? [0, Number.MAX_SAFE_INTEGER] : [timeMs, timeMs]);
    this.leaves.push({
      key: `${producerId}:${epoch}:${sequence}`,
      ...hashOf(leaf),
      rest: `event\t${eventId}\t${timeMs}\t${producerId}\t${epoch}\t${sequence}\n`,
    });
  }

  addDeadLetter(letter: DeadLetterFacts): void {
    const { producerId = NOBODY, epoch = 0, sequence = 0 } = letter.origin ?? {};
    const rest = `dead_letter\t${NOBODY}\t0\t${producerId}\t${epoch}\t${sequence}\n`;
    const { hash, hex } = hashOf(deadLetterLeaf(letter));
    this.letters.push(hex);
    this.leaves.push({ key: hex, hash, hex, rest });
  }

  private cover([from, to]: readonly [number, number]): void {
    if (from < this.from) this.from = from;
    if (to > this.to) this.to = to;
  }
}

function hashOf(leaf: string | Uint8Array): { readonly hash: Hash; readonly hex: string } {
  const hash = leafHash(leaf);
  return { hash, hex: Buffer.from(hash).toString('hex') };
}

/** RFC 8785's form of what a dead letter states, so that its row alone gives the leaf again. */
function deadLetterLeaf({ origin, ...letter }: DeadLetterFacts): string {
  return canonicalJson({
    ...letter,
    producerId: origin?.producerId ?? null,
    epoch: origin?.epoch ?? 0,
    sequence: origin?.sequence ?? 0,
  });
}

/** Milliseconds as the column holds them. Whatever an event says of its time, its leaf must not be refused. */
function timeMsOf(time: number): number {
  return Number.isFinite(time) ? Math.min(Math.max(0, Math.floor(time)), Number.MAX_SAFE_INTEGER) : 0;
}

/**
 * The log of one partition: leaf hashes in ClickHouse, the head in Postgres. The token of an insert is the place of its first leaf, so of
 * two writers that would append at the same place the warehouse takes one; what was taken is read back before the head moves. Leaves beyond
 * the head were appended by a writer that died before it moved: they keep their places, and their events get no others.
 */
class PartitionLeafLog implements PartitionLog {
  /** The head, leaves beyond the stored one included; undefined where it must be read again. */
  private head: Frontier | undefined;
  /** Keys of leaves that stood beyond the stored head when it was read: their events are still to be delivered again. */
  private adopted = new Set<string>();

  constructor(
    private readonly partition: number,
    private readonly query: Query,
    private readonly warehouse: Warehouse,
  ) {}

  draft(): LogDraft {
    return new LeafDraft();
  }

  async append(draft: LogDraft, looksFirst: boolean): Promise<AppendedLog> {
    if (!(draft instanceof LeafDraft)) throw new TypeError('a draft of another log');
    const head = this.head ?? (await this.readAll());
    // Until the watermarks have moved too, nobody knows what holds.
    this.head = undefined;
    // The row of a dead letter is looked up each time, and so is its leaf: no watermark speaks for a message that nobody can place.
    const held = await this.findHeldLetters(draft);
    if (looksFirst) for (const origin of await this.findHeldEvents(draft)) held.add(origin);
    const fresh = draft.takeFresh((key) => this.adopted.has(key) || held.has(key));
    const next = head.clone();
    if (fresh.length > 0) await this.insert(head.size, fresh);
    for (const { hash } of fresh) next.append(hash);
    return {
      save: (query) => saveHead(query, this.partition, next),
      commit: () => {
        this.head = next;
        for (const { key } of draft.leaves) this.adopted.delete(key);
      },
    };
  }

  /** The stored head, and what a writer before this one has appended beyond it. */
  private async readAll(): Promise<Frontier> {
    const { size, frontier } = await readHead(this.query, this.partition);
    const head = Frontier.decode(size, frontier);
    const rows = await this.warehouse.query<{ leaf_index: string; leaf_hash: string; kind: string; origin: string }>(
      `SELECT leaf_index, leaf_hash, kind, ${ORIGIN} AS origin FROM ${this.warehouse.database}.${TABLE}
       WHERE partition = {partition: UInt16} AND leaf_index >= {size: UInt64} ORDER BY leaf_index`,
      { partition: this.partition, size },
    );
    this.adopted = new Set();
    for (const { leaf_index: index, leaf_hash: hex, kind, origin } of rows) {
      if (Number(index) !== head.size) {
        throw new DamagedLogError(
          `the log of partition ${this.partition} has leaf ${index} where ${head.size} should be`,
        );
      }
      head.append(Buffer.from(hex, 'hex'));
      this.adopted.add(kind === 'event' ? origin : hex);
    }
    return head;
  }

  /**
   * Which of the draft's events have a leaf anywhere in the log, as `producer:epoch:sequence`. The head moves over what a writer that died had
   * appended, so a later one does not find it beyond the head; its events may still come, in other batches and, of a replay, in other bytes.
   */
  private async findHeldEvents({ places, from, to }: LeafDraft): Promise<ReadonlySet<string>> {
    const held = new Set<string>();
    const { spans } = places;
    for (let start = 0; start < spans.length; start += SPANS_PER_QUERY) {
      const { condition, parameters } = spanCondition(spans.slice(start, start + SPANS_PER_QUERY));
      const rows = await this.warehouse.query<{ origin: string }>(
        `SELECT ${ORIGIN} AS origin FROM ${this.warehouse.database}.${TABLE}
         WHERE partition = {partition: UInt16} AND kind = 'event' AND time_ms BETWEEN {from: UInt64} AND {to: UInt64} AND ${condition}`,
        { partition: this.partition, from, to, ...parameters },
      );
      for (const { origin } of rows) held.add(origin);
    }
    return held;
  }

  /** Which of the draft's dead letters have a leaf anywhere in the log. */
  private async findHeldLetters({ letters }: LeafDraft): Promise<Set<string>> {
    const held = new Set<string>();
    for (let start = 0; start < letters.length; start += LETTERS_PER_QUERY) {
      const rows = await this.warehouse.query<{ leaf_hash: string }>(
        `SELECT leaf_hash FROM ${this.warehouse.database}.${TABLE}
         WHERE partition = {partition: UInt16} AND kind = 'dead_letter' AND time_ms = 0 AND leaf_hash IN {hashes: Array(String)}`,
        { partition: this.partition, hashes: letters.slice(start, start + LETTERS_PER_QUERY) },
      );
      for (const { leaf_hash: hex } of rows) held.add(hex);
    }
    return held;
  }

  private async insert(first: number, leaves: readonly DraftLeaf[]): Promise<void> {
    const { partition, warehouse } = this;
    const lines = leaves.map(({ hex, rest }, i) => `${partition}\t${first + i}\t${hex}\t${rest}`).join('');
    await warehouse.insertLines({ table: TABLE, columns: COLUMNS, lines, token: `log:${partition}:${first}` });
    const [row] = await warehouse.query<{ digest: string }>(
      `SELECT lower(hex(SHA256(arrayStringConcat(groupArray(leaf_hash))))) AS digest FROM (
         SELECT leaf_hash FROM ${warehouse.database}.${TABLE}
         WHERE partition = {partition: UInt16} AND leaf_index >= {first: UInt64} ORDER BY leaf_index)`,
      { partition, first },
    );
    const digest = createHash('sha256')
      .update(leaves.map(({ hex }) => hex).join(''))
      .digest('hex');
    if (row?.digest !== digest) {
      throw new Error(`another writer has appended to the log of partition ${partition} at leaf ${first}`);
    }
  }
}

/** The tamper-evident log of what audit lands. */
export const leafLog: LandingLog = {
  open: (partition, { query, warehouse }) => new PartitionLeafLog(partition, query, warehouse),
};
