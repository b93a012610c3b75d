import type { LandingEvent, Origin } from './landing-event.js';

/** A value of a row. */
export type TextCell = string | number | boolean | null | readonly string[];
/** The same, or UTF-8 text as bytes. */
export type Cell = TextCell | Uint8Array;

/** A landed table: the first column of its order is a time of the event, so that a look-up touches few rows. */
export interface SinkTable {
  readonly name: string;
  readonly columns: readonly string[];
  readonly timeColumn: string;
}

/** A row ready to be sent. */
export interface SinkRow {
  readonly table: SinkTable;
  /** The time column's value, in milliseconds. */
  readonly time: number;
  /** The event that its columns name as the one it came from: of a replay the event inside. */
  readonly origin: Origin;
  /** The values in the order of the table's columns, tab-separated, with a newline: pieces of one line. */
  readonly pieces: readonly (string | Uint8Array)[];
}

/** What a column of a table takes from a source. */
export type Columns<Source> = Readonly<Record<string, (source: Source) => Cell>>;

export interface SinkTableOptions<Source> {
  readonly name: string;
  readonly timeColumn: string;
  readonly time: (source: Source) => number;
  readonly columns: Columns<Source>;
}

/** A table together with the function that makes its rows. */
export interface RowMaker<Source> {
  readonly table: SinkTable;
  /**
   * The row of a source, with the columns that name the event it came from.
   *
   * @throws RangeError where a value does not fit its column: the event becomes a dead letter.
   */
  row(source: Source, event: LandingEvent): SinkRow;
}

/** Describes a landed table once, column by column, so that names and values cannot drift apart. */
export function defineSinkTable<Source>(options: SinkTableOptions<Source>): RowMaker<Source> {
  const names = [options.timeColumn, ...Object.keys(options.columns), 'producer_id', 'epoch', 'sequence'];
  const makers = Object.values(options.columns);
  const table: SinkTable = { name: options.name, columns: names, timeColumn: options.timeColumn };
  return {
    table,
    row: (source, { envelope }) => {
      const time = options.time(source);
      const pieces: (string | Uint8Array)[] = [];
      let text = timeCell(time);
      for (const make of makers) {
        const cell = make(source);
        if (cell instanceof Uint8Array) {
          pieces.push(`${text}\t`, escapeBytes(cell));
          text = '';
        } else text += `\t${encodeCell(cell)}`;
      }
      const { epoch, sequence } = envelope;
      const producerId = envelope.producerId.toLowerCase();
      pieces.push(`${text}\t${producerId}\t${epoch}\t${sequence}\n`);
      return { table, time, origin: { producerId, epoch, sequence }, pieces };
    },
  };
}

const NEEDS_ESCAPE = /[\\\t\n\r\0\b\f]/;
const ESCAPES: Readonly<Record<string, string>> = {
  '\\': '\\\\',
  '\t': '\\t',
  '\n': '\\n',
  '\r': '\\r',
  '\0': '\\0',
  '\b': '\\b',
  '\f': '\\f',
};

/**
 * A value as ClickHouse's `TabSeparated` format writes it (https://clickhouse.com/docs/interfaces/formats/TabSeparated). Chosen over JSON
 * because the leaf, by far the longest value, is JSON itself: here it needs no escaping unless it holds a backslash.
 */
export function encodeCell(cell: TextCell): string {
  if (typeof cell === 'string') return escapeText(cell);
  if (cell === null) return '\\N';
  if (typeof cell === 'object')
    return `[${cell.map((text) => `'${escapeText(text).replaceAll("'", "\\'")}'`).join(',')}]`;
  return String(cell);
}

function escapeText(text: string): string {
  if (!NEEDS_ESCAPE.test(text)) return text;
  return text.replace(/[\\\t\n\r\0\b\f]/g, (character) => ESCAPES[character] ?? character);
}

const BACKSLASH = 0x5c;
const SPACE = 0x20;

/** As {@link encodeCell}. Most leaves hold nothing to escape: those are passed on as they are. */
function escapeBytes(bytes: Uint8Array): Uint8Array {
  if (!needsEscape(bytes)) return bytes;
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return Buffer.from(escapeText(text.toString('utf8')));
}

function needsEscape(bytes: Uint8Array): boolean {
  // An iterator would take several times as long, and this sees every byte of the record.
  for (let index = 0; index < bytes.length; index++) {
    const byte = bytes[index] ?? 0;
    if (byte < SPACE || byte === BACKSLASH) return true;
  }
  return false;
}

/** Last millisecond that `DateTime64(3)` tells apart: the end of 2299. */
const TIME_MAX = Date.UTC(2300, 0, 1) - 1;

/**
 * Milliseconds since the epoch as `DateTime64(3)` reads them: seconds with three decimals.
 *
 * @throws RangeError outside 1970 to 2299, where ClickHouse would store another time without saying so.
 */
export function timeCell(ms: number): string {
  if (!(ms >= 0 && ms <= TIME_MAX)) throw new RangeError(`not a time: ${ms}`);
  const digits = Math.floor(ms).toString().padStart(4, '0');
  return `${digits.slice(0, -3)}.${digits.slice(-3)}`;
}

/**
 * A count for an unsigned column.
 *
 * @throws RangeError where it is negative, not whole, or beyond `max`: ClickHouse would store another number without saying so.
 */
export function countCell(value: number, max = Number.MAX_SAFE_INTEGER): number {
  if (!Number.isSafeInteger(value) || value < 0 || value > max)
    throw new RangeError(`not a count up to ${max}: ${value}`);
  return value;
}
