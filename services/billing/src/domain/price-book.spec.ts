import { describe, expect, it } from '@jest/globals';
import { parsePriceBook } from '@weir/money';
import { PriceBook, findNewPrices } from './price-book.js';

const list = (output: string, validFrom = '2026-01-01') =>
  parsePriceBook('a.yaml', {
    source: 'https://example.com',
    checked: '2026-11-22',
    prices: [{ key: 'openai/gpt-5', validFrom, input: '1.25', output }],
  });

describe('the price book', () => {
  it('takes what is new and leaves what it has', () => {
    expect(findNewPrices(list('10'), []).added).toHaveLength(1);
    expect(findNewPrices(list('10'), list('10'))).toEqual({ added: [], conflicts: [] });
    expect(findNewPrices(list('11', '2026-02-01'), list('10')).added).toHaveLength(1);
  });

  it('keeps its own where a list has another price under the same date, names it, and takes the rest', () => {
    const listed = [...list('11'), ...list('12', '2026-02-01')];
    expect(findNewPrices(listed, list('10'))).toEqual({
      added: list('12', '2026-02-01'),
      conflicts: ['openai/gpt-5@2026-01-01'],
    });
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
