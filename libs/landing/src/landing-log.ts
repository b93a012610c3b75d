import type { Query } from '@weir/store';
import type { Warehouse } from '@weir/warehouse';
import type { FaultReason, LandingEvent, Origin } from './landing-event.js';

/** Every column of a dead letter that does not depend on when and by whom it was landed. */
export interface DeadLetterFacts {
  readonly reason: FaultReason;
  readonly detail: string;
  readonly stream: string;
  /** Milliseconds since the epoch. */
  readonly streamCreated: number;
  readonly streamSequence: number;
  readonly line: number;
  /** Null where nothing tells which event it was meant to be; then epoch and sequence are 0. */
  readonly origin: Origin | null;
  /** SHA-256 of the line in hex, and its length in bytes. */
  readonly digest: string;
  readonly bytes: number;
  /** The line, or its beginning. */
  readonly content: string;
}

/** What one batch adds to a log, in the batch's order. Made anew for each attempt to land the batch. */
export interface LogDraft {
  addEvent(event: LandingEvent): void;
  addDeadLetter(letter: DeadLetterFacts): void;
}

/** A log to which a draft was appended, in the warehouse and not yet in Postgres. */
export interface AppendedLog {
  /** Saves the head; in the transaction that moves the watermarks. */
  save(query: Query): Promise<void>;
  /** The transaction has committed. */
  commit(): void;
}

/** The log of one partition, for as long as this process is its one writer. */
export interface PartitionLog {
  draft(): LogDraft;
  /**
   * Appends what the log does not hold yet. An attempt that failed anywhere after this call is repeated with a new draft of the same batch
   * or another, and nothing gets a second leaf: an event is known by its place in its producer's journal, a dead letter by all that it
   * states. With `looksFirst` a writer long before this one may have appended some of the events, in a batch that was given up.
   *
   * @throws where the warehouse fails, or another writer has appended meanwhile.
   */
  append(draft: LogDraft, looksFirst: boolean): Promise<AppendedLog>;
}

/** A tamper-evident log of what a sink lands. */
export interface LandingLog {
  open(partition: number, access: { readonly query: Query; readonly warehouse: Warehouse }): PartitionLog;
}
