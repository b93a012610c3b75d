import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { EventBoundary } from './event-boundary.js';

const bytes = (text: string) => Buffer.from(text);
const text = (parts: readonly Uint8Array[]) => Buffer.concat(parts).toString();

describe('EventBoundary', () => {
  it('lets whole events through as they are', () => {
    const boundary = new EventBoundary();
    const event = bytes('data: {"a":1}\n\n');
    expect(boundary.push(event)[0]).toBe(event);
    expect(boundary.isBetweenEvents).toBe(true);
  });

  it('holds half an event back until the rest has come', () => {
    const boundary = new EventBoundary();
    expect(boundary.push(bytes('data: 1\n\ndata: '))).toHaveLength(1);
    expect(boundary.heldBytes).toBe(6);
    expect(text(boundary.push(bytes('2\n\n')))).toBe('data: 2\n\n');
    expect(boundary.heldBytes).toBe(0);
  });

  it('gives what is left at the end, unfinished or not', () => {
    const boundary = new EventBoundary();
    boundary.push(bytes('data: 1'));
    expect(text(boundary.flush())).toBe('data: 1');
  });

  it('passes on an event that is too long to be held, and says that it is inside one', () => {
    const boundary = new EventBoundary();
    const long = Buffer.alloc(70_000, 'x');
    expect(text(boundary.push(long))).toHaveLength(70_000);
    expect(boundary.isBetweenEvents).toBe(false);
    expect(text(boundary.push(bytes('\n\n')))).toBe('\n\n');
    expect(boundary.isBetweenEvents).toBe(true);
  });

  it('changes no byte and ends between events, wherever the stream is cut', () => {
    const line = fc.constantFrom('data: {"t":"x"}', 'event: ping', ': comment', 'data: é漢', 'data:');
    const event = fc.tuple(fc.array(line, { minLength: 1, maxLength: 3 }), fc.constantFrom('\n', '\r\n'));
    const stream = fc.array(event, { minLength: 1, maxLength: 6 });
    fc.assert(
      fc.property(stream, fc.array(fc.nat(200), { maxLength: 20 }), (events, cuts) => {
        const whole = bytes(events.map(([lines, end]) => lines.join(end) + end + end).join(''));
        const boundary = new EventBoundary();
        const passed: Uint8Array[] = [];
        let at = 0;
        for (const cut of [...cuts, whole.length]) {
          const next = Math.min(whole.length, at + cut);
          passed.push(...boundary.push(whole.subarray(at, next)));
          at = next;
          const soFar = text(passed);
          expect(soFar === '' || /\n\r?\n$/.test(soFar)).toBe(true);
        }
        expect(text(passed)).toBe(whole.toString());
      }),
    );
  });

  it('finds the end of an event when every byte comes alone', () => {
    for (const end of ['\n', '\r\n']) {
      const stream = `data: 1${end}${end}event: a${end}data: 2${end}${end}`;
      const boundary = new EventBoundary();
      const passed = [...bytes(stream)].flatMap((byte) => boundary.push(Buffer.from([byte])));
      expect(text(passed)).toBe(stream);
      expect(boundary.heldBytes).toBe(0);
    }
  });
});
