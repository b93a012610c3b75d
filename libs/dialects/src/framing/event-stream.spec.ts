import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { decodeText, encodeText } from './bytes.js';
import { EventStreamDecoder, EventStreamFormatError, writeEventStreamMessage } from './event-stream.js';

/** Encoded by AWS's own EventStreamCodec (@smithy/core 3.41), with headers of five types. */
const RECORDED =
  'AAAAvwAAAIFtCvMaCzpldmVudC10eXBlBwARY29udGVudEJsb2NrRGVsdGENOmNvbnRlbnQtdHlwZQcAEGFwcGxpY2F0aW9uL2pzb24NOm1lc3NhZ2Ut' +
  'dHlwZQcABWV2ZW50BGZsYWcABWNvdW50BAAAAAcEYmxvYgYAAwECAwR0aW1lCAAAAAAAAAAAeyJjb250ZW50QmxvY2tJbmRleCI6MCwiZGVsdGEiOnsi' +
  'dGV4dCI6IuWgsCJ9ffBDzwA=';

function decodeAll(pieces: readonly Uint8Array[]): { headers: object; payload: string }[] {
  const decoder = new EventStreamDecoder();
  return pieces.flatMap((piece) =>
    decoder.push(piece).map(({ headers, payload }) => ({ headers, payload: decodeText(payload) })),
  );
}

describe('EventStreamDecoder', () => {
  it('reads a message that AWS encoded', () => {
    const [message] = decodeAll([Buffer.from(RECORDED, 'base64')]);
    expect(message?.payload).toBe('{"contentBlockIndex":0,"delta":{"text":"堰"}}');
    expect(message?.headers).toEqual({
      ':event-type': 'contentBlockDelta',
      ':content-type': 'application/json',
      ':message-type': 'event',
    });
  });

  it('gives the same messages however the bytes are cut', () => {
    const message = fc.tuple(fc.dictionary(fc.stringMatching(/^:?[a-z-]{1,20}$/), fc.string()), fc.uint8Array());
    fc.assert(
      fc.property(fc.array(message, { minLength: 1 }), fc.array(fc.nat(), { maxLength: 40 }), (messages, cuts) => {
        const bytes = Buffer.concat(messages.map(([headers, payload]) => writeEventStreamMessage(headers, payload)));
        const bounds = [0, ...cuts.map((cut) => cut % (bytes.length + 1)).sort((a, b) => a - b), bytes.length];
        const pieces = bounds.slice(1).map((end, index) => bytes.subarray(bounds[index], end));
        expect(decodeAll(pieces)).toEqual(decodeAll([bytes]));
        expect(decodeAll([bytes])).toHaveLength(messages.length);
      }),
    );
  });

  it('gives the same message byte by byte', () => {
    const bytes = Buffer.from(RECORDED, 'base64');
    expect(decodeAll([...bytes].map((byte) => new Uint8Array([byte])))).toEqual(decodeAll([bytes]));
  });

  it('notices every single flipped bit', () => {
    const bytes = writeEventStreamMessage({ ':event-type': 'chunk' }, encodeText('{"bytes":"aGk="}'));
    fc.assert(
      fc.property(fc.nat(bytes.length - 1), fc.integer({ min: 0, max: 7 }), (index, bit) => {
        const damaged = new Uint8Array(bytes);
        damaged[index] = (damaged[index] ?? 0) ^ (1 << bit);
        expect(() => decodeAll([damaged])).toThrow(EventStreamFormatError);
      }),
    );
  });

  it('keeps its own copy of an unfinished message, so the caller may reuse its buffer', () => {
    const bytes = writeEventStreamMessage({ a: 'b' }, encodeText('payload'));
    const decoder = new EventStreamDecoder();
    const first = Buffer.from(bytes.subarray(0, 20));
    decoder.push(first);
    first.fill(0);
    expect(decoder.pendingBytes).toBe(20);
    expect(decoder.push(bytes.slice(20)).map(({ payload }) => decodeText(payload))).toEqual(['payload']);
  });
});
