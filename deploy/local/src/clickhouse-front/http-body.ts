import type { IncomingMessage } from 'node:http';
import { PassThrough } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createBrotliDecompress, createGunzip, createInflate } from 'node:zlib';
import { ClickHouseException, exception } from './exception.js';

/** Reads a body, decompressed. Throws 290 over `bytesMax` (counted after decompression), 271 where it cannot be decompressed. */
export async function readBody(request: IncomingMessage, bytesMax: number): Promise<Buffer> {
  const plain = decompress(request);
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    await pipeline(request, plain, async (source: AsyncIterable<string | Buffer>) => {
      for await (const part of source) {
        const chunk = Buffer.isBuffer(part) ? part : Buffer.from(part);
        size += chunk.length;
        if (size > bytesMax) throw tooLarge(bytesMax);
        chunks.push(chunk);
      }
    });
  } catch (error) {
    if (error instanceof ClickHouseException) throw error;
    // zlib's own errors; anything else is a client that went away in the middle.
    if (isZlibError(error)) throw exception('CANNOT_DECOMPRESS', `Cannot decompress the request body: ${error.message}`, 400);
    throw exception('ABORTED', 'The client went away while sending', 400);
  }
  return chunks.length === 1 && chunks[0] !== undefined ? chunks[0] : Buffer.concat(chunks);
}

function decompress(request: IncomingMessage): NodeJS.ReadWriteStream {
  const encoding = request.headers['content-encoding'] ?? 'identity';
  switch (encoding) {
    case 'identity':
    case '':
      return new PassThrough();
    case 'gzip':
    case 'x-gzip':
      return createGunzip();
    case 'deflate':
      return createInflate();
    case 'br':
      return createBrotliDecompress();
    default:
      throw new ClickHouseException(48, `Code: 48. DB::Exception: Unknown Content-Encoding: ${encoding}; use gzip (NOT_IMPLEMENTED)`);
  }
}

function tooLarge(bytesMax: number): ClickHouseException {
  return exception('LIMIT_EXCEEDED', `The request body is over the limit of ${bytesMax} bytes: send it in several inserts`, 413);
}

function isZlibError(error: unknown): error is Error {
  const code = error instanceof Error ? (error as NodeJS.ErrnoException).code : undefined;
  return code !== undefined && (code.startsWith('Z_') || code.startsWith('ERR_BROTLI') || code.startsWith('ERR__ERROR_FORMAT'));
}
