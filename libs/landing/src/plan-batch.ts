import { producerKey, type Fault, type LandingItem, type Origin, type ReadMessage } from './landing-event.js';
import { addRange, countLanded, hasLanded, type LandedRanges } from './landed-ranges.js';
import type { LandingSink } from './landing-sink.js';
import type { SinkRow, SinkTable } from './sink-table.js';
import { TableRows } from './table-rows.js';

/** A producer's epoch as a batch met it. */
export interface TouchedProducer {
  readonly producerId: string;
  readonly epoch: number;
  /** What has landed of it when the batch has. */
  landed: LandedRanges;
  /** Whether that is more than before. */
  hasMoved: boolean;
}

export interface BatchPlan {
  /** What has not landed yet, each sequence once. */
  readonly fresh: readonly LandingItem[];
  readonly touched: ReadonlyMap<string, TouchedProducer>;
  readonly landed: number;
  readonly duplicates: number;
}

/** Drops what has landed by the watermarks, and repeats within the batch. Lines that name no event are always fresh. */
export function planBatch(messages: readonly ReadMessage[], landedOf: (producer: string) => LandedRanges): BatchPlan {
  const fresh: LandingItem[] = [];
  const touched = new Map<string, TouchedProducer>();
  let landed = 0;
  let duplicates = 0;
  for (const { run, items, lines } of messages) {
    if (!run) {
      fresh.push(...items);
      landed += lines;
      continue;
    }
    const key = producerKey(run);
    let producer = touched.get(key);
    if (!producer) {
      producer = { producerId: run.producerId, epoch: run.epoch, landed: landedOf(key), hasMoved: false };
      touched.set(key, producer);
    }
    const before = producer.landed;
    const known = countLanded(before, [run.first, run.last]);
    duplicates += known;
    landed += lines - known;
    if (known === lines) continue;
    fresh.push(...(known === 0 ? items : items.filter((item) => !isKnown(before, item.origin))));
    producer.landed = addRange(before, [run.first, run.last]);
    producer.hasMoved = true;
  }
  return { fresh, touched, landed, duplicates };
}

const isKnown = (landed: LandedRanges, origin: Origin | null): boolean =>
  origin !== null && hasLanded(landed, origin.sequence);

export interface DeadLetter {
  readonly item: LandingItem;
  readonly fault: Fault;
}

export interface MappedBatch {
  readonly tables: readonly TableRows[];
  readonly deadLetters: DeadLetter[];
}

/** Makes the rows of a plan. A fault in one item, or in one table's rows of it, costs nothing else. */
export function mapBatch(fresh: readonly LandingItem[], sink: LandingSink): MappedBatch {
  const tables = new Map<SinkTable, TableRows>();
  const deadLetters: DeadLetter[] = [];
  for (const item of fresh) {
    if (item.kind === 'poison') {
      deadLetters.push({ item, fault: item.fault });
      continue;
    }
    if (item.event.fault) deadLetters.push({ item, fault: item.event.fault });
    for (const source of sink.sources) {
      const made = makeRows(() => source(item.event));
      if ('fault' in made) deadLetters.push({ item, fault: made.fault });
      else addRows(tables, item, made.rows);
    }
  }
  return { tables: [...tables.values()], deadLetters };
}

function makeRows(make: () => readonly SinkRow[]): { rows: readonly SinkRow[] } | { fault: Fault } {
  try {
    return { rows: make() };
  } catch (error) {
    return { fault: { reason: 'invalid_data', detail: error instanceof Error ? error.message : String(error) } };
  }
}

function addRows(tables: Map<SinkTable, TableRows>, item: LandingItem, rows: readonly SinkRow[]): void {
  for (const row of rows) {
    let table = tables.get(row.table);
    if (!table) tables.set(row.table, (table = new TableRows(row.table)));
    table.add(item, row);
  }
}
