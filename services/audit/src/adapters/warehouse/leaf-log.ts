import { createHash } from 'node:crypto';
import type { AppendedLog, DeadLetterFacts, LandingEvent, LandingLog, LogDraft, PartitionLog } from '@weir/landing';
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
/** Stands where there is no event, or no producer. */
const NOBODY = '00000000-0000-0000-0000-000000000000';

/** Parameters travel in the URL, of which a server may take no more than 16 KiB: some 75 bytes a hash. */
const LETTERS_PER_QUERY = 128;

/** Leaves of the log are not what one writer after another can have left. Nothing lands until somebody has looked. */
export class DamagedLogError extends Error {
  override readonly name = 'DamagedLogError';
}

/** A leaf to be: its hash, and the rest of its row. */
interface DraftLeaf {
  readonly hash: Hash;
  readonly hex: string;
  /** The cells after the hash, with a newline. */
  readonly rest: string;
}

/** The sequences of one producer's epoch that a draft holds lie in it. */
interface DraftSpan {
  readonly producerId: string;
  readonly epoch: number;
  first: number;
  last: number;
}

class LeafDraft implements LogDraft {
  readonly leaves: DraftLeaf[] = [];
  private readonly spansByProducer = new Map<string, DraftSpan>();

  /** Hashes of the leaves that state dead letters. */
  readonly letters: string[] = [];

  get spans(): readonly DraftSpan[] {
    return [...this.spansByProducer.values()];
  }

  /** Leaves that the log does not hold, each once: a message that nobody can place may be in a batch twice. */
  takeFresh(isHeld: (hex: string) => boolean): readonly DraftLeaf[] {
    const fresh = new Map<string, DraftLeaf>();
    for (const leaf of this.leaves) if (!isHeld(leaf.hex) && !fresh.has(leaf.hex)) fresh.set(leaf.hex, leaf);
    return [...fresh.values()];
  }

  addEvent({ envelope, leaf }: LandingEvent): void {
    const { eventId, time, producerId, epoch, sequence } = envelope;
    this.cover(producerId, epoch, sequence);
    this.add(leaf, `event\t${eventId}\t${timeMsOf(time)}\t${producerId}\t${epoch}\t${sequence}\n`);
  }

  addDeadLetter(letter: DeadLetterFacts): void {
    const { producerId = NOBODY, epoch = 0, sequence = 0 } = letter.origin ?? {};
    const hex = this.add(deadLetterLeaf(letter), `dead_letter\t${NOBODY}\t0\t${producerId}\t${epoch}\t${sequence}\n`);
    this.letters.push(hex);
  }

  private cover(producerId: string, epoch: number, sequence: number): void {
    const key = `${producerId}:${epoch}`;
    const span = this.spansByProducer.get(key);
    if (!span) this.spansByProducer.set(key, { producerId, epoch, first: sequence, last: sequence });
    else {
      span.first = Math.min(span.first, sequence);
      span.last = Math.max(span.last, sequence);
    }
  }

  /** Returns the hash in hex. */
  private add(leaf: string | Uint8Array, rest: string): string {
    const hash = leafHash(leaf);
    const hex = Buffer.from(hash).toString('hex');
    this.leaves.push({ hash, hex, rest });
    return hex;
  }
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
  /** Leaves that stood beyond the stored head when it was read: their events are still to be delivered again. */
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
    if (looksFirst) for (const hex of await this.findHeld(draft)) held.add(hex);
    const fresh = draft.takeFresh((hex) => this.adopted.has(hex) || held.has(hex));
    const next = head.clone();
    if (fresh.length > 0) await this.insert(head.size, fresh);
    for (const { hash } of fresh) next.append(hash);
    return {
      save: (query) => saveHead(query, this.partition, next),
      commit: () => {
        this.head = next;
        for (const { hex } of draft.leaves) this.adopted.delete(hex);
      },
    };
  }

  /** The stored head, and what a writer before this one has appended beyond it. */
  private async readAll(): Promise<Frontier> {
    const { size, frontier } = await readHead(this.query, this.partition);
    const head = Frontier.decode(size, frontier);
    const rows = await this.warehouse.query<{ leaf_index: string; leaf_hash: string }>(
      `SELECT leaf_index, leaf_hash FROM ${this.warehouse.database}.${TABLE}
       WHERE partition = {partition: UInt16} AND leaf_index >= {size: UInt64} ORDER BY leaf_index`,
      { partition: this.partition, size },
    );
    this.adopted = new Set();
    for (const { leaf_index: index, leaf_hash: hex } of rows) {
      if (Number(index) !== head.size) {
        throw new DamagedLogError(
          `the log of partition ${this.partition} has leaf ${index} where ${head.size} should be`,
        );
      }
      head.append(Buffer.from(hex, 'hex'));
      this.adopted.add(hex);
    }
    return head;
  }

  /**
   * Which of the draft's events have a leaf anywhere in the log. The head moves over what a writer that died had appended, so a later one does not
   * find it beyond the head; its events may still come, in other batches.
   */
  private async findHeld({ spans }: LeafDraft): Promise<ReadonlySet<string>> {
    if (spans.length === 0) return new Set();
    const parameters: Record<string, string | number> = { partition: this.partition };
    const conditions = spans.map(({ producerId, epoch, first, last }, index) => {
      Object.assign(parameters, {
        [`p${index}`]: producerId,
        [`e${index}`]: epoch,
        [`a${index}`]: first,
        [`b${index}`]: last,
      });
      return `(producer_id = {p${index}: UUID} AND epoch = {e${index}: UInt64} AND sequence BETWEEN {a${index}: UInt64} AND {b${index}: UInt64})`;
    });
    const rows = await this.warehouse.query<{ leaf_hash: string }>(
      `SELECT leaf_hash FROM ${this.warehouse.database}.${TABLE}
       WHERE partition = {partition: UInt16} AND kind = 'event' AND (${conditions.join(' OR ')})`,
      parameters,
    );
    return new Set(rows.map(({ leaf_hash: hex }) => hex));
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
