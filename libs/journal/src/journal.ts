import type { EventDraft } from '@weir/contracts';
import type { JournalLine, JournalState, WrittenCallback } from './journal-options.js';

/**
 * A producer's file of events: every event is in it before anybody acts on it. What was appended survives the death of the
 * process, and of the machine once `sync` has run. One process at a time: the lock dies with its process.
 */
export interface Journal {
  /** UUID of the folder: the producer of every event in it. */
  readonly producerId: string;
  /** Counts the openings of the folder, from 1. */
  readonly epoch: number;
  /**
   * Appends at the end of this turn of the event loop, in one write with everything else of the turn; `written` is called right
   * after it, still within the turn's check phase. Act on the event and publish it only from there. The event's `time` is now,
   * its sequence is given when it is written, so a refused event leaves no gap. @returns the event's id.
   */
  append(draft: EventDraft, written?: WrittenCallback): string;
  /** The same for a `producer.alive` that states the sequence before it and what is open. */
  appendAlive(written?: WrittenCallback): string;
  state(): JournalState;
  /** Calls `listener` after each write, when the `written` callbacks of the turn have run. */
  onFlushed(listener: () => void): void;
  /** While true, each write is followed by a sync at once instead of within `fsyncEveryMs`. Set while JetStream is silent. */
  syncEachWrite(on: boolean): void;
  /** Lines not released, oldest first, of this epoch and earlier ones, up to what is written when it is called. */
  pending(from?: { readonly epoch: number; readonly sequence: number }): AsyncIterable<JournalLine>;
  /** Epochs with lines that are not released, oldest first, with the first and last such sequence. */
  unreleased(): readonly { readonly epoch: number; readonly first: number; readonly last: number }[];
  /** Every sink has landed `epoch` up to `through`. Whole segments are deleted once all their lines are released. */
  release(epoch: number, through: number): void;
  /** Resolves when everything written before the call is on the disk. Rejects where the disk refuses. */
  sync(): Promise<void>;
  /** Writes and syncs what is waiting, releases the lock. The folder stays. */
  close(): Promise<void>;
  /** Closes, then deletes the folder. Throws where lines are not released. */
  remove(): Promise<void>;
}
