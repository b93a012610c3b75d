import type { Sink } from '@weir/contracts';
import type { LandingEvent } from './landing-event.js';
import type { SinkRow } from './sink-table.js';

/**
 * Rows of one event, for one table or several, or none. Pure: the same event gives the same rows for ever, whenever and wherever it
 * is landed. What it throws makes the event a dead letter, without any of these rows.
 */
export type RowSource = (event: LandingEvent) => readonly SinkRow[];

/** What one sink makes of events. */
export interface LandingSink {
  readonly name: Sink;
  /** Whether it reads, and so checks, the data of events of this type. */
  reads(type: string): boolean;
  /** Whether it makes no rows of events it does not read: then they are not even parsed, and land only their sequence. */
  readonly skipsOthers: boolean;
  readonly sources: readonly RowSource[];
}
