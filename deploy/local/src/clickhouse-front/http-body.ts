import type { IncomingMessage } from 'node:http';
import type { Transform } from 'node:stream';
import { createBrotliDecompress, createGunzip, createInflate } from 'node:zlib';
import { ClickHouseException, exception } from './exception.js';

/**
 * Reads a body, decompressed. Throws 290 over `bytesMax` (counted after decompression), 271 where it cannot be decompressed. What is
 * not read then is discarded as it comes, so that the client, still sending, can read why.
 */
export function readBody(request: IncomingMessage, bytesMax: number): Promise<Buffer> {
  const decoder = createDecoder(request.headers['content-encoding'] ?? 'identity');
  return new Promise((resolve, reject) => {
    const source = decoder === undefined ? request : request.pipe(decoder);
    const chunks: Buffer[] = [];
    let size = 0;
    const fail = (failure: ClickHouseException) => {
      source.off('data', take);
      request.unpipe();
      request.resume();
      reject(failure);
    };
    const take = (chunk: Buffer) => {
      size += chunk.length;
      if (size > bytesMax) fail(tooLarge(bytesMax));
      else chunks.push(chunk);
    };
    source.on('data', take);
    source.once('end', () =>
      resolve(chunks.length === 1 && chunks[0] !== undefined ? chunks[0] : Buffer.concat(chunks)),
    );
    decoder?.on('error', (error) => {
      fail(exception('CANNOT_DECOMPRESS', `Cannot decompress the request body: ${error.message}`, 400));
    });
    request.once('error', () => reject(exception('ABORTED', 'The client went away while sending', 400)));
  });
}

function createDecoder(encoding: string): Transform | undefined {
  switch (encoding) {
    case 'identity':
    case '':
      return undefined;
    case 'gzip':
    case 'x-gzip':
      return createGunzip();
    case 'deflate':
      return createInflate();
    case 'br':
      return createBrotliDecompress();
    default:
      throw new ClickHouseException(
        48,
        `Code: 48. DB::Exception: Unknown Content-Encoding: ${encoding}; use gzip (NOT_IMPLEMENTED)`,
      );
  }
}

function tooLarge(bytesMax: number): ClickHouseException {
  return exception(
    'LIMIT_EXCEEDED',
    `The request body is over the limit of ${bytesMax} bytes: send it in several inserts`,
    413,
  );
}
