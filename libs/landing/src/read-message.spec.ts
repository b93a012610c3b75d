import { describe, expect, it } from '@jest/globals';
import { uuidv7 } from '@weir/contracts';
import fc from 'fast-check';
import type { ReadMessage } from './landing-event.js';
import { readMessage, type EventMessage, type ReadOptions } from './read-message.js';

const producerId = uuidv7();
const options: ReadOptions = { partition: 1, lineBytesMax: 4_096, reads: () => true, skips: false };

const alive = (sequence: number, data: object = {}): string =>
  JSON.stringify({
    eventId: uuidv7(),
    type: 'producer.alive',
    version: 1,
    time: 1_760_000_000_000,
    producerId,
    epoch: 3,
    sequence,
    organisationId: null,
    callId: null,
    traceparent: null,
    data: { service: 'ingress', instance: 'ingress-0', lastSequence: sequence - 1, open: 0, previous: null, ...data },
  });

const message = (lines: readonly (string | Uint8Array)[], messageId?: string): EventMessage => ({
  streamSequence: 7,
  messageId,
  payload: Buffer.concat(lines.map((line) => Buffer.concat([Buffer.from(line), Buffer.from('\n')]))),
});
const sequences = ({ items }: ReadMessage) => items.map((item) => item.origin?.sequence);
const reasons = ({ items }: ReadMessage) =>
  items.map((item) => (item.kind === 'poison' ? item.fault.reason : item.event.fault?.reason));

