import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { decodeText, encodeText } from './bytes.js';
import { parseSseFrame, SSE_FRAME_BYTES_MAX, SseFrameSplitter, SseFrameTooLargeError, writeSseFrame } from './sse.js';

function splitAt(bytes: Uint8Array, cuts: readonly number[]): Uint8Array[] {
  const bounds = [0, ...cuts.map((cut) => cut % (bytes.length + 1)).sort((a, b) => a - b), bytes.length];
  return bounds.slice(1).map((end, index) => bytes.slice(bounds[index], end));
}

function framesOf(pieces: readonly Uint8Array[]): string[] {
  const splitter = new SseFrameSplitter();
  return pieces.flatMap((piece) => splitter.push(piece).map(decodeText));
}

describe('SseFrameSplitter', () => {
  it('gives the same frames however the bytes are cut, whatever the line ends', () => {
    const line = fc.constantFrom('data: {"a":1}', 'event: x', ': ping', 'data: 堰', '');
    const frame = fc.array(line, { minLength: 1, maxLength: 4 });
    const lineEnd = fc.constantFrom('\n', '\r\n', '\r');
    fc.assert(
      fc.property(
        fc.array(frame, { minLength: 1 }),
        lineEnd,
        fc.array(fc.nat(), { maxLength: 30 }),
        (frames, end, cuts) => {
          const bytes = encodeText(frames.map((lines) => `${lines.join(end)}${end}${end}`).join(''));
          // An LF at the very end settles a last CR, as the next frame would.
          const settled = end === '\r' ? new Uint8Array([...bytes, 0x0a]) : bytes;
          expect(framesOf(splitAt(settled, cuts))).toEqual(framesOf([settled]));
        },
      ),
    );
  });

  it('loses no byte: frames and rest together are the input', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom('a', '\n', '\r', 'data: x'), { maxLength: 40 }), (parts) => {
        const bytes = encodeText(parts.join(''));
        const splitter = new SseFrameSplitter();
        const frames = [...bytes].flatMap((byte) => splitter.push(new Uint8Array([byte])).map(decodeText));
        expect(frames.join('') + decodeText(splitter.rest())).toBe(parts.join(''));
      }),
    );
  });

  it('ends a frame at CRLF CRLF cut between any two of its bytes', () => {
    const bytes = encodeText('data: 1\r\n\r\ndata: 2\r\n\r\n');
    for (let cut = 0; cut <= bytes.length; cut += 1) {
      expect(framesOf([bytes.slice(0, cut), bytes.slice(cut)])).toEqual(['data: 1\r\n\r\n', 'data: 2\r\n\r\n']);
    }
  });

  it('refuses a frame that never ends instead of keeping it', () => {
    const splitter = new SseFrameSplitter();
    splitter.push(new Uint8Array(SSE_FRAME_BYTES_MAX).fill(0x61));
    expect(() => splitter.push(new Uint8Array([0x61]))).toThrow(SseFrameTooLargeError);
  });

  it('keeps its own copy of an unfinished frame, so the caller may reuse its buffer', () => {
    const splitter = new SseFrameSplitter();
    const buffer = Buffer.from('data: on');
    splitter.push(buffer);
    buffer.fill(0);
    expect(splitter.push(encodeText('e\n\n')).map(decodeText)).toEqual(['data: one\n\n']);
  });
});

describe('parseSseFrame', () => {
  it('joins several data lines with LF', () => {
    expect(parseSseFrame(encodeText('event: e\ndata: a\ndata:b\n\n'))).toEqual({ event: 'e', data: 'a\nb' });
  });

  it('gives nothing for a comment', () => {
    expect(parseSseFrame(encodeText(': ping\n\n'))).toBeUndefined();
  });

  it('reads what writeSseFrame wrote', () => {
    expect(parseSseFrame(writeSseFrame('{"堰":1}', 'x'))).toEqual({ event: 'x', data: '{"堰":1}' });
  });
});
