import { describe, expect, it } from '@jest/globals';
import { uuidv7 } from '@weir/contracts';
import fc from 'fast-check';
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
const sequences = (items: ReturnType<typeof readMessage>) => items.map((item) => item.origin?.sequence);
const reasons = (items: ReturnType<typeof readMessage>) =>
  items.map((item) => {
    if (item.kind === 'skipped') return undefined;
    return item.kind === 'poison' ? item.fault.reason : item.event.fault?.reason;
  });

describe('readMessage', () => {
  it('keeps leaf and annex exactly as they were journalled', () => {
    const leaf = alive(1);
    const [item] = readMessage(message([`${leaf}\tsalt`]), options);
    expect(item?.kind === 'event' && [item.event.leaf, item.event.annex]).toEqual([leaf, 'salt']);
  });

  it('closes the sequence of every unreadable line, wherever it stands and whatever it holds', () => {
    const garbage = fc.uint8Array({ minLength: 1, maxLength: 40 }).filter((bytes) => !bytes.includes(0x0a));
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 4 }), garbage, fc.boolean(), (at, bytes, hasId) => {
        const lines: (string | Uint8Array)[] = [11, 12, 13, 14, 15].map((sequence) => alive(sequence));
        lines[at] = bytes;
        const items = readMessage(message(lines, hasId ? `${producerId}:3:11-15` : undefined), options);
        expect(sequences(items)).toEqual([11, 12, 13, 14, 15]);
        expect(items.map((item) => item.kind).filter((kind) => kind === 'poison')).toHaveLength(1);
      }),
    );
  });

  it('closes the sequences of a message without one readable line by its identity', () => {
    expect(sequences(readMessage(message(['a', 'b'], `${producerId}:3:8-9`), options))).toEqual([8, 9]);
    expect(sequences(readMessage(message(['a', 'b']), options))).toEqual([undefined, undefined]);
  });

  it('tells what is wrong with a line', () => {
    const lines = [alive(1), 'x', '{}', alive(9), alive(5, { note: 'x'.repeat(5_000) }), alive(6, { open: 'many' })];
    const unknown = alive(7).replace('producer.alive', 'producer.dead');
    const items = readMessage(message([...lines, unknown, Uint8Array.of(0xff)]), options);
    expect(reasons(items)).toEqual([
      undefined,
      'not_json',
      'not_an_event',
      'wrong_position',
      'oversize',
      'invalid_data',
      'unknown_event',
      'not_utf8',
    ]);
    expect(sequences(items)).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
  });

  it('does not check the data of events the sink does not read', () => {
    const [item] = readMessage(message([alive(1, { open: 'many' })]), { ...options, reads: () => false });
    expect(item?.kind === 'event' && item.event.fault).toBeNull();
  });

  it('passes over events the sink does not read, and reads those it does', () => {
    const billing: ReadOptions = { ...options, reads: (type) => type === 'attempt.finished', skips: true };
    const other = alive(2).replace('producer.alive', 'attempt.finished');
    const spaced = alive(3).replace('{"eventId":', '{ "eventId": ');
    const unknown = alive(4).replace('producer.alive', 'producer.dead');
    const items = readMessage(message([alive(1), other, spaced, unknown, 'x']), billing);
    expect(items.map((item) => item.kind)).toEqual(['skipped', 'event', 'event', 'event', 'poison']);
    expect(sequences(items)).toEqual([1, 2, 3, 4, 5]);
    expect(reasons(items)).toEqual([undefined, 'invalid_data', undefined, 'unknown_event', 'not_json']);
  });
});
