import { describe, expect, it } from '@jest/globals';
import type { AttemptSummary, EndFrame, ModelRecord, PriceRecord, Usage } from '@weir/contracts';
import { formatPico } from '@weir/money';
import { boundCost, costOf, isCostDisputed, type CallBounds } from './settlement.js';

const rates = (output: string): PriceRecord['rates'] => ({
  inputUncached: '1',
  inputCacheRead: '1',
  inputCacheWrite5m: '1',
  inputCacheWrite1h: '2',
  output,
  reasoning: output,
});
const prices: Record<string, PriceRecord> = {
  'cheap@1': { kind: 'price', priceVersion: 'cheap@1', key: 'cheap', validFrom: 0, rates: rates('10'), source: 'test' },
  'dear@1': { kind: 'price', priceVersion: 'dear@1', key: 'dear', validFrom: 0, rates: rates('100'), source: 'test' },
};
const findPrice = (version: string) => prices[version];

const bounds: CallBounds = {
  model: {
    deployments: [
      { id: 'a', contextWindow: 100_000, maxOutputTokens: 50 },
      { id: 'b', contextWindow: 100_000, maxOutputTokens: 50 },
    ],
  } as unknown as ModelRecord,
  prices: [
    { deploymentId: 'a', priceVersion: 'cheap@1' },
    { deploymentId: 'b', priceVersion: 'dear@1' },
  ],
  requestBytes: 100,
  maxOutputTokens: 10,
  choices: 2,
};

describe('what a call has cost', () => {
  it('is the sum of its attempts', () => {
    const attempts = [{ costPico: '12345678901234567890' }, { costPico: '10' }] as AttemptSummary[];
    expect(formatPico(costOf(attempts))).toBe('12345678901234567900');
    expect(formatPico(costOf([]))).toBe('0');
  });

  it('is bounded by the dearest deployment it may reach, for every answer asked for', () => {
    // Input of 100 bytes and 2,048 tokens of template at the dearest input rate, 2 answers of 10 tokens.
    expect(boundCost(bounds, null, findPrice)).toBe(2n * 2_148n + 20n * 100n);
    expect(boundCost(bounds, 'a', findPrice)).toBe(2n * 2_148n + 20n * 10n);
    expect(boundCost({ ...bounds, maxOutputTokens: null }, 'a', findPrice)).toBe(2n * 2_148n + 100n * 10n);
  });

  it('is unknown, not nothing, where there is no price', () => {
    expect(boundCost({ ...bounds, prices: [{ deploymentId: 'a', priceVersion: null }] }, null, findPrice)).toBeNull();
  });

  it('is disputed when the worker makes it out differently at the same price version', () => {
    const usage: Usage = {
      inputUncached: 5,
      inputCacheRead: 0,
      inputCacheWrite5m: 0,
      inputCacheWrite1h: 0,
      output: 3,
      reasoning: 0,
    };
    const end = { usage, usageSource: 'provider', priceVersion: 'cheap@1', costPico: '35' } as EndFrame;
    expect(isCostDisputed(end, findPrice)).toBe(false);
    expect(isCostDisputed({ ...end, costPico: '36' }, findPrice)).toBe(true);
    expect(isCostDisputed({ ...end, usage: null, costPico: '36' }, findPrice)).toBe(false);
    expect(isCostDisputed({ ...end, priceVersion: 'gone@1', costPico: '36' }, findPrice)).toBe(false);
  });
});
