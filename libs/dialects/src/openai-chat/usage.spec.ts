import { describe, expect, it } from '@jest/globals';
import { findChatUsage, writeChatUsage } from './usage.js';

describe('Chat usage', () => {
  it.each([
    ['plain', { prompt_tokens: 10, completion_tokens: 5, total_tokens: 15 }, [10, 0, 0, 0, 5, 0]],
    [
      'cached',
      { prompt_tokens: 10, completion_tokens: 5, prompt_tokens_details: { cached_tokens: 4 } },
      [6, 4, 0, 0, 5, 0],
    ],
    [
      'cache writes',
      { prompt_tokens: 10, completion_tokens: 5, prompt_tokens_details: { cached_tokens: 4, cache_write_tokens: 3 } },
      [3, 4, 3, 0, 5, 0],
    ],
    [
      'reasoning within completion',
      { prompt_tokens: 1, completion_tokens: 5, completion_tokens_details: { reasoning_tokens: 4 } },
      [1, 0, 0, 0, 1, 4],
    ],
    [
      'reasoning beside completion',
      { prompt_tokens: 1, completion_tokens: 5, total_tokens: 10, completion_tokens_details: { reasoning_tokens: 4 } },
      [1, 0, 0, 0, 5, 4],
    ],
    [
      'DeepSeek',
      { prompt_tokens: 10, completion_tokens: 5, prompt_cache_hit_tokens: 8, prompt_cache_miss_tokens: 2 },
      [2, 8, 0, 0, 5, 0],
    ],
    ['zero is a count', { prompt_tokens: 0, completion_tokens: 0, total_tokens: 0 }, [0, 0, 0, 0, 0, 0]],
  ])('reads %s into disjoint buckets', (_name, wire, buckets) => {
    const found = findChatUsage(wire, 'default');
    expect(Object.values(found?.usage ?? {})).toEqual(buckets);
    expect(found?.mismatch).toBeUndefined();
  });

  it('reports figures that contradict each other instead of hiding them', () => {
    expect(
      findChatUsage({ prompt_tokens: 5, completion_tokens: 1, prompt_tokens_details: { cached_tokens: 9 } }, undefined)
        ?.mismatch,
    ).toContain('provider says 5');
  });

  it('knows missing usage from zero', () => {
    expect(findChatUsage(null, 'flex')).toBeUndefined();
    expect(findChatUsage({}, 'flex')).toBeUndefined();
  });

  it('states the prompt as the sum of all input buckets, and reasoning within completion', () => {
    const usage = {
      inputUncached: 1,
      inputCacheRead: 2,
      inputCacheWrite5m: 4,
      inputCacheWrite1h: 8,
      output: 16,
      reasoning: 32,
    };
    expect(writeChatUsage(usage)).toEqual({
      prompt_tokens: 15,
      completion_tokens: 48,
      total_tokens: 63,
      prompt_tokens_details: { cached_tokens: 2, cache_write_tokens: 12 },
      completion_tokens_details: { reasoning_tokens: 32 },
    });
  });

  it('tells sound from text, and the tier that served', () => {
    const wire = {
      prompt_tokens: 100,
      completion_tokens: 50,
      total_tokens: 150,
      prompt_tokens_details: { cached_tokens: 10, audio_tokens: 30 },
      completion_tokens_details: { reasoning_tokens: 5, audio_tokens: 20 },
    };
    expect(findChatUsage(wire, 'flex')).toEqual({
      usage: {
        inputUncached: 60,
        inputCacheRead: 10,
        inputCacheWrite5m: 0,
        inputCacheWrite1h: 0,
        output: 25,
        reasoning: 5,
        inputAudio: 30,
        outputAudio: 20,
        tier: 'flex',
      },
    });
    expect(findChatUsage(wire, 'default')?.usage.tier).toBeUndefined();
    expect(findChatUsage(wire, 'constructor')?.usage.tier).toBeUndefined();
  });
});
