import type { EventDraft, EventEnvelope } from '@weir/contracts';

export interface JournalOptions {
  /** The producer's folder; created where it is missing. Its identity is the `producer.json` inside. */
  readonly folder: string;
  /** Service and instance, stated in each `producer.alive`; a folder is adopted only by a process of the same service. */
  readonly service: string;
  readonly instance: string;
  readonly clock: { now(): number };
  /** Bytes of segments on disk above which `state().overHighWater` is true. At least twice `segmentBytes`. */
  readonly highWaterBytes: number;
  /** A background `fdatasync` runs this often while there is something to sync. */
  readonly fsyncEveryMs: number;
  /** A segment is closed once it holds this many bytes. */
  readonly segmentBytes: number;
  /** After a failed write the folder is tried again this often, until a write succeeds. Default 250. */
  readonly retryEveryMs?: number;
  /**
   * Pure. Given the opening events of everything that was open when the folder's last owner died, oldest first, returns the
   * events that close it. They are appended in the new epoch, before anything else but the first `producer.alive`.
   */
  closeOpen(events: EventEnvelope[]): EventDraft[];
  /** Key of the thing an event opens (a call, an attempt), or undefined. */
  opens(event: EventEnvelope): string | undefined;
  /** Key of the thing an event closes, or undefined. A closing event is never given up: it is kept in memory while the disk refuses. */
  closes(event: EventEnvelope): string | undefined;
  /** Faults that do not end the journal: a failed write or sync, a line that cannot be read. Called once per fault, not per event. */
  onError(error: Error): void;
}

/** One line as it lies in a segment. */
export interface JournalLine {
  readonly epoch: number;
  readonly sequence: number;
  /** The leaf's JSON and, after a TAB, its annex; no newline. */
  readonly line: Buffer;
}

export interface WrittenEvent extends JournalLine {
  readonly eventId: string;
}

/** Called once per appended event: with the event when its line is in the file, or with the error when it is not and never will be. */
export type WrittenCallback = (error: Error | undefined, event: WrittenEvent | undefined) => void;

export interface JournalState {
  /** False from a failed write until a write has succeeded again. */
  readonly writable: boolean;
  readonly overHighWater: boolean;
  /** Bytes in all segments of the folder. */
  readonly bytes: number;
  /** Highest sequence of the current epoch that is in the file. */
  readonly lastSequence: number;
  /** Things opened and not yet closed. */
  readonly open: number;
  /** Events given up because the disk refused them; each was reported to its `written` callback. */
  readonly refused: number;
}

/** Another live process (or another journal of this one) holds the folder. */
export class JournalLockedError extends Error {
  override readonly name = 'JournalLockedError';
  constructor(readonly folder: string) {
    super(`the journal folder ${folder} is held by a live process`);
  }
}
