import type { EventEnvelope } from '@weir/contracts';
import type { Origin } from './landing-event.js';

/** What stands before an event's data. */
export interface EventHead {
  readonly envelope: Omit<EventEnvelope, 'data'>;
  /** Where in the line the data begins; it ends one byte before the leaf does. */
  readonly dataAt: number;
}

/** Longer heads are read as any other JSON. */
const HEAD_BYTES_MAX = 640;
const UUID = '[0-9a-f]{8}-[0-9a-f]{4}-[1-8][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}';
const COUNT = '[1-9]\\d{0,14}';
const TEXT = '[ !#-\\[\\]-~]{0,128}';

/**
 * The head as journals write it: the envelope's fields in its order, nothing between them, no text that JSON escapes. What it admits,
 * the definition of the envelope admits too; what it does not is read as JSON and checked by that definition.
 */
const HEAD = new RegExp(
  `^\\{"eventId":"(${UUID})","type":"([a-z.]{1,64})","version":(${COUNT}),"time":(\\d{1,13}(?:\\.\\d{1,6})?),` +
    `"producerId":"(${UUID})","epoch":(${COUNT}),"sequence":(${COUNT}),"organisationId":(?:null|"(${TEXT})"),` +
    `"callId":(?:null|"(${UUID})"),"traceparent":(?:null|"(${TEXT})"),"data":(?=\\{)`,
);
const CLOSING_BRACE = 0x7d;

/**
 * Reads an event's head without reading its data; undefined where the line is written in another way. That the data is JSON is not
 * checked here, only that a line was not cut off: whoever reads the data finds out.
 */
export function findEventHead(leaf: Buffer): EventHead | undefined {
  if (leaf[leaf.length - 1] !== CLOSING_BRACE || leaf[leaf.length - 2] !== CLOSING_BRACE) return undefined;
  const match = HEAD.exec(leaf.toString('latin1', 0, HEAD_BYTES_MAX));
  if (!match) return undefined;
  const [head, eventId, type, version, time, producerId, epoch, sequence, organisationId, callId, traceparent] =
    match as unknown as [string, string, string, string, string, string, string, string, ...(string | undefined)[]];
  return {
    envelope: {
      eventId,
      type,
      version: Number(version),
      time: Number(time),
      // The expression has checked what the brand stands for.
      producerId: producerId as EventEnvelope['producerId'],
      epoch: Number(epoch),
      sequence: Number(sequence),
      organisationId: organisationId ?? null,
      callId: (callId as EventEnvelope['callId'] | undefined) ?? null,
      traceparent: traceparent ?? null,
    },
    dataAt: head.length,
  };
}

const PASSING_HEAD = new RegExp(
  `^\\{"eventId":"${UUID}","type":"([a-z.]{1,64})","version":${COUNT},"time":(\\d{1,13}(?:\\.\\d{1,6})?),` +
    `"producerId":"(${UUID})","epoch":(${COUNT}),"sequence":(${COUNT}),`,
);
const PASSING_BYTES_MAX = 320;

/** Enough of an event to pass over it. */
export interface PassedEvent {
  readonly kind: 'passed';
  readonly type: string;
  readonly time: number;
  readonly origin: Origin;
}

/** As {@link findEventHead}, and less, of the line at `start`: for events a sink makes nothing of. */
export function findPassedEvent(bytes: Buffer, start: number, end: number): PassedEvent | undefined {
  const match = PASSING_HEAD.exec(bytes.toString('latin1', start, Math.min(end, start + PASSING_BYTES_MAX)));
  if (!match) return undefined;
  const [, type, time, producerId, epoch, sequence] = match as unknown as [
    string,
    string,
    string,
    string,
    string,
    string,
  ];
  return {
    kind: 'passed',
    type,
    time: Number(time),
    origin: { producerId, epoch: Number(epoch), sequence: Number(sequence) },
  };
}
