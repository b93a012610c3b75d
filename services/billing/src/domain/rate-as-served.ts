import type { PriceRecord, ServedUsage, ServiceTier } from '@weir/contracts';
import { rateUsage, type RatedUsage } from '@weir/money';

/**
 * What a version makes of a usage that was served at one of these tiers: undefined where it has no price for it, `ambiguous` where the
 * tiers give different amounts.
 */
export function rateAsServed(
  usage: ServedUsage,
  tiers: readonly ServiceTier[],
  price: PriceRecord,
): RatedUsage | undefined | 'ambiguous' {
  const [first, ...others] = tiers.map((tier) => rateUsage({ ...usage, tier }, price));
  return others.every((other) => amountsOf(other) === amountsOf(first)) ? first : 'ambiguous';
}

const amountsOf = (rated: RatedUsage | undefined): string | undefined =>
  rated?.lines.map((line) => `${line.bucket}:${line.quantity}:${line.ratePico}`).join();
