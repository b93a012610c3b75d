import {
  AttemptFinishedV1,
  CallDeniedV1,
  CallFinishedV1,
  ProducerAliveV1,
  type EventData,
  type EventEnvelope,
  type PriceRecord,
} from '@weir/contracts';
import type { Warehouse } from '@weir/warehouse';
import { AuditFault } from './audit-fault.js';
import type { AuditCounts } from './audit-report.js';
import {
  ATTEMPT_RULES,
  CALL_RULES,
  CHARGE_RULES,
  EVENT_RULES,
  rateAttempt,
  type AttemptFacts,
  type CallFacts,
} from './column-rules.js';
import { isRefused, readDeadLetterHashes } from './dead-letter-reader.js';
import { epochKey, findJson, hexHash, type LeafOrigin } from './leaf-log.js';
import type { LeafRow } from './log-reader.js';
import { contains, type Ranges } from './sequence-ranges.js';
import { TableReader, spansOf, type Row } from './table-reader.js';

export interface ContentOptions {
  readonly warehouse: Warehouse;
  readonly counts: AuditCounts;
  /** What billing has landed: only there charges can be asked for. */
  readonly charged: ReadonlyMap<string, Ranges>;
  readonly findPrice: (version: string) => PriceRecord | undefined;
}

type Rows = Map<string, Row[]>;
type Place = Readonly<Record<string, string | number>>;

/** A base table as far as its rows are counted. */
export type RowCounter = Pick<TableReader<never>, 'table' | 'countByEpoch' | 'countWithin' | 'checkColumns'>;

/** A leaf of a page together with its event. */
interface PageEvent {
  readonly key: string;
  readonly event: EventEnvelope;
  readonly place: Place;
}

const keyOf = ({ producerId, epoch, sequence }: LeafOrigin): string => `${producerId}:${epoch}:${sequence}`;

/** Checks what stands behind the leaves: every base table, every column. One page at a time, so that memory does not grow with the record. */
export class ContentCheck {
  readonly events: TableReader<Parameters<(typeof EVENT_RULES.columns)['leaf']['expect']>[0]>;
  readonly calls: TableReader<CallFacts>;
  readonly attempts: TableReader<AttemptFacts>;
  readonly charges: TableReader<Parameters<(typeof CHARGE_RULES.columns)['line']['expect']>[0]>;
  private readonly matched = new Map<string, Map<string, number>>();
  /** Where epochs ended, as the first event of the next one says. */
  readonly epochEnds = new Map<string, number>();

  constructor(private readonly options: ContentOptions) {
    const { warehouse } = options;
    this.events = new TableReader(warehouse, EVENT_RULES);
    this.calls = new TableReader(warehouse, CALL_RULES);
    this.attempts = new TableReader(warehouse, ATTEMPT_RULES);
    this.charges = new TableReader(warehouse, CHARGE_RULES);
  }

  /** Tables that audit lands. */
  get auditReaders(): readonly RowCounter[] {
    return [this.events, this.calls];
  }

  /** Tables that billing lands. */
  get billingReaders(): readonly RowCounter[] {
    return [this.attempts, this.charges];
  }

  /** @throws AuditFault where a table has a column that nothing here checks. */
  async checkColumns(): Promise<void> {
    for (const reader of [...this.auditReaders, ...this.billingReaders]) await reader.checkColumns();
  }

  /** Rows of a table that stand for a leaf, of one `producer:epoch`. */
  matchedRows(table: string, epoch: string): number {
    return this.matched.get(table)?.get(epoch) ?? 0;
  }

  /** @throws AuditFault. */
  async checkPage(partition: number, leaves: readonly LeafRow[]): Promise<void> {
    await this.checkDeadLetters(
      partition,
      leaves.filter(({ kind }) => kind === 'dead_letter'),
    );
    const logged = leaves.filter(({ kind }) => kind !== 'dead_letter');
    const events = await this.checkEvents(partition, logged);
    await this.checkCalls(events);
    await this.checkAttempts(events);
  }

