import { describe, expect, it } from '@jest/globals';
import { findConverseUsage, writeConverseUsage } from './usage.js';

describe('Converse usage', () => {
  it.each([
    ['plain', { inputTokens: 5, outputTokens: 3, totalTokens: 8 }, [5, 0, 0, 0, 3, 0]],
    [
      'cache in the total',
      { inputTokens: 5, outputTokens: 3, totalTokens: 24, cacheReadInputTokens: 7, cacheWriteInputTokens: 9 },
      [5, 7, 9, 0, 3, 0],
    ],
    [
      'cache beside the total',
      { inputTokens: 5, outputTokens: 3, totalTokens: 8, cacheReadInputTokens: 7 },
      [5, 7, 0, 0, 3, 0],
    ],
    [
      'lifetimes',
      {
        inputTokens: 5,
        outputTokens: 3,
        cacheWriteInputTokens: 9,
        cacheDetails: [
          { ttl: '1h', inputTokens: 4 },
          { ttl: '5m', inputTokens: 5 },
        ],
      },
      [5, 0, 5, 4, 3, 0],
    ],
  ])('reads %s into disjoint buckets', (_name, wire, buckets) => {
    const found = findConverseUsage(wire);
    expect(Object.values(found?.usage ?? {})).toEqual(buckets);
    expect(found?.mismatch).toBeUndefined();
  });

  it('reports a total that fits neither reading', () => {
    expect(findConverseUsage({ inputTokens: 5, outputTokens: 3, totalTokens: 9 })?.mismatch).toContain(
      'provider says 9',
    );
  });

  it('is written with the cache apart from input', () => {
    expect(
      writeConverseUsage({
        inputUncached: 1,
        inputCacheRead: 2,
        inputCacheWrite5m: 4,
        inputCacheWrite1h: 8,
        output: 16,
        reasoning: 32,
      }),
    ).toEqual({
      inputTokens: 1,
      outputTokens: 48,
      totalTokens: 63,
      cacheReadInputTokens: 2,
      cacheWriteInputTokens: 12,
      cacheDetails: [
        { ttl: '5m', inputTokens: 4 },
        { ttl: '1h', inputTokens: 8 },
      ],
    });
  });
});
