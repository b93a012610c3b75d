import { CallEnvelopeV1 } from '@weir/contracts';
import { isBundle, readBundle } from '../connection/bundle.js';
import type { BusConnection } from '../connection/bus-connection.js';
import type { BundleRoute } from '../connection/outbox.js';
import type { BusMessage } from '../connection/bus-message.js';

/** A call as a router or a worker receives it. */
export interface IncomingCall {
  readonly envelope: CallEnvelopeV1;
  /** The request's bytes where they travel inline; empty where `envelope.body` is a claim. A view: may be kept, never written. */
  readonly body: Uint8Array;
  /** Reply inbox of the call, forwarded unchanged. */
  readonly replyTo: string;
  /** The whole message as received. */
  readonly raw: Uint8Array;
}

/** A call message whose header cannot be read. */
export class MalformedCallError extends Error {
  override readonly name = 'MalformedCallError';
}

const LENGTH_BYTES = 4;
/** Few enough that one receiver does not get what several could share. */
const BUNDLED_CALLS_MAX = 16;

/** Publishes a call at the end of the turn, in one message with others of the turn for the same subject. Read by {@link splitCalls}. */
export function publishCall(
  connection: BusConnection,
  subject: string,
  call: { readonly payload: Uint8Array; readonly replyTo: string; readonly onBundle?: BundleRoute['onBundle'] },
): void {
  const { payload, replyTo, onBundle } = call;
  const route = { subject, messagesMax: BUNDLED_CALLS_MAX, ...(onBundle && { onBundle }) };
  connection.publishBundled(route, { subject, payload, replyTo, address: replyTo });
}

/** Layout: `u32BE n · n bytes of JSON (the envelope) · body`. Copies `body` once. */
export function encodeCall(envelope: CallEnvelopeV1, body: Uint8Array): Buffer {
  const header = JSON.stringify(envelope);
  const headerBytes = Buffer.byteLength(header);
  const message = Buffer.allocUnsafe(LENGTH_BYTES + headerBytes + body.length);
  message.writeUInt32BE(headerBytes, 0);
  message.write(header, LENGTH_BYTES, headerBytes, 'utf8');
  message.set(body, LENGTH_BYTES + headerBytes);
  return message;
}

/** Hands over each call of a message, which holds one or a bundle, with its reply inbox. False where a bundle ends within a call. */
export function splitCalls({ replyTo, data }: BusMessage, onCall: (replyTo: string, call: Buffer) => void): boolean {
  if (isBundle(data)) return readBundle(data, onCall);
  onCall(replyTo, data);
  return true;
}

/** Reads a call and validates its envelope, once per hop. `body` is a view of `bytes`. Throws {@link MalformedCallError}. */
export function decodeCall(bytes: Uint8Array): { envelope: CallEnvelopeV1; body: Buffer } {
  const message = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (message.length < LENGTH_BYTES) throw new MalformedCallError('a call message shorter than its length field');
  const bodyAt = LENGTH_BYTES + message.readUInt32BE(0);
  if (bodyAt > message.length) throw new MalformedCallError('a call message shorter than its header');
  const envelope = parseEnvelope(message.toString('utf8', LENGTH_BYTES, bodyAt));
  const body = message.subarray(bodyAt);
  if (envelope.body.kind === 'inline' && envelope.body.bytes !== body.length) {
    throw new MalformedCallError(`a call body of ${body.length} bytes where its header says ${envelope.body.bytes}`);
  }
  return { envelope, body };
}

function parseEnvelope(json: string): CallEnvelopeV1 {
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch (error) {
    throw new MalformedCallError('a call header that is not JSON', { cause: error });
  }
  const parsed = CallEnvelopeV1.safeParse(value);
  if (!parsed.success) throw new MalformedCallError('a call header that is not an envelope', { cause: parsed.error });
  return parsed.data;
}

/** Number of the attempt that comes next, from 1: what the frames of the one who runs it carry. */
export const nextAttempt = (envelope: CallEnvelopeV1): number => envelope.attempts.length + 1;
