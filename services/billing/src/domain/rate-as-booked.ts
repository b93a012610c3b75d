import { CHARGE_BUCKETS, type PriceRecord } from '@weir/contracts';
import { ChargeFaultError, tiersThatGive, usageOfLines } from './check-charges.js';
import type { BookedLine, ChargeFact } from './ledger.js';
import { rateAsServed } from './rate-as-served.js';

/**
 * One event's lines at the version their attempt is booked at: where somebody rated it anew, a better count that comes later changes its
 * quantities and never its price. Lines without a price stay as they are; where the booked version has none for these counts, or nobody can
 * tell at which tier they were served, they become lines without a price, which no month closes over.
 *
 * @throws ChargeFaultError where a version is not known.
 */
export function rateAsBooked(
  facts: readonly ChargeFact[],
  booked: readonly BookedLine[],
  findPrice: (priceVersion: string) => PriceRecord | undefined,
): readonly ChargeFact[] {
  const [first] = facts;
  const priceVersion = booked.find((line) => line.quantity > 0n && line.ratePico !== null)?.priceVersion;
  if (first === undefined || priceVersion === undefined || priceVersion === first.priceVersion) return facts;
  if (facts.every((fact) => fact.ratePico === null)) return facts;
  const [recorded, held] = [first.priceVersion, priceVersion].map((version) => {
    const price = findPrice(version);
    if (price === undefined) throw new ChargeFaultError(first.attemptId, `there is no price version ${version}`);
    return price;
  }) as [PriceRecord, PriceRecord];
  const tiers = tiersThatGive(first.attemptId, facts, recorded);
  const rated = rateAsServed(usageOfLines(first.attemptId, facts), tiers, held);
  if (rated === undefined || rated === 'ambiguous') {
    return facts.map((fact) => ({ ...fact, priceVersion, ratePico: null, costPico: null }));
  }
  return rated.lines.map(({ bucket, quantity, ratePico, costPico }) => ({
    ...first,
    line: CHARGE_BUCKETS.indexOf(bucket),
    bucket,
    quantity: BigInt(quantity),
    ratePico,
    costPico,
    priceVersion,
  }));
}
