import type { EventEnvelope } from '@weir/contracts';

/** Identity of an event in its producer's numbering. */
export interface Origin {
  readonly producerId: string;
  readonly epoch: number;
  readonly sequence: number;
}

/** Why a line could not be landed as it should have been; the reasons in table `dead_letters`. */
export type FaultReason =
  | 'not_utf8'
  | 'not_json'
  | 'not_an_event'
  | 'wrong_position'
  | 'oversize'
  | 'unknown_event'
  | 'invalid_data'
  | 'refused_by_warehouse';

export interface Fault {
  readonly reason: FaultReason;
  readonly detail: string;
}

/** Where a line stood: stays with it into `dead_letters`, so that the original can be found. */
export interface LinePosition {
  readonly streamSequence: number;
  readonly line: number;
}

/** An event as a sink maps it to rows. */
export interface LandingEvent<Data = unknown> {
  /** Without its data, which is below. */
  readonly envelope: Omit<EventEnvelope, 'data'>;
  /** The event's data, checked by its definition; undefined where `fault` is set or the sink does not read events of this type. */
  readonly data: Data | undefined;
  /** The exact bytes of the journal's line. Views: never written. */
  readonly leaf: Buffer;
  readonly annex: Buffer;
  readonly partition: number;
  /** The event is one, but its data is not what its type demands, or its type is unknown here. */
  readonly fault: Fault | null;
}

/** One line of a stream's message that lands more than its sequence. */
export type LandingItem =
  | { readonly kind: 'event'; readonly origin: Origin; readonly event: LandingEvent; readonly position: LinePosition }
  | {
      readonly kind: 'poison';
      /** Null where nothing tells which event it was meant to be. */
      readonly origin: Origin | null;
      readonly fault: Fault;
      readonly bytes: Buffer;
      readonly position: LinePosition;
    };

/** Sequences that follow each other: what one message holds. */
export interface Run {
  readonly producerId: string;
  readonly epoch: number;
  readonly first: number;
  readonly last: number;
}

/** A message of an event stream, read. */
export interface ReadMessage {
  /** Which events it holds, those that the sink does not read included; null where nothing tells. */
  readonly run: Run | null;
  readonly items: readonly LandingItem[];
  readonly lines: number;
  /** When its first event was recorded, in milliseconds since the epoch; undefined where no line is an event. */
  readonly time: number | undefined;
}

export const producerKey = (origin: Pick<Origin, 'producerId' | 'epoch'>): string =>
  `${origin.producerId}:${origin.epoch}`;
