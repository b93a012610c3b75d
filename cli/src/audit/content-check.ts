import {
  AttemptFinishedV1,
  CallDeniedV1,
  CallFinishedV1,
  type EventData,
  type EventEnvelope,
  type PriceRecord,
} from '@weir/contracts';
import type { Warehouse } from '@weir/warehouse';
import { AuditFault } from './audit-fault.js';
import { noCounts } from './audit-report.js';
import type { BaseTables } from './base-tables.js';
import { rateAttempt, type AttemptFacts, type CallFacts } from './column-rules.js';
import { EventCheck, type PageEvent } from './event-check.js';
import { epochKey } from './leaf-log.js';
import type { LeafRow } from './log-reader.js';
import { RowCounts } from './row-counts.js';
import { contains, type Ranges } from './sequence-ranges.js';
import { spansOf, type Row } from './table-reader.js';
import { extent } from './time-extent.js';

export interface ContentOptions {
  readonly warehouse: Warehouse;
  /** What billing has landed: only there charges can be asked for. */
  readonly charged: ReadonlyMap<string, Ranges>;
  readonly prices: ReadonlyMap<string, PriceRecord>;
}

type Rows = Map<string, Row[]>;
type Place = Readonly<Record<string, string | number>>;

/** Checks what stands behind the leaves of one page: every base table, every column. */
export class ContentCheck {
  readonly counts = noCounts();
  readonly rows = new RowCounts();
  private readonly events: EventCheck;

  constructor(
    private readonly tables: BaseTables,
    private readonly options: ContentOptions,
  ) {
    const { counts, rows } = this;
    this.events = new EventCheck({ warehouse: options.warehouse, events: tables.events, counts, rows });
  }

  get statedKeys(): readonly string[] {
    return this.events.statedKeys;
  }

  get epochEnds(): ReadonlyMap<string, number> {
    return this.events.epochEnds;
  }

  /** @throws AuditFault. */
  async checkPage(partition: number, leaves: readonly LeafRow[]): Promise<void> {
    await this.events.checkDeadLetters(
      partition,
      leaves.filter(({ kind }) => kind === 'dead_letter'),
    );
    const logged = leaves.filter(({ kind }) => kind !== 'dead_letter');
    const events = await this.events.check(partition, logged);
    await Promise.all([this.checkCalls(events), this.checkAttempts(events)]);
  }

  private async checkCalls(events: readonly PageEvent[]): Promise<void> {
    const calls = events.flatMap((page) => {
      const facts = findCall(page.event);
      return facts ? [{ ...page, facts }] : [];
    });
    const times = calls.map(({ facts }) => facts.finished?.startedAt ?? facts.denied?.at ?? 0);
    const rows = await this.tables.calls.read({ spans: spansOf(calls.map(({ event }) => event)), ...extent(times) });
    for (const { key, facts, place } of calls) {
      const [row, second] = this.take(rows, { key, event: facts.event }, this.tables.calls.table);
      if (second)
        throw new AuditFault('row_repeated', 'a call is there twice', { table: this.tables.calls.table, ...place });
      if (!row) {
        if (!isValid(facts.event)) continue;
        throw new AuditFault('row_missing', 'the row of a call is gone', { table: this.tables.calls.table, ...place });
      }
      this.tables.calls.compare(row, facts, place);
      this.counts.calls += 1;
    }
  }

  private async checkAttempts(events: readonly PageEvent[]): Promise<void> {
    const { prices, charged } = this.options;
    const findPrice = (version: string): PriceRecord | undefined => prices.get(version);
    const attempts = events.flatMap((page) => {
      const { event } = page;
      if (event.type !== AttemptFinishedV1.type || !isValid(event)) return [];
      return [{ ...page, facts: rateAttempt(event, event.data as EventData<typeof AttemptFinishedV1>, findPrice) }];
    });
    const window = {
      spans: spansOf(attempts.map(({ event }) => event)),
      ...extent(attempts.map(({ facts }) => facts.attempt.finishedAt)),
    };
    const [rows, charges] = await Promise.all([this.tables.attempts.read(window), this.tables.charges.read(window)]);
    for (const { key, facts, place } of attempts) {
      const isCharged = contains(charged.get(epochKey(facts.event)) ?? [], facts.event.sequence);
      const found = rows.get(key) ?? [];
      const lines = charges.get(key) ?? [];
      // What billing is landing just now may be there or not.
      if (isCharged) {
        this.rows.add(this.tables.attempts.table, facts.event, found.length);
        this.rows.add(this.tables.charges.table, facts.event, lines.length);
      }
      const [row, second] = found;
      if (second)
        throw new AuditFault('row_repeated', 'an attempt is there twice', {
          table: this.tables.attempts.table,
          ...place,
        });
      if (!isCharged) {
        this.counts.pendingCharges += 1;
        continue;
      }
      if (!row)
        throw new AuditFault('row_missing', 'the row of an attempt is gone', {
          table: this.tables.attempts.table,
          ...place,
        });
      this.tables.attempts.compare(row, facts, place);
      this.counts.attempts += 1;
      this.checkCharges(lines, facts, place);
    }
  }

  private checkCharges(rows: readonly Row[], facts: AttemptFacts, place: Place): void {
    if (this.areExactly(rows, facts)) return;
    const waiting = new Map(rows.map((row) => [this.tables.charges.cell(row, 'line'), row]));
    if (waiting.size < rows.length) {
      throw new AuditFault('row_repeated', 'a cost line is there twice', {
        table: this.tables.charges.table,
        ...place,
      });
    }
    for (const charge of facts.lines) {
      const row = waiting.get(String(charge.line));
      if (!row)
        throw new AuditFault('row_missing', `the cost line of ${charge.bucket} is gone`, {
          table: this.tables.charges.table,
          ...place,
        });
      this.tables.charges.compare(row, { ...facts, charge }, place);
      waiting.delete(String(charge.line));
      this.counts.charges += 1;
    }
    if (waiting.size > 0) {
      throw new AuditFault('row_without_leaf', 'a cost line is not one of its attempt', {
        table: this.tables.charges.table,
        ...place,
      });
    }
  }

  /** Whether these lines are the very ones that the attempt's facts make. */
  private areExactly(rows: readonly Row[], facts: AttemptFacts): boolean {
    if (rows.length !== facts.lines.length) return false;
    const left = new Set(rows);
    for (const charge of facts.lines) {
      const known = { ...facts, charge };
      for (const row of left) {
        if (!this.tables.charges.isExactly(row, known)) continue;
        left.delete(row);
        break;
      }
    }
    if (left.size > 0) return false;
    this.counts.charges += rows.length;
    return true;
  }

  /** The rows of an event. They are counted, since a row that is counted nowhere stands for no leaf. */
  private take(
    rows: Rows,
    { key, event }: { readonly key: string; readonly event: EventEnvelope },
    table: string,
  ): readonly Row[] {
    const found = rows.get(key) ?? [];
    this.rows.add(table, event, found.length);
    return found;
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