  private async checkDeadLetters(partition: number, leaves: readonly LeafRow[]): Promise<void> {
    if (leaves.length === 0) return;
    const letters = await readDeadLetterHashes(this.options.warehouse, leaves);
    for (const { hash, index } of leaves) {
      if (!letters.has(hash)) {
        throw new AuditFault('row_missing', `the dead letter of leaf ${index} is gone or changed`, {
          table: 'dead_letters',
          partition,
          index,
        });
      }
      this.options.counts.deadLetters += 1;
    }
  }

  private async checkEvents(partition: number, leaves: readonly LeafRow[]): Promise<readonly PageEvent[]> {
    const rows = await this.events.read({ spans: spansOf(leaves), ...extent(leaves.map(({ time }) => time)) });
    const events: PageEvent[] = [];
    for (const leaf of leaves) {
      const key = keyOf(leaf);
      const place = { partition, index: leaf.index, event: leaf.eventId };
      const row = await this.takeEventRow(rows, leaf, place);
      if (!row) continue;
      const text = this.events.cell(row, 'leaf');
      if (hexHash(text) !== leaf.hash) {
        throw new AuditFault('leaf_changed', `events.leaf is not what was logged as leaf ${leaf.index}`, {
          table: 'events',
          column: 'leaf',
          ...place,
        });
      }
      // The hash holds, so it is what landing has read and checked.
      const event = findJson(text) as EventEnvelope;
      this.events.compare(row, { event, leaf: text, partition }, place);
      checkLeafRow(leaf, event, place);
      this.options.counts.events += 1;
      this.noteEpochEnd(event);
      events.push({ key, event, place });
    }
    return events;
  }

  private async takeEventRow(rows: Rows, leaf: LeafRow, place: Place): Promise<Row | undefined> {
    const [row, second] = this.take(rows, keyOf(leaf), this.events.table);
    if (second) throw new AuditFault('row_repeated', 'an event is there twice', { table: 'events', ...place });
    if (row) return row;
    if (await isRefused(this.options.warehouse, leaf, leaf.hash)) return undefined;
    throw new AuditFault('row_missing', `the event of leaf ${leaf.index} is gone`, { table: 'events', ...place });
  }

  private async checkCalls(events: readonly PageEvent[]): Promise<void> {
    const calls = events.flatMap((page) => {
      const facts = findCall(page.event);
      return facts ? [{ ...page, facts }] : [];
    });
    const times = calls.map(({ facts }) => facts.finished?.startedAt ?? facts.denied?.at ?? 0);
    const rows = await this.calls.read({ spans: spansOf(calls.map(({ event }) => event)), ...extent(times) });
    for (const { key, facts, place } of calls) {
      const [row, second] = this.take(rows, key, this.calls.table);
      if (second) throw new AuditFault('row_repeated', 'a call is there twice', { table: this.calls.table, ...place });
      if (!row) {
        if (!isValid(facts.event)) continue;
        throw new AuditFault('row_missing', 'the row of a call is gone', { table: this.calls.table, ...place });
      }
      this.calls.compare(row, facts, place);
      this.options.counts.calls += 1;
    }
  }

  private async checkAttempts(events: readonly PageEvent[]): Promise<void> {
    const { findPrice, counts } = this.options;
    const attempts = events.flatMap((page) => {
      const { event } = page;
      if (event.type !== AttemptFinishedV1.type || !isValid(event)) return [];
      return [{ ...page, facts: rateAttempt(event, event.data as EventData<typeof AttemptFinishedV1>, findPrice) }];
    });
    const window = {
      spans: spansOf(attempts.map(({ event }) => event)),
      ...extent(attempts.map(({ facts }) => facts.attempt.finishedAt)),
    };
    const [rows, charges] = await Promise.all([this.attempts.read(window), this.charges.read(window)]);
    for (const { key, facts, place } of attempts) {
      const isCharged = contains(this.options.charged.get(epochKey(facts.event)) ?? [], facts.event.sequence);
      const found = rows.get(key) ?? [];
      const lines = charges.get(key) ?? [];
      // What billing is landing just now may be there or not.
      if (isCharged) {
        this.count(this.attempts.table, key, found.length);
        this.count(this.charges.table, key, lines.length);
      }
      const [row, second] = found;
      if (second)
        throw new AuditFault('row_repeated', 'an attempt is there twice', { table: this.attempts.table, ...place });
      if (!isCharged) {
        counts.pendingCharges += 1;
        continue;
      }
      if (!row)
        throw new AuditFault('row_missing', 'the row of an attempt is gone', { table: this.attempts.table, ...place });
      this.attempts.compare(row, facts, place);
      counts.attempts += 1;
      this.checkCharges(lines, facts, place);
    }
  }

