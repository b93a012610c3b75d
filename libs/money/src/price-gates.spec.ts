import { describe, expect, it } from '@jest/globals';
import type { PriceRecord } from '@weir/contracts';
import { parsePriceBook } from './price-book.js';
import { approvalReasonsOf, differencesOf } from './price-gates.js';

function price(output: string, part: object = {}): PriceRecord {
  const [record] = parsePriceBook('a.yaml', {
    source: 'test',
    checked: '2026-11-22',
    prices: [{ key: 'a/b', validFrom: '2026-01-01', input: '1', output, ...part }],
  });
  if (!record) throw new Error('no record');
  return record;
}

describe('what somebody must approve', () => {
  it('is a change of over 30 %, up or down, in any band or tier', () => {
    expect(approvalReasonsOf(price('13'), price('10'))).toEqual([]);
    expect(approvalReasonsOf(price('13.000001'), price('10'))).toHaveLength(2);
    expect(approvalReasonsOf(price('6.999999'), price('10'))[0]).toContain('output goes from 10000000 to 6999999');
    const batch = (output: string): PriceRecord => price('10', { tiers: { batch: { input: '1', output } } });
    expect(approvalReasonsOf(batch('9'), batch('5'))[0]).toMatch(/^batch output goes/);
    expect(approvalReasonsOf(price('10'), batch('5'))).toContain('batch output is no longer priced');
  });

  it('is a price of nothing, in any tier and band', () => {
    expect(approvalReasonsOf(price('0'), undefined)).toContain('output is zero');
    expect(approvalReasonsOf(price('1'), undefined)).toEqual([]);
    const batch = price('1', { tiers: { batch: { input: '1', output: '0' } } });
    expect(approvalReasonsOf(batch, undefined)).toContain('batch output is zero');
  });

  it('is a tier, a band or a bucket that the version in force does not have', () => {
    const batch = price('10', { tiers: { batch: { input: '1', output: '5' } } });
    expect(approvalReasonsOf(batch, price('10'))).toContain('batch output was not priced before');
    const banded = price('10', { bands: [{ aboveInputTokens: 200, input: '2', output: '20' }] });
    expect(approvalReasonsOf(banded, price('10'))).toContain('above 200 output was not priced before');
    expect(approvalReasonsOf(price('10', { request: '0.01' }), price('10'))).toEqual([
      'requests was not priced before',
    ]);
  });
});

it('tells every rate in which two versions differ', () => {
  const banded = price('10', { bands: [{ aboveInputTokens: 200, input: '2', output: '20' }] });
  expect(differencesOf(banded, banded)).toEqual([]);
  expect(differencesOf(price('10'), banded).map(({ name, before }) => [name, before])).toContainEqual([
    'above 200 output',
    null,
  ]);
});
