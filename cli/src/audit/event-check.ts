import {
  AttemptFinishedV1,
  CallDeniedV1,
  CallFinishedV1,
  LogKeyRotatedV1,
  ProducerAliveV1,
  type EventEnvelope,
} from '@weir/contracts';
import { leafHash } from '@weir/translog';
import type { Warehouse } from '@weir/warehouse';
import { AuditFault } from './audit-fault.js';
import type { AuditCounts } from './audit-report.js';
import type { BaseTables } from './base-tables.js';
import { isRefused, readDeadLetterHashes } from './dead-letter-reader.js';
import { EventRows, type EventRow } from './event-rows.js';
import { NULL_CELL } from './expected-cell.js';
import { findLeafHead } from './leaf-head.js';
import { findJson } from './leaf-log.js';
import type { LeafRow } from './log-reader.js';
import type { RowCounts } from './row-counts.js';
import { placeKey, spansOf } from './table-reader.js';
import { extent } from './time-extent.js';

type Place = Readonly<Record<string, string | number>>;

/** A leaf of a page together with its event. */
export interface PageEvent {
  readonly key: string;
  readonly event: EventEnvelope;
  readonly place: Place;
}

/** Types whose data is looked at; of the others the head says all that any column holds. */
const READ_TYPES: ReadonlySet<string> = new Set([
  CallFinishedV1.type,
  CallDeniedV1.type,
  AttemptFinishedV1.type,
  ProducerAliveV1.type,
  LogKeyRotatedV1.type,
]);

/** What an {@link EventCheck} counts into. */
export interface EventCheckInput {
  readonly warehouse: Warehouse;
  readonly events: BaseTables['events'];
  readonly counts: AuditCounts;
  readonly rows: RowCounts;
}

/** Checks the rows that hold the leaves themselves: `events`, and `dead_letters` for what was none. */
export class EventCheck {
  /** Where epochs ended, as the first event of the next one says. */
  readonly epochEnds = new Map<string, number>();
  /** Keys of the log whose rotation the log itself states. */
  readonly statedKeys: string[] = [];
  private readonly warehouse: Warehouse;
  private readonly events: BaseTables['events'];
  private readonly counts: AuditCounts;
  private readonly rows: RowCounts;

  constructor({ warehouse, events, counts, rows }: EventCheckInput) {
    this.warehouse = warehouse;
    this.events = events;
    this.counts = counts;
    this.rows = rows;
  }

  /** @throws AuditFault. */
  async checkDeadLetters(partition: number, leaves: readonly LeafRow[]): Promise<void> {
    if (leaves.length === 0) return;
    const letters = await readDeadLetterHashes(this.warehouse, leaves);
    for (const { hash, index } of leaves) {
      if (!letters.has(hash)) {
        throw new AuditFault('row_missing', `the dead letter of leaf ${index} is gone or changed`, {
          table: 'dead_letters',
          partition,
          index,
        });
      }
      this.counts.deadLetters += 1;
    }
  }

  /** The events that say something of other tables' rows. @throws AuditFault. */
  async check(partition: number, leaves: readonly LeafRow[]): Promise<readonly PageEvent[]> {
    const window = { spans: spansOf(leaves), ...extent(leaves.map(({ time }) => time)) };
    const rows = new EventRows(await this.events.readBytes(window));
    const events: PageEvent[] = [];
    for (const leaf of leaves) {
      const key = leaf.placeKey;
      const place = { partition, index: leaf.index, event: leaf.eventId };
      const row = this.takeEventRow(rows, leaf, place);
      if (!row) {
        await this.excuseMissing(leaf, place);
        continue;
      }
      if (Buffer.from(leafHash(row.leaf)).toString('hex') !== leaf.hash) {
        throw new AuditFault('leaf_changed', `events.leaf is not what was logged as leaf ${leaf.index}`, {
          table: 'events',
          column: 'leaf',
          ...place,
        });
      }
      // The hash holds, so it is what landing has read and checked.
      const event = this.readByHead(row, leaf, partition) ?? this.readWhole(row, { leaf, partition, place });
      this.counts.events += 1;
      if (!READ_TYPES.has(event.type)) continue;
      this.noteEpochEnd(event);
      this.noteKey(event);
      events.push({ key, event, place });
    }
    return events;
  }

  /**
   * The event of a row whose every column, and those of its leaf's, are the very text that the leaf's head makes: the short way, which most
   * rows go. Undefined where anything differs.
   */
  private readByHead(row: EventRow, leaf: LeafRow, partition: number): EventEnvelope | undefined {
    const found = findLeafHead(row.leaf);
    if (!found) return undefined;
    const { envelope, dataAt } = found;
    const { eventId, type, version, time, organisationId, callId } = envelope;
    const ms = Math.floor(time);
    const key = placeKey(envelope);
    if (leaf.rest !== `event\t${eventId}\t${ms}\t${key}`) return undefined;
    const head = `${key}\t${eventId}\t${type}\t${version}\t${ms}\t${organisationId ?? ''}\t${callId ?? NULL_CELL}\t${partition}\t`;
    if (row.head !== head) return undefined;
    if (!READ_TYPES.has(type)) return { ...envelope, data: undefined };
    const data = findJson(row.leaf.toString('utf8', dataAt, row.leaf.length - 1));
    return data === undefined ? undefined : { ...envelope, data };
  }

  /** The same by each column's value. @throws AuditFault. */
  private readWhole(
    row: EventRow,
    { leaf, partition, place }: { readonly leaf: LeafRow; readonly partition: number; readonly place: Place },
  ): EventEnvelope {
    const text = row.leaf.toString('utf8');
    const event = findJson(text) as EventEnvelope;
    this.events.compare(row.line(), { event, leaf: text, partition }, place);
    checkLeafRow(leaf, event, place);
    return event;
  }

  private takeEventRow(rows: EventRows, leaf: LeafRow, place: Place): EventRow | undefined {
    const found = rows.find(leaf.placeKey);
    const count = found ? rows.count(leaf.placeKey) : 0;
    this.rows.add('events', leaf, count);
    if (count > 1) throw new AuditFault('row_repeated', 'an event is there twice', { table: 'events', ...place });
    return found;
  }

  /** @throws AuditFault where nothing tells why the event of a leaf has no row. */
  private async excuseMissing(leaf: LeafRow, place: Place): Promise<void> {
    if (await isRefused(this.warehouse, leaf, leaf.hash)) return;
    throw new AuditFault('row_missing', `the event of leaf ${leaf.index} is gone`, { table: 'events', ...place });
  }

  private noteKey(event: EventEnvelope): void {
    if (event.type !== LogKeyRotatedV1.type) return;
    const parsed = LogKeyRotatedV1.data.safeParse(event.data);
    if (parsed.success) this.statedKeys.push(parsed.data.newKey);
  }

  private noteEpochEnd(event: EventEnvelope): void {
    if (event.type !== ProducerAliveV1.type) return;
    const parsed = ProducerAliveV1.data.safeParse(event.data);
    const previous = parsed.success ? parsed.data.previous : null;
    if (previous) this.epochEnds.set(`${event.producerId}:${previous.epoch}`, previous.lastSequence);
  }
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