  private checkCharges(rows: readonly Row[], facts: AttemptFacts, place: Place): void {
    const waiting = new Map(rows.map((row) => [this.charges.cell(row, 'line'), row]));
    if (waiting.size < rows.length) {
      throw new AuditFault('row_repeated', 'a cost line is there twice', { table: this.charges.table, ...place });
    }
    for (const charge of facts.lines) {
      const row = waiting.get(String(charge.line));
      if (!row)
        throw new AuditFault('row_missing', `the cost line of ${charge.bucket} is gone`, {
          table: this.charges.table,
          ...place,
        });
      this.charges.compare(row, { ...facts, charge }, place);
      waiting.delete(String(charge.line));
      this.options.counts.charges += 1;
    }
    if (waiting.size > 0) {
      throw new AuditFault('row_without_leaf', 'a cost line is not one of its attempt', {
        table: this.charges.table,
        ...place,
      });
    }
  }

  /** The rows of an event. They are counted, since a row that is counted nowhere stands for no leaf. */
  private take(rows: Rows, key: string, table: string): readonly Row[] {
    const found = rows.get(key) ?? [];
    this.count(table, key, found.length);
    return found;
  }

  private count(table: string, key: string, rows: number): void {
    const epoch = key.slice(0, key.lastIndexOf(':'));
    let counts = this.matched.get(table);
    if (!counts) this.matched.set(table, (counts = new Map<string, number>()));
    counts.set(epoch, (counts.get(epoch) ?? 0) + rows);
  }

  private noteEpochEnd(event: EventEnvelope): void {
    if (event.type !== ProducerAliveV1.type) return;
    const parsed = ProducerAliveV1.data.safeParse(event.data);
    const previous = parsed.success ? parsed.data.previous : null;
    if (previous) this.epochEnds.set(`${event.producerId}:${previous.epoch}`, previous.lastSequence);
  }
}

function findCall(event: EventEnvelope): CallFacts | undefined {
  if (event.version !== 1) return undefined;
  if (event.type === CallFinishedV1.type) {
    return { event, finished: event.data as EventData<typeof CallFinishedV1>, denied: undefined };
  }
  if (event.type === CallDeniedV1.type) {
    return { event, finished: undefined, denied: event.data as EventData<typeof CallDeniedV1> };
  }
  return undefined;
}

const READ = [CallFinishedV1, CallDeniedV1, AttemptFinishedV1];

/** Whether an event's data is what its type demands; else it has landed as a dead letter instead of rows. */
function isValid({ type, version, data }: EventEnvelope): boolean {
  const definition = READ.find((known) => known.type === type && known.version === version);
  return definition?.data.safeParse(data).success ?? false;
}

/** What `log_leaves` repeats of an event. */
function checkLeafRow(leaf: LeafRow, event: EventEnvelope, place: Place): void {
  const pairs: readonly (readonly [string, unknown, unknown])[] = [
    ['event_id', leaf.eventId, event.eventId],
    ['time_ms', leaf.time, Math.floor(event.time)],
    ['producer_id', leaf.producerId, event.producerId],
    ['epoch', leaf.epoch, event.epoch],
    ['sequence', leaf.sequence, event.sequence],
    ['kind', leaf.kind, 'event'],
  ];
  const wrong = pairs.find(([, stored, told]) => stored !== told);
  if (wrong)
    throw new AuditFault('column_differs', `log_leaves.${wrong[0]} is not what the leaf says`, {
      table: 'log_leaves',
      column: wrong[0],
      ...place,
    });
}

function extent(times: readonly number[]): { from: number; to: number } {
  let [from, to] = [Infinity, -Infinity];
  for (const time of times) {
    from = Math.min(from, time);
    to = Math.max(to, time);
  }
  return { from: Number.isFinite(from) ? from : 0, to: Number.isFinite(to) ? to : 0 };
}
