import { describe, expect, it } from '@jest/globals';
import { PriceBookError, parsePriceBook } from './price-book.js';
import { isSamePrice } from './price-gates.js';

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

  it('takes regions, context bands, tiers of service, sound, images and requests', () => {
    const [record] = parsePriceBook(
      'a.yaml',
      file({
        ...entry,
        region: 'eu-west-1',
        inputAudio: '32',
        image: '0.04',
        request: '0.000001',
        bands: [{ aboveInputTokens: 200_000, input: '6', output: '22.5' }],
        tiers: { batch: { input: '1.5', output: '7.5' } },
      }),
    );
    expect(record).toMatchObject({
      priceVersion: 'anthropic/claude-x+eu-west-1@2026-01-01',
      region: 'eu-west-1',
      rates: { inputAudio: '32000000', images: '40000000000', requests: '1000000' },
      bands: [{ aboveInputTokens: 200_000, rates: { inputCacheRead: '6000000', output: '22500000' } }],
      tiers: { batch: { rates: { inputUncached: '1500000' } } },
    });
  });

  it('refuses bands that are out of order or cheaper than what is below them', () => {
    const bands = (...list: object[]): unknown => file({ ...entry, bands: list });
    const band = (aboveInputTokens: number, input: string, output = '15') => ({ aboveInputTokens, input, output });
    expect(() => parsePriceBook('a.yaml', bands(band(200, '6'), band(200, '7')))).toThrow(/not in rising order/);
    expect(() => parsePriceBook('a.yaml', bands(band(200, '2')))).toThrow(/above 200\): inputUncached is cheaper/);
    expect(() => parsePriceBook('a.yaml', file({ ...entry, tiers: { gold: { input: '1', output: '1' } } }))).toThrow(
      PriceBookError,
    );
  });
});
