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
  readonly envelope: EventEnvelope;
  /** The event's data, checked by its definition; undefined where `fault` is set or the sink does not read events of this type. */
  readonly data: Data | undefined;
  /** The exact text of the journal's line. */
  readonly leaf: string;
  readonly annex: string;
  readonly partition: number;
  /** The event is one, but its data is not what its type demands, or its type is unknown here. */
  readonly fault: Fault | null;
}

/** One line of a stream's message. */
export type LandingItem =
  | { readonly kind: 'event'; readonly origin: Origin; readonly event: LandingEvent; readonly position: LinePosition }
  /** An event the sink does not read: it lands nothing but its sequence. */
  | { readonly kind: 'skipped'; readonly origin: Origin; readonly text: string; readonly position: LinePosition }
  | {
      readonly kind: 'poison';
      /** Null where nothing tells which event it was meant to be. */
      readonly origin: Origin | null;
      readonly fault: Fault;
      readonly text: string;
      readonly position: LinePosition;
    };

export const producerKey = (origin: Pick<Origin, 'producerId' | 'epoch'>): string =>
  `${origin.producerId}:${origin.epoch}`;
