import { describe, expect, it } from '@jest/globals';
import type { JournalLine } from '@weir/journal';
import fc from 'fast-check';
import { BATCH_BYTES_MAX, BATCH_EVENTS_MAX, BatchFormer, type EventBatch } from './batch-former.js';

/** Lines of one or two epochs with gaps here and there, as a backlog gives them. */
const lines = fc
  .array(fc.record({ skip: fc.nat({ max: 2 }), newEpoch: fc.boolean(), bytes: fc.nat({ max: 2_000 }) }), {
    maxLength: 600,
  })
  .map((steps) => {
    let epoch = 1;
    let sequence = 0;
    return steps.map(({ skip, newEpoch, bytes }, i): JournalLine => {
      if (newEpoch && i === 100) {
        epoch += 1;
        sequence = 0;
      }
      sequence += 1 + (skip === 2 ? 1 : 0);
      return { epoch, sequence, line: Buffer.alloc(bytes, 0x61) };
    });
  });

function takeAll(former: BatchFormer): EventBatch[] {
  const batches: EventBatch[] = [];
  for (let batch = former.take(); batch !== undefined; batch = former.take()) batches.push(batch);
  return batches;
}

describe('BatchFormer', () => {
  it('keeps every line, in order, in batches of consecutive sequences within the limits', () => {
    fc.assert(
      fc.property(lines, (input) => {
        const former = new BatchFormer('p');
        for (const line of input) former.add(line);
        const batches = takeAll(former);
        const read = batches.flatMap(({ epoch, first, payload }) =>
          payload
            .toString()
            .split('\n')
            .slice(0, -1)
            .map((text, i) => ({ epoch, sequence: first + i, text })),
        );
        expect(read).toEqual(input.map(({ epoch, sequence, line }) => ({ epoch, sequence, text: line.toString() })));
        for (const { epoch, first, last, messageId, payload } of batches) {
          expect(messageId).toBe(`p:${epoch}:${first}-${last}`);
          expect(last - first + 1).toBeLessThanOrEqual(BATCH_EVENTS_MAX);
          expect(payload.length <= BATCH_BYTES_MAX || first === last).toBe(true);
        }
        expect(former.count).toBe(0);
        expect(former.bytes).toBe(0);
      }),
    );
  });

  it('takes a line that is larger than a batch alone', () => {
    const former = new BatchFormer('p');
    former.add({ epoch: 1, sequence: 1, line: Buffer.alloc(10) });
    former.add({ epoch: 1, sequence: 2, line: Buffer.alloc(BATCH_BYTES_MAX * 2) });
    former.add({ epoch: 1, sequence: 3, line: Buffer.alloc(10) });
    expect(takeAll(former).map(({ first, last }) => [first, last])).toEqual([
      [1, 1],
      [2, 2],
      [3, 3],
    ]);
  });
});
