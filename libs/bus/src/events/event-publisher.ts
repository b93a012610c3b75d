import type { EventDefinition, EventDraft } from '@weir/contracts';
import type { Journal } from '@weir/journal';
import type { BusConnection } from '../connection/bus-connection.js';

export interface EventPublisherOptions {
  readonly connection: BusConnection;
  readonly journal: Journal;
  /** `EVENT_PARTITIONS`. */
  readonly partitions: number;
  /** Multiplies every interval below; default 1. */
  readonly timeScale?: number;
  /** Faults that the publisher lives through: an error JetStream answered, a report that cannot be read. */
  readonly onError: (error: Error) => void;
}

export interface AppendOptions {
  /** Publish at the end of this turn, with everything that waits, instead of within 25 ms. */
  readonly urgent?: boolean;
  /**
   * The event is in the journal (act on it from here; what is published here leaves with the event in one write), or `error` says
   * that it is not and never will be: refuse the call.
   */
  readonly onWritten?: (error: Error | undefined) => void;
  /** JetStream has acknowledged the event. Not called where `onWritten` got an error; may never be called while JetStream is down. */
  readonly onAcknowledged?: () => void;
}

export interface PublisherState {
  /** Events written and not yet acknowledged. */
  readonly unacknowledged: number;
  readonly batchesInFlight: number;
  /** Age of the oldest unacknowledged batch in milliseconds; 0 where there is none. */
  readonly silentForMs: number;
  readonly resentBatches: number;
}

/** Records events: journal first, then JetStream by group commit, again and again until every sink has landed them. */
export class EventPublisher {
  constructor(private readonly options: EventPublisherOptions) {}

  /** Starts publishing: first what earlier epochs left behind. Needs no stream to exist yet. */
  start(): void {
    throw new Error('not built yet');
  }

  /** Records an event. @returns its id. */
  append<D extends EventDefinition>(draft: EventDraft<D>, options?: AppendOptions): string {
    throw new Error(`not built yet: ${draft.definition.type} ${options?.urgent} ${this.options.partitions}`);
  }

  /** Whether new calls may be admitted in strict mode: the journal can be written and is below its high-water mark. */
  isReady(): boolean {
    throw new Error('not built yet');
  }

  state(): PublisherState {
    throw new Error('not built yet');
  }

  /** Publishes what waits and waits for its acknowledgement, at most `withinMs` (default 5 s); what is left is in the journal. */
  close(withinMs?: number): Promise<void> {
    throw new Error(`not built yet ${withinMs}`);
  }
}