describe('readMessage', () => {
  it('keeps leaf and annex exactly as they were journalled', () => {
    const leaf = alive(1);
    const [item] = readMessage(message([`${leaf}\tsalt`]), options).items;
    expect(item?.kind === 'event' && [item.event.leaf.toString(), item.event.annex.toString()]).toEqual([leaf, 'salt']);
  });

  it('closes the sequence of every unreadable line, wherever it stands and whatever it holds', () => {
    const garbage = fc.uint8Array({ minLength: 1, maxLength: 40 }).filter((bytes) => !bytes.includes(0x0a));
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 4 }), garbage, fc.boolean(), (at, bytes, hasId) => {
        const lines: (string | Uint8Array)[] = [11, 12, 13, 14, 15].map((sequence) => alive(sequence));
        lines[at] = bytes;
        const read = readMessage(message(lines, hasId ? `${producerId}:3:11-15` : undefined), options);
        expect(sequences(read)).toEqual([11, 12, 13, 14, 15]);
        expect(read.run).toEqual({ producerId, epoch: 3, first: 11, last: 15 });
        expect(read.items.map((item) => item.kind).filter((kind) => kind === 'poison')).toHaveLength(1);
      }),
    );
  });

  it('closes the sequences of a message without one readable line by its identity', () => {
    expect(sequences(readMessage(message(['a', 'b'], `${producerId}:3:8-9`), options))).toEqual([8, 9]);
    expect(sequences(readMessage(message(['a', 'b']), options))).toEqual([undefined, undefined]);
  });

  it('closes the sequence of a message whose lines are no events, where the head of one can be read', () => {
    const oversize = alive(9, { note: 'x'.repeat(5_000) });
    const cutOff = alive(9).slice(0, -1);
    for (const line of [oversize, cutOff, Buffer.concat([Buffer.from(alive(9)), Buffer.of(0xff)])]) {
      const alone = readMessage(message([line]), options);
      expect(alone.run).toEqual({ producerId, epoch: 3, first: 9, last: 9 });
      expect(alone.items).toMatchObject([{ kind: 'poison', origin: { producerId, epoch: 3, sequence: 9 } }]);
      expect(sequences(readMessage(message(['x', line]), options))).toEqual([8, 9]);
    }
  });

  it('believes an event before a line that is none', () => {
    const read = readMessage(message([alive(9).slice(0, -1), alive(2)]), options);
    expect(reasons(read)).toEqual(['not_json', undefined]);
    expect(sequences(read)).toEqual([1, 2]);
  });

  it('tells what is wrong with a line', () => {
    const lines = [alive(1), 'x', '{}', alive(9), alive(5, { note: 'x'.repeat(5_000) }), alive(6, { open: 'many' })];
    const unknown = alive(7).replace('producer.alive', 'producer.dead');
    const read = readMessage(message([...lines, unknown, Uint8Array.of(0xff)]), options);
    expect(reasons(read)).toEqual([
      undefined,
      'not_json',
      'not_an_event',
      'wrong_position',
      'oversize',
      'invalid_data',
      'unknown_event',
      'not_utf8',
    ]);
    expect(sequences(read)).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
  });

  it('does not check the data of events the sink does not read', () => {
    const [item] = readMessage(message([alive(1, { open: 'many' })]), { ...options, reads: () => false }).items;
    expect(item?.kind === 'event' && item.event.fault).toBeNull();
  });

  it('passes over events the sink does not read, and reads those it does', () => {
    const billing: ReadOptions = { ...options, reads: (type) => type === 'attempt.finished', skips: true };
    const other = alive(2).replace('producer.alive', 'attempt.finished');
    const spaced = alive(3).replace('{"eventId":', '{ "eventId": ');
    const unknown = alive(4).replace('producer.alive', 'producer.dead');
    const read = readMessage(message([alive(1), other, spaced, unknown, 'x', alive(6)]), billing);
    expect(read.run).toEqual({ producerId, epoch: 3, first: 1, last: 6 });
    expect(read.items.map((item) => item.kind)).toEqual(['event', 'event', 'event', 'poison']);
    expect(sequences(read)).toEqual([2, 3, 4, 5]);
    expect(reasons(read)).toEqual(['invalid_data', undefined, 'unknown_event', 'not_json']);
  });

  it('knows by the message alone what it holds, where none of its events is read', () => {
    const billing: ReadOptions = { ...options, reads: () => false, skips: true };
    const read = readMessage(message([alive(4), alive(5)]), billing);
    expect(read).toMatchObject({ run: { first: 4, last: 5 }, items: [], lines: 2, time: 1_760_000_000_000 });
    expect(readMessage(message([alive(4), alive(9)]), billing).items.map((item) => item.kind)).toEqual(['poison']);
  });

  it('reads the same from an event as journals write it as from any other JSON of it', () => {
    const text = fc.oneof(
      fc.string({ unit: 'grapheme', maxLength: 40 }),
      fc.constantFrom('a"b', 'é\\', '\t', '\u0000'),
    );
    const field = fc.option(text, { nil: null });
    fc.assert(
      fc.property(field, field, fc.boolean(), text, (organisationId, traceparent, isCall, service) => {
        const event = JSON.parse(alive(1, { service })) as Record<string, unknown>;
        const line = { ...event, organisationId, traceparent, callId: isCall ? event['eventId'] : null };
        const { data, ...rest } = line as typeof line & { data: unknown };
        const asWritten = readMessage(message([JSON.stringify({ ...rest, data })]), options).items[0];
        const otherwise = readMessage(message([JSON.stringify({ data, ...rest })]), options).items[0];
        if (asWritten?.kind !== 'event' || otherwise?.kind !== 'event') throw new Error('not read as events');
        const { leaf: _, ...event1 } = asWritten.event;
        const { leaf: __, ...event2 } = otherwise.event;
        expect(event1).toEqual(event2);
      }),
    );
  });

  it('takes no line for an event that was cut off, or holds no JSON where it reads', () => {
    const whole = alive(1);
    for (let end = 1; end < whole.length; end++) {
      expect(reasons(readMessage(message([whole.slice(0, end)]), { ...options, reads: () => false }))).toEqual([
        'not_json',
      ]);
    }
    expect(reasons(readMessage(message([whole.replace('"open":0', '"open":')]), options))).toEqual(['not_json']);
  });
});
