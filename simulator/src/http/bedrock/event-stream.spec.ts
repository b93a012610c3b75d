import { describe, expect, it } from '@jest/globals';
import { EventStreamCodec } from '@smithy/core/event-streams';
import fc from 'fast-check';
import { encodeCorruptEvent, encodeEvent, encodeException } from './event-stream.js';

const codec = new EventStreamCodec(
  (bytes) => Buffer.from(bytes as Uint8Array).toString('utf8'),
  (text) => Buffer.from(text),
);

/** Cuts a byte stream into messages by their length, as a reader must, from pieces of any size. */
function reassemble(pieces: readonly Uint8Array[]): Uint8Array[] {
  const messages: Uint8Array[] = [];
  let held = Buffer.alloc(0);
  for (const piece of pieces) {
    held = Buffer.concat([held, piece]);
    while (held.byteLength >= 4 && held.byteLength >= held.readUInt32BE(0)) {
      const length = held.readUInt32BE(0);
      messages.push(held.subarray(0, length));
      held = held.subarray(length);
    }
  }
  expect(held.byteLength).toBe(0);
  return messages;
}

describe('event-stream framing', () => {
  it('is what the AWS codec reads, checksums included', () => {
    const decoded = codec.decode(encodeEvent('contentBlockDelta', { delta: { text: '堰' } }));
    expect(decoded.headers).toEqual({
      ':event-type': { type: 'string', value: 'contentBlockDelta' },
      ':content-type': { type: 'string', value: 'application/json' },
      ':message-type': { type: 'string', value: 'event' },
    });
    expect(Buffer.from(decoded.body).toString()).toBe('{"delta":{"text":"堰"}}');
  });

  it('names exceptions as exceptions', () => {
    const { headers, body } = codec.decode(encodeException('modelStreamErrorException', 'no more'));
    expect(headers[':message-type']?.value).toBe('exception');
    expect(headers[':exception-type']?.value).toBe('modelStreamErrorException');
    expect(JSON.parse(Buffer.from(body).toString())).toEqual({ message: 'no more' });
  });

  it('is refused when it is meant to be corrupt', () => {
    expect(() => codec.decode(encodeCorruptEvent())).toThrow(/checksum/);
  });

  it('survives any split of the stream', () => {
    fc.assert(
      fc.property(fc.array(fc.string(), { minLength: 1 }), fc.array(fc.nat(40)), (texts, cuts) => {
        const stream = Buffer.concat(texts.map((text) => encodeEvent('chunk', { text })));
        const pieces: Uint8Array[] = [];
        let from = 0;
        for (const cut of cuts) {
          pieces.push(stream.subarray(from, from + cut));
          from += cut;
        }
        pieces.push(stream.subarray(from));
        const bodies = reassemble(pieces).map((message) => Buffer.from(codec.decode(message).body).toString());
        expect(bodies).toEqual(texts.map((text) => JSON.stringify({ text })));
      }),
    );
  });
});
