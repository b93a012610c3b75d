import { describe, expect, it } from '@jest/globals';
import type { PriceRecord } from '@weir/contracts';
import { parsePriceBook } from '@weir/money';
import { judgePrice } from './judge-prices.js';

function price(validFrom: string, output: string, region?: string): PriceRecord {
  const prices = [{ key: 'a/b', validFrom, input: '1', output, ...(region === undefined ? {} : { region }) }];
  const [record] = parsePriceBook('a.yaml', { source: 'test', checked: '2026-11-22', prices });
  if (!record) throw new Error('no record');
  return record;
}
const kindOf = (record: PriceRecord, stored: readonly PriceRecord[]): string =>
  judgePrice({ name: 'a/b', key: 'a/b', record, faults: [], notCarried: [] }, stored).verdict.kind;

describe('a price for a region', () => {
  it('is judged against the one that holds there now, which is of no region where the region has none', () => {
    const everywhere = price('2026-01-01', '10');
    expect(kindOf(price('2026-02-01', '100', 'eu'), [everywhere])).toBe('waiting');
    expect(kindOf(price('2026-02-01', '11', 'eu'), [everywhere])).toBe('accepted');
    const [eu, us] = [price('2026-01-02', '50', 'eu'), price('2026-01-02', '51', 'us')];
    expect(kindOf(price('2026-02-01', '51', 'eu'), [eu, us, everywhere])).toBe('accepted');
    expect(kindOf(price('2026-02-01', '50', 'eu'), [eu, us, everywhere])).toBe('same');
  });

  it('is one of its own where it states what holds everywhere, and of no region is never judged against a region’s', () => {
    expect(kindOf(price('2026-02-01', '10', 'eu'), [price('2026-01-01', '10')])).toBe('accepted');
    expect(kindOf(price('2026-02-01', '11'), [price('2026-01-02', '100', 'eu'), price('2026-01-01', '10')])).toBe(
      'accepted',
    );
  });
});
