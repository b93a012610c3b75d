import { createHash } from 'node:crypto';
import type { Origin } from './landing-event.js';
import type { SinkRow, SinkTable } from './sink-table.js';

const FIRST_BYTES = 64 * 1024;
/** Buffers that wait for the next batch of a table: megabytes, which the collector would be called for each time. */
const freeBuffers = new WeakMap<SinkTable, Buffer[]>();
const FREE_BUFFERS_MAX = 2;
/** UTF-8 needs at most three bytes for a UTF-16 unit. */
const BYTES_PER_UNIT_MAX = 3;

/** Which line of which message of the batch a row came from. */
export interface ItemPlace {
  readonly message: number;
  readonly line: number;
}

/** A batch's rows of one table, ready to be sent, item by item. */
export class TableRows {
  /** Times of the rows, in milliseconds. */
  from = Infinity;
  to = -Infinity;
  private bytes: Buffer;
  private length = 0;
  private wholeDigest: string | undefined;
  /** Where the rows of each item end, and what the item is: numbers, since a batch has thousands. */
  private readonly ends: number[] = [];
  private readonly messages: number[] = [];
  private readonly lines: number[] = [];
  /** The events of rows that came from another than the item's own. */
  private readonly foreign = new Map<number, Origin>();

  constructor(readonly table: SinkTable) {
    this.bytes = freeBuffers.get(table)?.pop() ?? Buffer.allocUnsafe(FIRST_BYTES);
  }

  /** Items that have rows. */
  get count(): number {
    return this.ends.length;
  }

  place(index: number): ItemPlace {
    return { message: this.messages[index] ?? 0, line: this.lines[index] ?? 0 };
  }

  /** The event that the columns of an item's rows name. */
  origin(index: number, own: Origin | undefined): Origin | undefined {
    return this.foreign.get(index) ?? own;
  }

  /** Rows of one item are added one after the other; `own` is the item's event. Those that name another count as an item of their own. */
  add({ message, line }: ItemPlace, row: SinkRow, own: Origin | undefined): void {
    this.wholeDigest = undefined;
    for (const piece of row.pieces) this.write(piece);
    if (row.time < this.from) this.from = row.time;
    if (row.time > this.to) this.to = row.time;
    const last = this.ends.length - 1;
    const foreign = own && isSame(own, row.origin) ? undefined : row.origin;
    const isOpen = this.messages[last] === message && this.lines[last] === line;
    if (isOpen && isSame(this.foreign.get(last), foreign)) this.ends[last] = this.length;
    else this.mark({ message, line }, foreign);
  }

  /** The rows of items `start` to `end`, as they are sent. A view. */
  slice(start: number, end: number): Buffer {
    return this.bytes.subarray(start === 0 ? 0 : this.ends[start - 1], end === 0 ? 0 : this.ends[end - 1]);
  }

  /** SHA-256 of {@link slice}; that of all rows is worked out once. */
  digest(start: number, end: number): string {
    if (start !== 0 || end !== this.count) return digestOf(this.slice(start, end));
    return (this.wholeDigest ??= digestOf(this.slice(start, end)));
  }

  /** Gives the memory back for the next batch. Only when nothing reads it any more: the rows are gone with it. */
  release(): void {
    const free = freeBuffers.get(this.table) ?? [];
    freeBuffers.set(this.table, free);
    if (free.length < FREE_BUFFERS_MAX) free.push(this.bytes);
    this.bytes = Buffer.alloc(0);
    this.length = 0;
    this.ends.length = 0;
    this.foreign.clear();
  }

  /** The same without some items. */
  without(isLeftOut: (index: number) => boolean): TableRows {
    const rest = new TableRows(this.table);
    for (let index = 0; index < this.count; index++) {
      if (isLeftOut(index)) continue;
      rest.write(this.slice(index, index + 1));
      rest.mark(this.place(index), this.foreign.get(index));
    }
    rest.from = this.from;
    rest.to = this.to;
    return rest;
  }

  private mark({ message, line }: ItemPlace, foreign: Origin | undefined): void {
    if (foreign) this.foreign.set(this.ends.length, foreign);
    this.ends.push(this.length);
    this.messages.push(message);
    this.lines.push(line);
  }

  private write(piece: string | Uint8Array): void {
    this.reserve(piece.length * (typeof piece === 'string' ? BYTES_PER_UNIT_MAX : 1));
    if (typeof piece === 'string') this.length += this.bytes.write(piece, this.length);
    else {
      this.bytes.set(piece, this.length);
      this.length += piece.length;
    }
  }

  private reserve(bytes: number): void {
    if (this.length + bytes <= this.bytes.length) return;
    const larger = Buffer.allocUnsafe(Math.max(this.bytes.length * 2, this.length + bytes));
    larger.set(this.bytes.subarray(0, this.length));
    this.bytes = larger;
  }
}

const isSame = (one: Origin | undefined, other: Origin | undefined): boolean =>
  one?.sequence === other?.sequence && one?.epoch === other?.epoch && one?.producerId === other?.producerId;

/** SHA-256 in hex. */
export const digestOf = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');
