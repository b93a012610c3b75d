import { describe, expect, it } from '@jest/globals';
import { AnthropicUsage, writeAnthropicUsage } from './usage.js';

describe('Anthropic usage', () => {
  it.each([
    ['plain', [{ input_tokens: 5, output_tokens: 3 }], [5, 0, 0, 0, 3, 0]],
    [
      'cache',
      [{ input_tokens: 5, cache_read_input_tokens: 7, cache_creation_input_tokens: 9, output_tokens: 3 }],
      [5, 7, 9, 0, 3, 0],
    ],
    [
      'lifetimes',
      [
        {
          input_tokens: 5,
          cache_creation_input_tokens: 9,
          cache_creation: { ephemeral_1h_input_tokens: 4, ephemeral_5m_input_tokens: 5 },
          output_tokens: 3,
        },
      ],
      [5, 0, 5, 4, 3, 0],
    ],
    [
      'thinking',
      [{ input_tokens: 5, output_tokens: 30, output_tokens_details: { thinking_tokens: 20 } }],
      [5, 0, 0, 0, 10, 20],
    ],
    [
      'a stream',
      [
        { input_tokens: 5, cache_read_input_tokens: 7, output_tokens: 1 },
        { output_tokens: 30, input_tokens: null },
      ],
      [5, 7, 0, 0, 30, 0],
    ],
  ])('reads %s into disjoint buckets', (_name, values, buckets) => {
    const counted = new AnthropicUsage();
    for (const value of values) counted.add(value);
    expect(Object.values(counted.usage ?? {})).toEqual(buckets);
    expect(counted.mismatch).toBeUndefined();
  });

  it('is written with input_tokens apart from the cache, and comes back the same', () => {
    const usage = {
      inputUncached: 1,
      inputCacheRead: 2,
      inputCacheWrite5m: 4,
      inputCacheWrite1h: 8,
      output: 16,
      reasoning: 32,
    };
    const counted = new AnthropicUsage();
    counted.add(writeAnthropicUsage(usage));
    expect(counted.usage).toEqual(usage);
  });

  it('reports figures that contradict each other', () => {
    const counted = new AnthropicUsage();
    counted.add({ input_tokens: 1, output_tokens: 2, output_tokens_details: { thinking_tokens: 3 } });
    expect(counted.mismatch).toBe('thinking tokens are 3, all output 2');
  });

  it('keeps the tier that served, where it is not the standard one', () => {
    const counted = new AnthropicUsage();
    counted.add({ input_tokens: 1, output_tokens: 1, service_tier: 'standard' });
    expect(counted.usage?.tier).toBeUndefined();
    counted.add({ input_tokens: 1, output_tokens: 1, service_tier: 'priority' });
    counted.add({ output_tokens: 9 });
    expect(counted.usage).toMatchObject({ output: 9, tier: 'priority' });
  });
});
