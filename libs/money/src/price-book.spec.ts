import { describe, expect, it } from '@jest/globals';
import { PriceBookError, isSamePrice, parsePriceBook } from './price-book.js';

const entry = {
  key: 'anthropic/claude-x',
  validFrom: '2026-01-01',
  input: '3',
  output: '15',
};
const file = (...prices: object[]) => ({
  source: 'https://example.com/pricing',
  checked: '2026-11-22',
  prices,
});

describe('parsePriceBook', () => {
  it('makes one dated version of each entry, in pico-USD per token', () => {
    const cached = {
      ...entry,
      cacheRead: '0.3',
      cacheWrite5m: '3.75',
      cacheWrite1h: '6',
    };
    expect(parsePriceBook('a.yaml', file(cached))).toEqual([
      {
        kind: 'price',
        priceVersion: 'anthropic/claude-x@2026-01-01',
        key: 'anthropic/claude-x',
        validFrom: Date.UTC(2026, 0, 1),
        rates: {
          inputUncached: '3000000',
          inputCacheRead: '300000',
          inputCacheWrite5m: '3750000',
          inputCacheWrite1h: '6000000',
          output: '15000000',
          reasoning: '15000000',
        },
        source: 'https://example.com/pricing (checked 2026-11-22)',
      },
    ]);
  });

  it('prices a bucket without a rate as its neighbour, never as free', () => {
    const [record] = parsePriceBook('a.yaml', file({ ...entry, cacheWrite5m: '4' }));
    expect(record?.rates).toMatchObject({
      inputCacheRead: '3000000',
      inputCacheWrite1h: '4000000',
      reasoning: '15000000',
    });
  });

  it('names every fault at once', () => {
    const faults = (content: unknown): readonly string[] => {
      try {
        parsePriceBook('a.yaml', content);
      } catch (error) {
        if (error instanceof PriceBookError) return error.faults;
      }
      return [];
    };
    expect(faults(file({ ...entry, cacheRead: '4' }, { ...entry, reasoning: '16' }))).toEqual([
      'anthropic/claude-x@2026-01-01: inputCacheRead is dearer than inputUncached',
      'anthropic/claude-x@2026-01-01: reasoning is dearer than output',
      'anthropic/claude-x@2026-01-01 is given twice',
    ]);
    expect(faults(file({ ...entry, cacheWrite5m: '2' }))).toHaveLength(1);
    expect(faults(file({ ...entry, input: 3 }, { ...entry, validFrom: 'May', extra: 1 }))).toHaveLength(3);
    expect(faults(null)).toHaveLength(1);
  });

  it('tells a changed price under the same date from a repeated one', () => {
    const [first] = parsePriceBook('a.yaml', file(entry));
    const [again] = parsePriceBook('b.yaml', {
      ...file(entry),
      source: 'elsewhere',
    });
    const [dearer] = parsePriceBook('c.yaml', file({ ...entry, output: '16' }));
    if (!first || !again || !dearer) throw new Error('no record');
    expect(isSamePrice(first, again)).toBe(true);
    expect(isSamePrice(first, dearer)).toBe(false);
  });
});
