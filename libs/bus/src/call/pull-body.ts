import { CALL_SIZES, subjects } from '@weir/contracts';
import type { BusConnection } from '../connection/bus-connection.js';

/** The ingress no longer holds the body (its call has ended), or did not answer. Maps to `body_unavailable`. */
export class BodyUnavailableError extends Error {
  override readonly name = 'BodyUnavailableError';
}

export interface BodyPullOptions {
  readonly ingressId: string;
  /** The claim of the envelope. */
  readonly token: string;
  readonly bytes: number;
  readonly signal: AbortSignal;
  /** Wait for one chunk before it is asked for again. Default 2 s. */
  readonly chunkTimeoutMs?: number;
  /** Times each chunk is asked for. Default 3. */
  readonly tries?: number;
}

/** Chunks asked for ahead of the one that is waited for. */
const AHEAD = 3;

/**
 * Pulls a claimed body from the ingress that holds it, in order, in chunks of `CALL_SIZES.bodyChunk`. Nothing is asked for beyond
 * three chunks ahead of the reader. Throws {@link BodyUnavailableError}; throws the signal's reason when it aborts.
 */
export async function* pullBody(connection: BusConnection, options: BodyPullOptions): AsyncGenerator<Buffer> {
  const waiting: Promise<Buffer>[] = [];
  let askedTo = 0;
  const askAhead = () => {
    while (askedTo < options.bytes && waiting.length <= AHEAD) {
      const offset = askedTo;
      askedTo = Math.min(options.bytes, offset + CALL_SIZES.bodyChunk);
      waiting.push(pullChunk(connection, options, offset, askedTo - offset));
    }
    return waiting.shift();
  };
  try {
    for (let next = askAhead(); next !== undefined; next = askAhead()) {
      const chunk = await next;
      options.signal.throwIfAborted();
      yield chunk;
    }
  } finally {
    // The reader may stop before it comes to the chunks asked for ahead; their failure is then nobody's.
    void Promise.allSettled(waiting);
  }
}

async function pullChunk(
  connection: BusConnection,
  options: BodyPullOptions,
  offset: number,
  length: number,
): Promise<Buffer> {
  const request = Buffer.from(JSON.stringify({ token: options.token, offset, length }));
  const subject = subjects.body(options.ingressId);
  let cause: unknown;
  for (let attempt = 0; attempt < (options.tries ?? 3); attempt++) {
    options.signal.throwIfAborted();
    try {
      const chunk = await connection.request(subject, request, { timeoutMs: options.chunkTimeoutMs ?? 2_000 });
      if (chunk.length === length) return chunk;
      throw new BodyUnavailableError(`the ingress ${options.ingressId} no longer holds the body`);
    } catch (error) {
      if (error instanceof BodyUnavailableError) throw error;
      cause = error;
    }
  }
  throw new BodyUnavailableError(`the ingress ${options.ingressId} did not answer`, { cause });
}
