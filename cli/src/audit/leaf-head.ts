import type { EventEnvelope } from '@weir/contracts';

/** What stands before an event's data. */
export interface LeafHead {
  readonly envelope: Omit<EventEnvelope, 'data'>;
  /** Where in the leaf the data begins; it ends one byte before the leaf does. */
  readonly dataAt: number;
}

const HEAD_BYTES_MAX = 640;
const UUID = '[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}';
const COUNT = '\\d{1,15}';
/** Without anything that JSON or `TabSeparated` would escape. */
const PLAIN = '[ !#-\\[\\]-~]{0,128}';
const HEAD = new RegExp(
  `^\\{"eventId":"(${UUID})","type":"([a-z.-]{1,64})","version":(${COUNT}),"time":(\\d{1,13}(?:\\.\\d{1,6})?),` +
    `"producerId":"(${UUID})","epoch":(${COUNT}),"sequence":(${COUNT}),"organisationId":(?:null|"(${PLAIN})"),` +
    `"callId":(?:null|"(${UUID})"),"traceparent":(?:null|"(${PLAIN})"),"data":(?=\\{)`,
);
const CLOSING_BRACE = 0x7d;

/** Reads the head of a leaf as journals write it; undefined where it is written in another way, which only reading all of it tells. */
export function findLeafHead(leaf: Buffer): LeafHead | undefined {
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
      // What the brands stand for, the expression has checked.
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
