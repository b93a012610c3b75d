import type { IncomingMessage } from 'node:http';
import { promisify } from 'node:util';
import { brotliDecompress, gunzip, inflate } from 'node:zlib';
import { CALL_SIZES } from '@weir/contracts';
import { refuse, type Refusal } from '../../domain/refusal.js';

/** Bytes of request bodies in memory, all calls together; bounded, so that many large requests cannot end the process. */
export class BodyBudget {
  private used = 0;

  constructor(private readonly limit: number) {}

  get held(): number {
    return this.used;
  }

  take(bytes: number): boolean {
    if (this.used + bytes > this.limit) return false;
    this.used += bytes;
    return true;
  }

  give(bytes: number): void {
    this.used -= bytes;
  }
}

export type ReadBody =
  | { readonly kind: 'read'; readonly body: Buffer }
  /** `received`: bytes that had arrived. */
  | { readonly kind: 'refused'; readonly refusal: Refusal; readonly received: number };

type Decoder = (bytes: Buffer, options: { maxOutputLength: number }) => Promise<Buffer>;

const DECODERS: Readonly<Record<string, Decoder>> = {
  gzip: promisify(gunzip),
  'x-gzip': promisify(gunzip),
  deflate: promisify(inflate),
  br: promisify(brotliDecompress),
};

const JSON_TYPE = /^\s*(?:[a-z0-9!#$&^_.+-]+\/(?:[a-z0-9!#$&^_.+-]+\+)?json)\s*(?:;|$)/i;

/** What the headers alone say against a body, before a byte of it is read. */
export function refuseByHeaders(request: IncomingMessage): Refusal | undefined {
  const { headers } = request;
  const type = headers['content-type'];
  if (type !== undefined && !JSON_TYPE.test(type)) return refuse('unsupported_media_type');
  const encoding = headers['content-encoding']?.trim().toLowerCase() ?? 'identity';
  if (encoding !== 'identity' && encoding !== '' && !DECODERS[encoding]) return refuse('unsupported_encoding');
  return Number(headers['content-length'] ?? 0) > CALL_SIZES.bodyMax ? refuse('body_too_large') : undefined;
}

interface ReadOptions {
  readonly budget: BodyBudget;
  readonly stallMs: number;
}

/** Collects the bytes as sent. Every way out removes the listeners; what is left of the body is then discarded by Node. */
function collect(request: IncomingMessage, options: ReadOptions): Promise<ReadBody> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    let received = 0;
    const stalled = setTimeout(() => settle(refuse('request_timeout')), options.stallMs);
    const onData = (chunk: Buffer) => {
      received += chunk.length;
      if (received > CALL_SIZES.bodyMax) {
        settle(refuse('body_too_large'));
      } else if (options.budget.take(chunk.length)) {
        chunks.push(chunk);
        stalled.refresh();
      } else {
        received -= chunk.length;
        settle(refuse('gateway_overloaded'));
      }
    };
    const onEnd = () => settle();
    // A request that ends without `end` has lost its client.
    const onClose = () => settle(refuse('client_gone'));
    const settle = (refusal?: Refusal) => {
      clearTimeout(stalled);
      request.off('data', onData).off('end', onEnd).off('close', onClose).off('error', onClose);
      // An error after this point, while the rest is discarded, has nobody left to tell.
      request.on('error', () => undefined);
      if (!refusal) {
        resolve({ kind: 'read', body: chunks.length === 1 && chunks[0] ? chunks[0] : Buffer.concat(chunks, received) });
        return;
      }
      options.budget.give(chunks.reduce((sum, chunk) => sum + chunk.length, 0));
      request.resume();
      resolve({ kind: 'refused', refusal, received });
    };
    request.on('data', onData).on('end', onEnd).on('close', onClose).on('error', onClose);
  });
}

function isTooLarge(error: unknown): boolean {
  return error instanceof RangeError && (error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE';
}

/** Decodes `gzip`, `deflate` or `br`, to 32 MiB and no further: a bomb costs what its bound costs. */
async function decode(body: Buffer, decoder: Decoder, budget: BodyBudget): Promise<ReadBody> {
  const received = body.length;
  try {
    const decoded = await decoder(body, { maxOutputLength: CALL_SIZES.bodyMax });
    if (budget.take(decoded.length)) return { kind: 'read', body: decoded };
    return { kind: 'refused', refusal: refuse('gateway_overloaded'), received };
  } catch (error) {
    if (isTooLarge(error)) return { kind: 'refused', refusal: refuse('body_too_large'), received };
    const message = 'The request body does not match its content encoding.';
    return { kind: 'refused', refusal: refuse('invalid_request', { message }), received };
  } finally {
    budget.give(received);
  }
}

/**
 * The request's body, decoded, at most 32 MiB. Its bytes are counted in `budget` until the caller gives them back; a refused body has
 * been given back. Never rejects.
 */
export async function readBody(request: IncomingMessage, options: ReadOptions): Promise<ReadBody> {
  const read = await collect(request, options);
  if (read.kind === 'refused') return read;
  const decoder = DECODERS[request.headers['content-encoding']?.trim().toLowerCase() ?? ''];
  return decoder ? decode(read.body, decoder, options.budget) : read;
}
