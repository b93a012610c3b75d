import { producerKey, type Fault, type LandingItem, type Origin, type ReadMessage, type Run } from './landing-event.js';
import { addRange, countLanded, hasLanded, type LandedRanges } from './landed-ranges.js';
import type { LogDraft } from './landing-log.js';
import type { LandingSink } from './landing-sink.js';
import type { SinkRow, SinkTable } from './sink-table.js';
import { TableRows, type ItemPlace } from './table-rows.js';

/** A producer's epoch as a batch met it. */
export interface TouchedProducer {
  readonly producerId: string;
  readonly epoch: number;
  /** What has landed of it when the batch has. */
  landed: LandedRanges;
  /** Whether that is more than before. */
  hasMoved: boolean;
}

export interface DeadLetter {
  readonly item: LandingItem;
  readonly fault: Fault;
}

/**
 * A batch ready to be inserted: what has landed is left out, by the watermarks and within the batch. Built message by message, so that
 * of each event only its rows stay in memory.
 */
export class PreparedBatch {
  readonly touched = new Map<string, TouchedProducer>();
  readonly deadLetters: DeadLetter[] = [];
  landed = 0;
  duplicates = 0;
  /** When its oldest event was recorded, in milliseconds since the epoch. */
  oldest = Infinity;
  private readonly rows = new Map<SinkTable, TableRows>();
  /** What each message holds. */
  readonly runs: (Run | null)[] = [];

  constructor(
    private readonly sink: LandingSink,
    /** Reads a message of the batch once more. */
    private readonly readAgain: (message: number) => ReadMessage,
    /** What the batch adds to the log; undefined where the sink keeps none. */
    readonly draft?: LogDraft,
  ) {}

  get tables(): readonly TableRows[] {
    return [...this.rows.values()];
  }

  /** Adds the next message. `landed` is the watermark of its producer before this batch. */
  add(read: ReadMessage, landed: LandedRanges): void {
    const { run, items, lines, time } = read;
    const message = this.runs.push(run) - 1;
    if (time !== undefined && time < this.oldest) this.oldest = time;
    if (!run) {
      this.landed += lines;
      for (const item of items) this.addItem(item, message);
      return;
    }
    const producer = this.touch(run, landed);
    const before = producer.landed;
    const known = countLanded(before, [run.first, run.last]);
    this.duplicates += known;
    this.landed += lines - known;
    if (known === lines) return;
    for (const item of items) if (known === 0 || !isKnown(before, item.origin)) this.addItem(item, message);
    producer.landed = addRange(before, [run.first, run.last]);
    producer.hasMoved = true;
  }

  /** The event that an item's rows of a table came from. */
  origin(rows: TableRows, index: number): Origin | undefined {
    return rows.origin(index, this.originAt(rows.place(index)));
  }

  /** The line a row came from. */
  item({ message, line }: ItemPlace): LandingItem {
    const item = this.readAgain(message).items.find(({ position }) => position.line === line);
    if (!item) throw new Error(`line ${line} of message ${message} makes no rows`);
    return item;
  }

  private originAt({ message, line }: ItemPlace): Origin | undefined {
    const run = this.runs[message];
    return run ? { producerId: run.producerId, epoch: run.epoch, sequence: run.first + line } : undefined;
  }

  private touch(run: Run, landed: LandedRanges): TouchedProducer {
    const key = producerKey(run);
    let producer = this.touched.get(key);
    if (!producer) {
      producer = { producerId: run.producerId, epoch: run.epoch, landed, hasMoved: false };
      this.touched.set(key, producer);
    }
    return producer;
  }

  /** A fault in one item, or in one table's rows of it, costs nothing else. */
  private addItem(item: LandingItem, message: number): void {
    if (item.kind === 'poison') {
      this.deadLetters.push({ item, fault: item.fault });
      return;
    }
    this.draft?.addEvent(item.event);
    if (item.event.fault) this.deadLetters.push({ item, fault: item.event.fault });
    const place = { message, line: item.position.line };
    const own = this.originAt(place);
    for (const source of this.sink.sources) {
      const made = makeRows(() => source(item.event));
      if ('fault' in made) this.deadLetters.push({ item, fault: made.fault });
      else for (const row of made.rows) this.rowsOf(row.table).add(place, row, own);
    }
  }

  private rowsOf(table: SinkTable): TableRows {
    let rows = this.rows.get(table);
    if (!rows) this.rows.set(table, (rows = new TableRows(table)));
    return rows;
  }
}

const isKnown = (landed: LandedRanges, origin: Origin | null): boolean =>
  origin !== null && hasLanded(landed, origin.sequence);

function makeRows(make: () => readonly SinkRow[]): { rows: readonly SinkRow[] } | { fault: Fault } {
  try {
    return { rows: make() };
  } catch (error) {
    return { fault: { reason: 'invalid_data', detail: error instanceof Error ? error.message : String(error) } };
  }
}
