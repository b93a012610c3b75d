import { describe, expect, it } from '@jest/globals';
import { findGaps } from './find-gaps.js';

const epoch = (through: number, ...above: [number, number][]) => ({ producerId: 'p', epoch: 1, through, above });

describe('gaps of what has landed', () => {
  it('are between the ranges, and none where everything landed', () => {
    expect(findGaps([epoch(9)], [])).toEqual([]);
    expect(findGaps([epoch(2, [5, 6], [9, 9])], [])).toEqual([
      { kind: 'sequence_gap', producerId: 'p', epoch: 1, first: 3, last: 4 },
      { kind: 'sequence_gap', producerId: 'p', epoch: 1, first: 7, last: 8 },
    ]);
    expect(findGaps([epoch(0, [2, 3])], [])).toEqual([
      { kind: 'sequence_gap', producerId: 'p', epoch: 1, first: 1, last: 1 },
    ]);
  });

  it('are at the end of an epoch where the next one states a later end, also where nothing of it has landed', () => {
    const end = { producerId: 'p', epoch: 1, lastSequence: 9 };
    expect(findGaps([epoch(9)], [end])).toEqual([]);
    expect(findGaps([epoch(7)], [end])).toEqual([{ kind: 'tail_gap', producerId: 'p', epoch: 1, first: 8, last: 9 }]);
    expect(findGaps([epoch(5, [8, 9])], [end]).map(({ kind }) => kind)).toEqual(['sequence_gap']);
    expect(findGaps([], [end])).toEqual([{ kind: 'tail_gap', producerId: 'p', epoch: 1, first: 1, last: 9 }]);
  });
});
