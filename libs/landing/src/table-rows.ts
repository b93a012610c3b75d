import { createHash } from 'node:crypto';
import type { LandingItem } from './landing-event.js';
import type { SinkRow, SinkTable } from './sink-table.js';

const FIRST_BYTES = 256 * 1024;
/** UTF-8 needs at most three bytes for a UTF-16 unit. */
const BYTES_PER_UNIT_MAX = 3;

/** A batch's rows of one table, ready to be sent, item by item. */
export class TableRows {
  readonly items: LandingItem[] = [];
  /** Times of the rows, in milliseconds. */
  from = Infinity;
  to = -Infinity;
  private bytes = Buffer.allocUnsafe(FIRST_BYTES);
  private length = 0;
  /** Where the rows of each item end. */
  private readonly ends: number[] = [];

  constructor(readonly table: SinkTable) {}

  /** Rows of one item are added one after the other. */
  add(item: LandingItem, row: SinkRow): void {
    for (const piece of row.pieces) this.write(piece);
    this.from = Math.min(this.from, row.time);
    this.to = Math.max(this.to, row.time);
    if (this.items.at(-1) === item) this.ends[this.ends.length - 1] = this.length;
    else {
      this.items.push(item);
      this.ends.push(this.length);
    }
  }

  /** The rows of items `start` to `end`, as they are sent. A view. */
  slice(start: number, end: number): Buffer {
    return this.bytes.subarray(start === 0 ? 0 : this.ends[start - 1], end === 0 ? 0 : this.ends[end - 1]);
  }

  /** The same without some items. */
  without(isLeftOut: (item: LandingItem) => boolean): TableRows {
    const rest = new TableRows(this.table);
    this.items.forEach((item, index) => {
      if (isLeftOut(item)) return;
      rest.write(this.slice(index, index + 1));
      rest.items.push(item);
      rest.ends.push(rest.length);
    });
    rest.from = this.from;
    rest.to = this.to;
    return rest;
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

/** SHA-256 in hex. */
export const digestOf = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');
