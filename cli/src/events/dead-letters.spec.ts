import { describe, expect, it } from '@jest/globals';
import { digestOf, type DeadLetter } from './dead-letters.js';

const letter: Omit<DeadLetter, 'id'> = {
  sink: 'billing',
  reason: 'refused_by_warehouse',
  detail: 'charges_landed: DECIMAL_OVERFLOW',
  landedAt: '2026-11-22T09:00:00.000Z',
  stream: 'EVENTS_0',
  streamCreated: 1,
  streamSequence: 2,
  line: 3,
  producerId: null,
  epoch: 0,
  sequence: 0,
  bytes: 4,
  digest: 'd',
  content: 'text',
};

describe('the name of a dead letter', () => {
  it('is another for each table that refused the event, and stays when the server says it in other words', () => {
    const names = [
      'charges_landed: DECIMAL_OVERFLOW',
      'attempts_landed: DECIMAL_OVERFLOW',
      'charges_landed: TYPE_MISMATCH',
    ];
    const [charges, attempts, again] = names.map((detail) => digestOf({ ...letter, detail }));
    expect(attempts).not.toBe(charges);
    expect(again).toBe(charges);
  });

  it('is another for each fault found in one event, and for other content in the same place', () => {
    const invalid = { ...letter, reason: 'invalid_data', detail: 'usage: Required' };
    const others = [invalid, { ...invalid, detail: 'not a time: -1' }, { ...invalid, digest: 'e' }].map(digestOf);
    expect(new Set(others).size).toBe(3);
  });
});
