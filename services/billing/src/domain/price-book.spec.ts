import { describe, expect, it } from '@jest/globals';
import { parsePriceBook } from '@weir/money';
import { PriceBook, PriceConflictError, findNewPrices } from './price-book.js';

const list = (output: string, validFrom = '2026-01-01') =>
  parsePriceBook('a.yaml', {
    source: 'https://example.com',
    checked: '2026-11-22',
    prices: [{ key: 'openai/gpt-5', validFrom, input: '1.25', output }],
  });

describe('the price book', () => {
  it('takes what is new and leaves what it has', () => {
    expect(findNewPrices(list('10'), [])).toHaveLength(1);
    expect(findNewPrices(list('10'), list('10'))).toEqual([]);
    expect(findNewPrices(list('11', '2026-02-01'), list('10'))).toHaveLength(1);
  });

  it('refuses another price under the same date, by name', () => {
    expect(() => findNewPrices(list('11'), list('10'))).toThrow(PriceConflictError);
    expect(() => findNewPrices(list('11'), list('10'))).toThrow(/openai\/gpt-5@2026-01-01/);
  });

  it('keeps versions of the past', () => {
    const book = new PriceBook();
    book.replace([...list('10'), ...list('11', '2026-02-01')]);
    expect(book.find('openai/gpt-5@2026-01-01')?.rates.output).toBe('10000000');
    expect(book.find('openai/gpt-5@2026-02-01')?.rates.output).toBe('11000000');
    expect(book.find('openai/gpt-5@2026-03-01')).toBeUndefined();
    expect(book.all()).toHaveLength(2);
  });
});
