import type { BusConnection } from '../connection/bus-connection.js';

/** One JetStream message: some lines of one producer's journal. */
export interface StreamBatch {
  readonly streamSequence: number;
  /** Creation time of the stream it was read from, ISO 8601: part of every stored position. */
  readonly streamCreated: string;
  readonly subject: string;
  /** NDJSON, each line ending with a newline. A view: may be kept, never written. */
  readonly payload: Buffer;
  /** 1 for the first delivery. */
  readonly deliveries: number;
  /** It has landed. Fire and forget: a lost acknowledgement means it is delivered again. */
  ack(): void;
  /** Deliver it again, after `delayMs`. */
  nak(delayMs?: number): void;
}

export interface StreamReaderOptions {
  readonly connection: BusConnection;
  readonly stream: string;
  /** Name of the durable consumer, one per sink. Created where it is missing. */
  readonly durable: string;
  /** A batch not acknowledged within this is delivered again. Default 30 s. */
  readonly ackWaitMs?: number;
  /** Batches delivered and not acknowledged at most. Default 1000. */
  readonly ackPendingMax?: number;
}

export interface StreamReader {
  /** Creation time of the stream, ISO 8601. Changes when the stream was recreated: stored positions of the old one mean nothing then. */
  readonly created: string;
  /**
   * Up to `max` batches, oldest first; waits up to `expiresMs` for the first, then takes what is there. Empty where none came.
   * A stream or consumer that is gone is looked for (and the consumer created) again; rejects when that fails.
   */
  fetch(max: number, expiresMs: number, signal?: AbortSignal): Promise<StreamBatch[]>;
  close(): Promise<void>;
}

/** The stream does not exist. */
export class StreamMissingError extends Error {
  override readonly name = 'StreamMissingError';
}

/** Throws {@link StreamMissingError} where the stream does not exist. */
export function openStreamReader(options: StreamReaderOptions): Promise<StreamReader> {
  throw new Error(`not built yet ${options.stream}`);
}
