import type { BusConnection } from '../connection/bus-connection.js';

/** An error that JetStream answered. Classify by `code` or `errorCode`, never by the text. */
export class JetStreamError extends Error {
  override readonly name = 'JetStreamError';
  constructor(
    /** Like an HTTP status. */
    readonly code: number,
    /** JetStream's own number of the error. */
    readonly errorCode: number,
    description: string,
  ) {
    super(description);
  }
}

const NOT_FOUND = 404;
export const isNotFound = (error: unknown): boolean => error instanceof JetStreamError && error.code === NOT_FOUND;

interface ErrorReply {
  readonly error?: { readonly code: number; readonly err_code?: number; readonly description: string };
}

export const nanoseconds = (ms: number): number => Math.round(ms * 1_000_000);

/**
 * One request to JetStream's JSON interface (ADR-1 of nats-architecture-and-design). Written out here because only a handful of
 * requests are needed, and the client's own manager asks for account information that our users may not read. Throws
 * {@link JetStreamError} for an error answered, the client's errors where nobody answers.
 */
export async function askJetStream<Reply>(
  connection: BusConnection,
  operation: string,
  body?: object,
  timeoutMs = 5_000,
): Promise<Reply> {
  const payload = body === undefined ? new Uint8Array(0) : Buffer.from(JSON.stringify(body));
  const bytes = await connection.request(`$JS.API.${operation}`, payload, { timeoutMs });
  const reply = JSON.parse(bytes.toString('utf8')) as Reply & ErrorReply;
  if (reply.error !== undefined) {
    const { code, err_code: errorCode, description } = reply.error;
    throw new JetStreamError(code, errorCode ?? 0, description);
  }
  return reply;
}

export interface StreamInfo {
  /** ISO 8601. */
  readonly created: string;
  readonly state: { readonly last_seq: number; readonly messages: number };
}

/** Throws {@link JetStreamError} with code 404 where the stream does not exist. */
export function getStreamInfo(connection: BusConnection, stream: string, timeoutMs?: number): Promise<StreamInfo> {
  return askJetStream(connection, `STREAM.INFO.${stream}`, undefined, timeoutMs);
}

/** What the reply subject of a delivered message says (ADR-15): both the old form and the one with domain and account. */
export interface DeliveryFacts {
  readonly deliveries: number;
  readonly streamSequence: number;
  readonly consumerSequence: number;
  /** Messages the consumer has still to deliver after this one. */
  readonly pending: number;
}

const OLD_FORM_TOKENS = 9;

export function findDelivery(replyTo: string): DeliveryFacts | undefined {
  const tokens = replyTo.split('.');
  if (tokens.length < OLD_FORM_TOKENS || tokens[0] !== '$JS' || tokens[1] !== 'ACK') return undefined;
  const at = tokens.length === OLD_FORM_TOKENS ? 4 : 6;
  return {
    deliveries: Number(tokens[at]),
    streamSequence: Number(tokens[at + 1]),
    consumerSequence: Number(tokens[at + 2]),
    pending: Number(tokens[at + 4]),
  };
}
