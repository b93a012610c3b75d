import { describe, expect, it } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Invoice, type InvoiceEntry } from './invoice.js';
import { simulatedModels } from './models.js';
import { costPicoOf, formatUsd, parsePriceList, type Usage } from './prices.js';

const none: Usage = {
  inputUncached: 0,
  inputCacheRead: 0,
  inputCacheWrite5m: 0,
  inputCacheWrite1h: 0,
  output: 0,
  reasoning: 0,
};
const priceFile = readFileSync(join(__dirname, '../../prices.json'), 'utf8');
const prices = parsePriceList(priceFile);

function entry(attemptId: string, endedAt = '2026-01-01T00:00:00.000Z'): InvoiceEntry {
  return { attemptId, model: 'sim-openai', usage: none, bytes: 1, completed: true, endedAt: new Date(endedAt) };
}

describe('prices.json', () => {
  it('prices every model', () => {
    expect([...prices.keys()].sort()).toEqual(simulatedModels.map((model) => model.name).sort());
  });

  it.each(['1', '1.5', '0.000001'])('takes %s', (price) => {
    expect(parsePriceList(priceFile.replace('"1.25"', `"${price}"`)).size).toBe(6);
  });

  it.each(['', '1.', '-1', '1e3', '0.0000001', '1,5'])('refuses %s', (price) => {
    expect(() => parsePriceList(priceFile.replace('"1.25"', `"${price}"`))).toThrow('sim-openai.inputUncached');
  });
});

describe('the cost of an attempt', () => {
  it('adds every bucket at its own price, exactly', () => {
    const usage: Usage = {
      inputUncached: 1,
      inputCacheRead: 10,
      inputCacheWrite5m: 100,
      inputCacheWrite1h: 1_000,
      output: 10_000,
      reasoning: 100_000,
    };
    const claude = prices.get('sim-anthropic');
    if (claude === undefined) throw new Error('sim-anthropic has no price');
    expect(formatUsd(costPicoOf(usage, claude))).toBe('1.656381000000');
    expect(formatUsd(costPicoOf({ ...none, inputCacheRead: 1 }, claude))).toBe('0.000000300000');
  });

  it('stays exact beyond what floating point holds', () => {
    expect(formatUsd(9_007_199_254_740_993n)).toBe('9007.199254740993');
    expect(formatUsd(0n)).toBe('0.000000000000');
  });
});

describe('Invoice', () => {
  it('keeps one line an attempt, filters by time, and forgets on order', () => {
    const invoice = new Invoice(prices, 10);
    invoice.record(entry('a', '2026-01-01T00:00:00.000Z'));
    invoice.record(entry('b', '2026-01-01T00:00:01.000Z'));
    expect(invoice.lines().map((line) => line.attemptId)).toEqual(['a', 'b']);
    expect(invoice.lines(new Date('2026-01-01T00:00:01.000Z')).map((line) => line.attemptId)).toEqual(['b']);
    invoice.clear();
    expect(invoice.lines()).toEqual([]);
  });

  it('drops the oldest lines beyond its limit', () => {
    const invoice = new Invoice(prices, 3);
    for (let index = 0; index < 20; index += 1) invoice.record(entry(String(index)));
    expect(invoice.lines().map((line) => line.attemptId)).toEqual(['17', '18', '19']);
  });

  it('refuses to bill a model without a price', () => {
    expect(() => new Invoice(new Map(), 1).record(entry('a'))).toThrow('no price for sim-openai');
  });
});
