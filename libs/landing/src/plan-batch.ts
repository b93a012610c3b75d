import { producerKey, type Fault, type LandingItem } from './landing-event.js';
import { hasLanded, type LandedRanges } from './landed-ranges.js';
import type { LandingSink } from './landing-sink.js';
import type { SinkRow, SinkTable } from './sink-table.js';

/** A producer's epoch as a batch met it. */
export interface TouchedProducer {
  readonly producerId: string;
  readonly epoch: number;
  /** Sequences this batch lands; empty where all had landed before. */
  readonly sequences: number[];
}

export interface BatchPlan {
  /** What has not landed yet, each sequence once. */
  readonly fresh: readonly LandingItem[];
  readonly touched: ReadonlyMap<string, TouchedProducer>;
  readonly duplicates: number;
}

/** Drops what has landed by the watermarks, and repeats within the batch. Lines that name no event are always fresh. */
export function planBatch(items: readonly LandingItem[], landedOf: (producer: string) => LandedRanges): BatchPlan {
  const fresh: LandingItem[] = [];
  const touched = new Map<string, TouchedProducer>();
  const seen = new Map<string, Set<number>>();
  for (const item of items) {
    if (!item.origin) {
      fresh.push(item);
      continue;
    }
    const { producerId, epoch, sequence } = item.origin;
    const key = producerKey(item.origin);
    let producer = touched.get(key);
    let taken = seen.get(key);
    if (!producer || !taken) {
      touched.set(key, (producer = { producerId, epoch, sequences: [] }));
      seen.set(key, (taken = new Set()));
    }
    if (taken.has(sequence) || hasLanded(landedOf(key), sequence)) continue;
    taken.add(sequence);
    producer.sequences.push(sequence);
    fresh.push(item);
  }
  return { fresh, touched, duplicates: items.length - fresh.length };
}

/** Rows of one item for one table: they land together. */
export interface PendingRows {
  readonly item: LandingItem;
  readonly rows: SinkRow[];
}

export interface DeadLetter {
  readonly item: LandingItem;
  readonly fault: Fault;
}

export interface MappedBatch {
  readonly tables: ReadonlyMap<SinkTable, PendingRows[]>;
  readonly deadLetters: DeadLetter[];
}

/** Makes the rows of a plan. A fault in one item, or in one table's rows of it, costs nothing else. */
export function mapBatch(fresh: readonly LandingItem[], sink: LandingSink): MappedBatch {
  const tables = new Map<SinkTable, PendingRows[]>();
  const deadLetters: DeadLetter[] = [];
  for (const item of fresh) {
    if (item.kind === 'skipped') continue;
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
  return { tables, deadLetters };
}

function makeRows(make: () => readonly SinkRow[]): { rows: readonly SinkRow[] } | { fault: Fault } {
  try {
    return { rows: make() };
  } catch (error) {
    return { fault: { reason: 'invalid_data', detail: error instanceof Error ? error.message : String(error) } };
  }
}

function addRows(tables: Map<SinkTable, PendingRows[]>, item: LandingItem, rows: readonly SinkRow[]): void {
  for (const row of rows) {
    let pending = tables.get(row.table);
    if (!pending) tables.set(row.table, (pending = []));
    const last = pending.at(-1);
    if (last?.item === item) last.rows.push(row);
    else pending.push({ item, rows: [row] });
  }
}
