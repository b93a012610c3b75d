import { describe, expect, it } from '@jest/globals';
import { ConverseEventReader } from './converse-events.js';
import { parseConverseResponse } from './converse-response.js';
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
    const found = findConverseUsage(wire, undefined);
    expect(Object.values(found?.usage ?? {})).toEqual(buckets);
    expect(found?.mismatch).toBeUndefined();
  });

  it.each([
    ['flex', 'flex'],
    ['priority', 'priority'],
    ['default', undefined],
    ['reserved', undefined],
    ['tomorrow', undefined],
  ])('reads the tier that served where it is %s, in an answer and in a stream', (type, tier) => {
    const usage = { inputTokens: 5, outputTokens: 3, totalTokens: 8 };
    const answer = {
      output: { message: { content: [{ text: 'hello' }] } },
      stopReason: 'end_turn',
      usage,
      serviceTier: { type },
    };
    const parsed = parseConverseResponse(Buffer.from(JSON.stringify(answer)));
    expect(parsed).toMatchObject({ ok: true, response: { usage: { output: 3 } } });
    expect(parsed.ok ? parsed.response.usage?.tier : 'none').toBe(tier);
    const [event] = new ConverseEventReader().read('metadata', {
      usage,
      metrics: { latencyMs: 1 },
      serviceTier: { type },
    });
    expect(event).toMatchObject({ type: 'usage', usage: { output: 3 } });
    expect(event?.type === 'usage' ? event.usage.tier : 'none').toBe(tier);
  });

  it('states no usage where the answer has none, so that it is estimated and marked', () => {
    const answer = { output: { message: { content: [{ text: 'hello' }] } }, stopReason: 'end_turn' };
    expect(parseConverseResponse(Buffer.from(JSON.stringify(answer)))).toMatchObject({ response: { usage: null } });
    expect(new ConverseEventReader().read('metadata', { metrics: { latencyMs: 1 } })).toEqual([]);
  });

  it('reports a total that fits neither reading', () => {
    expect(findConverseUsage({ inputTokens: 5, outputTokens: 3, totalTokens: 9 }, undefined)?.mismatch).toContain(
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
