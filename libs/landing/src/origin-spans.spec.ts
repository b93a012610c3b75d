import { describe, expect, it } from '@jest/globals';
import { OriginSpans } from './origin-spans.js';

const spansOf = (...origins: readonly (readonly [string, number, number])[]) => {
  const spans = new OriginSpans();
  for (const [producerId, epoch, sequence] of origins) spans.add({ producerId, epoch, sequence });
  return spans.spans;
};

describe('OriginSpans', () => {
  it('makes one span of each epoch of a producer, in whatever order its events come', () => {
    expect(spansOf(['a', 1, 9], ['b', 1, 4], ['a', 2, 1], ['a', 1, 3], ['a', 1, 7])).toEqual([
      { producerId: 'a', epoch: 1, first: 3, last: 9 },
      { producerId: 'b', epoch: 1, first: 4, last: 4 },
      { producerId: 'a', epoch: 2, first: 1, last: 1 },
    ]);
  });

  it('asks for nothing of what lies in a long hole', () => {
    expect(spansOf(['a', 1, 5_000_000], ['a', 1, 10], ['a', 1, 5_000_001], ['a', 1, 5_010])).toEqual([
      { producerId: 'a', epoch: 1, first: 10, last: 5_010 },
      { producerId: 'a', epoch: 1, first: 5_000_000, last: 5_000_001 },
    ]);
  });
});
