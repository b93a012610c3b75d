import { describe, expect, it } from '@jest/globals';
import { splitEventLine, type EventEnvelope } from '@weir/contracts';
import fc from 'fast-check';
import { encodeLine, findEvent, findSequence, LINE_BYTES_MAX, splitLines } from './event-line.js';

const envelope = (data: unknown, sequence = 7): EventEnvelope => ({
  eventId: 'e',
  type: 'call.started',
  version: 1,
  time: 1,
  producerId: 'p' as EventEnvelope['producerId'],
  epoch: 1,
  sequence,
  organisationId: 'o',
  callId: null,
  traceparent: null,
  data,
});

describe('an event’s line', () => {
  it('holds the event, byte for byte, and its annex behind a TAB', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.string({ unit: 'grapheme' }), fc.integer({ min: 1 }), (data, text, sequence) => {
        const annex = text.replace(/[\t\n\r]/g, '');
        const line = encodeLine(envelope({ data, text }, sequence), annex);
        expect(line).not.toContain('\n');
        const { leaf, annex: read } = splitEventLine(line);
        expect(read).toBe(annex);
        expect(JSON.parse(leaf)).toEqual(JSON.parse(JSON.stringify(envelope({ data, text }, sequence))));
        expect(findSequence(Buffer.from(line))).toBe(sequence);
        expect(findEvent(Buffer.from(line))).toEqual(JSON.parse(leaf));
      }),
    );
  });

  it('is not fooled by a sequence inside a caller’s text', () => {
    const line = encodeLine(envelope({ application: '"sequence":99' }), undefined);
    expect(findSequence(Buffer.from(line))).toBe(7);
  });

  it('is no line of ours where its block was torn or zeroed', () => {
    expect(findSequence(Buffer.alloc(100))).toBeUndefined();
    expect(findSequence(Buffer.from('{"eventId":"x"'))).toBeUndefined();
    expect(findEvent(Buffer.alloc(100))).toBeUndefined();
  });

  it('never exceeds what a message may hold, however large the event', () => {
    const shapes: unknown[] = [
      { text: '😀'.repeat(400_000) },
      { list: Array.from({ length: 100_000 }, (_, i) => `item ${i}`) },
      { lists: Array.from({ length: 40 }, () => Array.from({ length: 40 }, () => 'x'.repeat(1_000))) },
    ];
    for (const data of shapes) {
      const line = encodeLine(envelope(data), 'salt');
      expect(Buffer.byteLength(line)).toBeLessThanOrEqual(LINE_BYTES_MAX);
      expect(findEvent(Buffer.from(line))).toMatchObject({ type: 'call.started', sequence: 7 });
      expect(splitEventLine(line).annex).toBe('salt');
    }
  });

  it('says how much was cut, and the digest of the whole', () => {
    const cut = findEvent(Buffer.from(encodeLine(envelope({ text: 'a'.repeat(1_000_000), short: 'kept' }), undefined)));
    expect(cut?.data).toMatchObject({ short: 'kept' });
    expect((cut?.data as { text: string }).text).toMatch(/^a{1024}…\[cut from 1000000 characters, sha256 [\w-]{43}\]$/);
  });
});

describe('splitLines', () => {
  it('gives the whole lines and nothing of a torn one, wherever the bytes end', () => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: 'grapheme' })), fc.nat(), (texts, cut) => {
        const lines = texts.map((text) => text.replace(/\n/g, ''));
        const bytes = Buffer.from(lines.map((line) => `${line}\n`).join(''));
        const end = bytes.length === 0 ? 0 : cut % (bytes.length + 1);
        const read = splitLines(bytes.subarray(0, end)).map(String);
        const whole = bytes.subarray(0, end).toString('latin1').split('\n').length - 1;
        expect(read).toEqual(lines.slice(0, whole));
      }),
    );
  });
});
