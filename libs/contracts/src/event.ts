import { z } from 'zod';
import { CallId, ProducerId } from './ids.js';

/** Fields that every event carries around its `data`. `sequence` is gap-free per (`producerId`, `epoch`), from 1. `time` is milliseconds since the epoch. */
export const EventEnvelope = z.object({
  eventId: z.uuid(),
  type: z.string(),
  version: z.int().min(1),
  time: z.number(),
  producerId: ProducerId,
  epoch: z.int().min(1),
  sequence: z.int().min(1),
  organisationId: z.string().nullable(),
  callId: CallId.nullable(),
  traceparent: z.string().nullable(),
  data: z.unknown(),
});
export type EventEnvelope<Data = unknown> = Omit<z.infer<typeof EventEnvelope>, 'data'> & { data: Data };

export interface EventDefinition<Schema extends z.ZodType = z.ZodType> {
  readonly type: string;
  readonly version: number;
  readonly owner: readonly string[];
  readonly data: Schema;
}

/** Declares an event. Within a version only optional fields are added; anything else is a new version beside it. */
export function defineEvent<Schema extends z.ZodType>(definition: EventDefinition<Schema>): EventDefinition<Schema> {
  return Object.freeze(definition);
}

export type EventData<D> = D extends EventDefinition<infer S> ? z.infer<S> : never;

/**
 * An event on its way to the journal. `annex` travels beside the event and outside its leaf (a digest's salt), so that erasing
 * it leaves every proof valid.
 */
export interface EventDraft<D extends EventDefinition = EventDefinition> {
  readonly definition: D;
  readonly data: EventData<D>;
  readonly organisationId: string | null;
  readonly callId: CallId | null;
  readonly traceparent: string | null;
  readonly annex?: string;
}

/**
 * One line of a journal and of a JetStream message, without its newline: the leaf's JSON, then, where there is an annex, a TAB
 * and the annex. JSON holds no raw TAB, so the split is unambiguous.
 */
export function splitEventLine(line: string): { leaf: string; annex: string } {
  const tab = line.indexOf('\t');
  return tab < 0 ? { leaf: line, annex: '' } : { leaf: line.slice(0, tab), annex: line.slice(tab + 1) };
}
