import { unescapeCell } from './table-reader.js';

const TAB = 0x09;
const NEWLINE = 0x0a;
const BACKSLASH = 0x5c;
/** Cells before the leaf, which is the last. */
const CELLS_BEFORE_LEAF = 10;
const CELLS_OF_PLACE = 3;

/** One row of `events`, as it came. */
export interface EventRow {
  /** The cells before the leaf, each with its tab. */
  readonly head: string;
  /** The exact bytes of the leaf. */
  readonly leaf: Buffer;
  /** The whole line. */
  line(): string;
}

/** Rows of `events` by their place, as bytes: leaves are hashed, and few of them read whole. */
export class EventRows {
  private readonly starts: number[] = [];
  private readonly leaves: number[] = [];
  private readonly ends: number[] = [];
  private readonly byPlace = new Map<string, number>();
  private readonly repeated = new Map<string, number>();

  constructor(private readonly bytes: Buffer) {
    for (let start = 0; start < bytes.length;) start = this.addLine(start);
  }

  /** Number of rows of one place. */
  count(place: string): number {
    return this.repeated.get(place) ?? (this.byPlace.has(place) ? 1 : 0);
  }

  find(place: string): EventRow | undefined {
    const at = this.byPlace.get(place);
    if (at === undefined) return undefined;
    const { bytes } = this;
    const [start = 0, leafAt = 0, end = 0] = [this.starts[at], this.leaves[at], this.ends[at]];
    return {
      head: bytes.toString('latin1', start, leafAt),
      leaf: unescapeBytes(bytes.subarray(leafAt, end)),
      line: () => bytes.toString('utf8', start, end),
    };
  }

  private addLine(start: number): number {
    const { bytes } = this;
    let at = start;
    let placeEnd = start;
    for (let cells = 0; cells < CELLS_BEFORE_LEAF && at < bytes.length; at++) {
      if (bytes[at] !== TAB) continue;
      cells += 1;
      if (cells === CELLS_OF_PLACE) placeEnd = at;
    }
    const newline = bytes.indexOf(NEWLINE, at);
    const end = newline < 0 ? bytes.length : newline;
    const place = bytes.toString('latin1', start, placeEnd);
    const row = this.starts.push(start) - 1;
    this.leaves.push(at);
    this.ends.push(end);
    if (this.byPlace.has(place)) this.repeated.set(place, this.count(place) + 1);
    else this.byPlace.set(place, row);
    return end + 1;
  }
}

function unescapeBytes(cell: Buffer): Buffer {
  return cell.includes(BACKSLASH) ? Buffer.from(unescapeCell(cell.toString('utf8'))) : cell;
}
