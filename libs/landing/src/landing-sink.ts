import type { Sink } from '@weir/contracts';
import type { LandingEvent } from './landing-event.js';
import type { SinkRow } from './sink-table.js';

/**
 * Rows of one event, all for one table, or none. Pure: the same event gives the same rows for ever, whenever and wherever it is
 * landed. What it throws makes the event a dead letter for that table.
 */
export type RowSource = (event: LandingEvent) => readonly SinkRow[];

/** What one sink makes of events. */
export interface LandingSink {
  readonly name: Sink;
  /** Whether it reads the data of events of this type. Of the others it lands only the sequence. */
  reads(type: string): boolean;
  /** One for each table. */
  readonly sources: readonly RowSource[];
}
