import { describe, expect, it } from '@jest/globals';
import { parsePriceBook } from '@weir/money';
import { ChargeFaultError, checkCharges } from './check-charges.js';
import type { ChargeFact } from './ledger.js';

const [price] = parsePriceBook('a.yaml', {
  source: 'test',
  checked: '2026-11-22',
  prices: [
    {
      key: 'a/b',
      validFrom: '2026-01-01',
      input: '3',
      output: '15',
      bands: [{ aboveInputTokens: 200_000, input: '6', output: '22.5' }],
      tiers: { batch: { input: '1.5', output: '7.5' } },
    },
  ],
});
const lines = (...rated: [bucket: string, quantity: bigint, ratePico: bigint][]): ChargeFact[] =>
  rated.map(
    ([bucket, quantity, ratePico], line) =>
      ({
        attemptId: 'a',
        line,
        bucket,
        quantity,
        ratePico,
        costPico: quantity * ratePico,
        priceVersion: 'a/b@2026-01-01',
      }) as ChargeFact,
  );
const check = (facts: readonly ChargeFact[]): void =>
  checkCharges(facts, (version) => (version === price?.priceVersion ? price : undefined));

describe('what the record charged', () => {
  it('is what the pinned price makes of it, in any band and tier', () => {
    check(lines(['inputUncached', 10n, 3_000_000n], ['output', 2n, 15_000_000n]));
    check(lines(['inputUncached', 200_001n, 6_000_000n], ['output', 2n, 22_500_000n]));
    check(lines(['inputUncached', 10n, 1_500_000n]));
    check([]);
  });

  it.each([
    ['a rate of another band', lines(['inputUncached', 10n, 6_000_000n])],
    ['rates of two tiers', lines(['inputUncached', 10n, 3_000_000n], ['output', 1n, 7_500_000n])],
    ['a sum that was changed', lines(['inputUncached', 10n, 3_000_000n]).map((fact) => ({ ...fact, costPico: 1n }))],
    ['a cost without a rate', lines(['output', 1n, 1n]).map((fact) => ({ ...fact, ratePico: null }))],
    ['a bucket nobody knows', lines(['inputUncached', 10n, 3_000_000n], ['tips', 1n, 1n])],
    ['a version nobody knows', lines(['output', 1n, 1n]).map((fact) => ({ ...fact, priceVersion: 'a/b@1999-01-01' }))],
  ])('is refused with %s', (_name, facts) => {
    expect(() => check(facts)).toThrow(ChargeFaultError);
  });
});
