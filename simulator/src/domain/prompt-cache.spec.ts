import { describe, expect, it } from '@jest/globals';
import { PromptCache } from './prompt-cache.js';
import type { PromptSegment } from './prompt-segments.js';

const minute = 60_000;
const free = { inputCacheRead: 0, inputCacheWrite5m: 0, inputCacheWrite1h: 0 };

function segment(canonical: string, tokens: number, cache?: '5m' | '1h'): PromptSegment {
  return { canonical, tokens, cache };
}

function cacheWithClock(): { cache: PromptCache; advance: (milliseconds: number) => void } {
  let now = 1_000_000;
  return { cache: new PromptCache(1_000, () => now), advance: (milliseconds) => (now += milliseconds) };
}

describe('cache marks', () => {
  const prompt = [segment('system', 100, '1h'), segment('history', 50, '5m'), segment('question', 10)];

  it('are written once, each for its time, and read afterwards', () => {
    const { cache } = cacheWithClock();
    expect(cache.chargeMarked('key', prompt, 163)).toEqual({
      inputUncached: 13,
      inputCacheRead: 0,
      inputCacheWrite5m: 50,
      inputCacheWrite1h: 100,
    });
    expect(cache.chargeMarked('key', prompt, 163)).toEqual({ ...free, inputUncached: 13, inputCacheRead: 150 });
  });

  it('are read up to the longest prefix still held', () => {
    const { cache, advance } = cacheWithClock();
    cache.chargeMarked('key', prompt, 163);
    advance(6 * minute);
    expect(cache.chargeMarked('key', prompt, 163)).toMatchObject({ inputCacheRead: 100, inputCacheWrite5m: 50 });
    advance(61 * minute);
    expect(cache.chargeMarked('key', prompt, 163)).toMatchObject({ inputCacheRead: 0, inputCacheWrite1h: 100 });
  });

  it('stay as long as they are used', () => {
    const { cache, advance } = cacheWithClock();
    cache.chargeMarked('key', prompt, 163);
    for (let round = 0; round < 5; round += 1) {
      advance(4 * minute);
      expect(cache.chargeMarked('key', prompt, 163)).toMatchObject({ inputCacheRead: 150 });
    }
  });

  it('let a longer conversation read what a shorter one wrote', () => {
    const { cache } = cacheWithClock();
    cache.chargeMarked('key', [segment('a', 10), segment('b', 20, '5m')], 33);
    const longer = [segment('a', 10), segment('b', 20), segment('c', 30), segment('d', 40, '5m')];
    expect(cache.chargeMarked('key', longer, 103)).toEqual({
      ...free,
      inputUncached: 3,
      inputCacheRead: 30,
      inputCacheWrite5m: 70,
    });
  });

  it('belong to one model and credential, and cost nothing where there is none', () => {
    const { cache } = cacheWithClock();
    cache.chargeMarked('key', prompt, 163);
    expect(cache.chargeMarked('other', prompt, 163)).toMatchObject({ inputCacheRead: 0 });
    expect(cache.chargeMarked('key', [segment('system', 100)], 103)).toEqual({ ...free, inputUncached: 103 });
  });
});

describe('automatic caching', () => {
  const long = (end: string) => [segment(`user ${'x'.repeat(5_000)}${end}`, 1_252)];

  it('reads a repeated prefix of at least 1,024 tokens in steps of 128', () => {
    const { cache } = cacheWithClock();
    expect(cache.chargeAutomatic('key', long('one'), 1_255)).toEqual({ ...free, inputUncached: 1_255 });
    expect(cache.chargeAutomatic('key', long('two'), 1_255)).toEqual({
      ...free,
      inputUncached: 1_255 - 1_152,
      inputCacheRead: 1_152,
    });
  });

  it('leaves short prompts alone and forgets after five minutes', () => {
    const { cache, advance } = cacheWithClock();
    const short = [segment('x'.repeat(2_000), 500)];
    cache.chargeAutomatic('key', short, 503);
    expect(cache.chargeAutomatic('key', short, 503)).toMatchObject({ inputCacheRead: 0 });
    cache.chargeAutomatic('key', long(''), 1_255);
    advance(5 * minute);
    expect(cache.chargeAutomatic('key', long(''), 1_255)).toMatchObject({ inputCacheRead: 0 });
  });
});

describe('the size of the cache', () => {
  it('is bounded: the least recently used prefix goes first', () => {
    const cache = new PromptCache(2, () => 0);
    for (const name of ['a', 'b', 'a', 'c']) cache.chargeMarked('key', [segment(name, 10, '5m')], 13);
    const readOf = (name: string) => cache.chargeMarked('key', [segment(name, 10, '5m')], 13).inputCacheRead;
    expect([readOf('a'), readOf('c')]).toEqual([10, 10]);
    expect(readOf('b')).toBe(0);
  });
});
