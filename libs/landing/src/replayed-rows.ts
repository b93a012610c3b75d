import { EventEnvelope, EventReplayedV1, findEventDefinition, type EventData } from '@weir/contracts';
import type { LandingEvent } from './landing-event.js';
import type { LandingSink, RowSource } from './landing-sink.js';

/** The table of the events themselves: a dead letter of another reason than its refusal has landed there. */
const EVENTS_TABLE = 'events';

/**
 * The same sink, which also makes the rows that a replayed dead letter lacked. They name the event inside as the one they came from, so they
 * are the rows that would have landed then. What it throws makes the replay a dead letter of its own.
 */
export function withReplays(sink: LandingSink): LandingSink {
  return {
    ...sink,
    reads: (type) => type === EventReplayedV1.type || sink.reads(type),
    sources: sink.sources.map((source): RowSource => {
      return (event) => {
        if (event.envelope.type !== EventReplayedV1.type || event.data === undefined) return source(event);
        // The definition of this type has checked the data.
        const replay = event.data as EventData<typeof EventReplayedV1>;
        if (replay.sink !== sink.name) return source(event);
        const lacked = source(readReplayed(replay, event.partition, sink));
        const { table } = replay;
        const isLacked = (name: string): boolean => (table === null ? name !== EVENTS_TABLE : name === table);
        return [...source(event), ...lacked.filter((row) => isLacked(row.table.name))];
      };
    }),
  };
}

function readReplayed({ leaf }: EventData<typeof EventReplayedV1>, partition: number, sink: LandingSink): LandingEvent {
  const { data, ...envelope } = EventEnvelope.parse(JSON.parse(leaf));
  const definition = findEventDefinition(envelope.type, envelope.version);
  if (!definition) throw new Error(`${envelope.type} version ${envelope.version} is still unknown`);
  return {
    envelope,
    data: sink.reads(envelope.type) ? definition.data.parse(data) : undefined,
    leaf: Buffer.from(leaf),
    annex: Buffer.alloc(0),
    partition,
    fault: null,
  };
}
