import { describe, expect, it } from '@jest/globals';
import { openDoubts, touchesDoubt } from './doubts.js';
import type { Run } from './landing-event.js';

const run = (first: number, last: number, epoch = 1): Run => ({ producerId: 'p', epoch, first, last });

describe('doubts', () => {
  it('are settled when a watermark covers all of their events', () => {
    const doubts = [run(5, 9), run(1, 3, 2)];
    const landed = (through: number) => (key: string) => ({ through: key === 'p:1' ? through : 2, above: [] });
    expect(openDoubts(doubts, landed(4))).toEqual(doubts);
    expect(openDoubts(doubts, landed(8))).toEqual(doubts);
    expect(openDoubts(doubts, landed(9))).toEqual([run(1, 3, 2)]);
  });

  it('concern batches that hold one of their events, and no others', () => {
    const doubts = [run(5, 9)];
    expect([run(1, 4), run(10, 12), run(5, 9, 2), null].map((other) => touchesDoubt(doubts, [other]))).toEqual([
      false,
      false,
      false,
      false,
    ]);
    expect([run(1, 5), run(9, 9), run(6, 7), run(1, 99)].every((other) => touchesDoubt(doubts, [other]))).toBe(true);
  });
});
