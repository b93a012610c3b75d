import { describe, expect, it } from '@jest/globals';
import { CHARGE_BUCKETS, type ChargeBucket, type PriceRecord, type ServedUsage } from '@weir/contracts';
import { EMPTY_USAGE, parsePriceBook, rateUsage } from '@weir/money';
import { ChargeFaultError } from './check-charges.js';
import type { BookedLine, ChargeContext, ChargeFact } from './ledger.js';
import { rateAsBooked } from './rate-as-booked.js';
import { rerateAttempt, type RatedBefore } from './rerate-attempt.js';

function price(validFrom: string, part: object): PriceRecord {
  const prices = [{ key: 'a/b', validFrom, ...part }];
  const [record] = parsePriceBook('a.yaml', { source: 'test', checked: '2026-11-22', prices });
  if (!record) throw new Error('no record');
  return record;
}
const tiers = (batch: string, flex: string) => ({
  batch: { input: batch, output: '8' },
  flex: { input: flex, output: '8' },
});
const old = price('2026-01-01', { input: '3', output: '15', tiers: tiers('1', '1') });
const next = price('2026-02-01', { input: '4', output: '20', tiers: tiers('2', '2') });
const split = price('2026-03-01', { input: '4', output: '20', tiers: tiers('2', '3') });
const withFee = (day: string, request: string) => price(day, { input: '3', output: '15', request });

/** What the ledger holds of a usage that was rated at a version. */
function bookedAt(usage: Partial<ServedUsage>, at: PriceRecord): BookedLine[] {
  const rated = rateUsage({ ...EMPTY_USAGE, ...usage }, at);
  if (!rated) throw new Error('no price');
  return rated.lines.map(({ bucket, quantity, ratePico, costPico }) => ({
    line: CHARGE_BUCKETS.indexOf(bucket),
    bucket,
    revision: 0,
    quantity: BigInt(quantity),
    amountPico: costPico,
    ratePico,
    priceVersion: at.priceVersion,
    usageSource: 'bounded',
  }));
}

const rerated = (booked: readonly BookedLine[], to: PriceRecord, ratedBefore: RatedBefore) =>
  rerateAttempt({ attemptId: 'a', booked, chargedAt: 0, context: {} as ChargeContext }, to, ratedBefore)?.map(
    (entry) => [entry.bucket, entry.amountPico],
  );

describe('rating anew', () => {
  it('keeps each attempt at the tier that its booked amounts tell', () => {
    expect(rerated(bookedAt({ inputUncached: 10 }, old), next, { from: old })).toEqual([
      ['inputUncached', 40_000_000n],
    ]);
    const batch = bookedAt({ inputUncached: 10, tier: 'batch' }, old);
    expect(rerated(batch, next, { from: old })).toEqual([['inputUncached', 20_000_000n]]);
  });

  it('refuses where two tiers cost the same and will not, and where no tier gives what is booked', () => {
    const batch = bookedAt({ inputUncached: 10, tier: 'batch' }, old);
    expect(() => rerated(batch, split, { from: old })).toThrow(/batch or flex/);
    expect(() => rerated(batch, old, { from: next })).toThrow(ChargeFaultError);
  });

  it('keeps the number of requests that the provider counted', () => {
    const [fee, dearer] = [withFee('2026-01-01', '0.01'), withFee('2026-02-01', '0.02')];
    const feeOf = (requests: Partial<ServedUsage>) =>
      rerated(bookedAt({ inputUncached: 1, ...requests }, fee), dearer, { from: fee })?.find(
        ([name]) => name === 'requests',
      );
    expect(feeOf({ requests: 3 })).toEqual(['requests', 60_000_000_000n]);
    expect(feeOf({})).toEqual(['requests', 20_000_000_000n]);
    expect(rerated(bookedAt({ inputUncached: 1, requests: 3 }, fee), next, { from: fee })).toContainEqual([
      'requests',
      0n,
    ]);
  });
});

describe('a better count of an attempt that was rated anew', () => {
  const find = (version: string) => [old, next, split].find((one) => one.priceVersion === version);
  const recorded = (usage: Partial<ServedUsage>): ChargeFact[] =>
    bookedAt(usage, old).map(
      (line) =>
        ({ ...line, costPico: line.amountPico, attemptId: 'a', usageSource: 'provider' }) as unknown as ChargeFact,
    );
  const rates = (facts: readonly ChargeFact[]) =>
    facts.map(({ bucket, quantity, ratePico }) => [bucket as ChargeBucket, quantity, ratePico]);

  it('is rated at the version that is booked, at the tier it was recorded at', () => {
    const facts = recorded({ inputUncached: 7, tier: 'batch' });
    const held = bookedAt({ inputUncached: 10, tier: 'batch' }, next);
    expect(rates(rateAsBooked(facts, held, find))).toEqual([['inputUncached', 7n, 2_000_000n]]);
    expect(rateAsBooked(facts, bookedAt({ inputUncached: 10 }, old), find)).toBe(facts);
    expect(rateAsBooked(facts, [], find)).toBe(facts);
  });

  it('has no price where nobody can tell the tier, and a version nobody knows is refused', () => {
    const facts = recorded({ inputUncached: 7, tier: 'batch' });
    expect(rates(rateAsBooked(facts, bookedAt({ inputUncached: 10 }, split), find))).toEqual([
      ['inputUncached', 7n, null],
    ]);
    expect(() => rateAsBooked(facts, bookedAt({ inputUncached: 10 }, withFee('2026-09-01', '1')), find)).toThrow(
      ChargeFaultError,
    );
  });
});
