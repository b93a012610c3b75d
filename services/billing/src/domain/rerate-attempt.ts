import { CHARGE_BUCKETS, type PriceRecord, type ServiceTier } from '@weir/contracts';
import type { RatedLine } from '@weir/money';
import { ChargeFaultError, tiersThatGive, usageOfLines } from './check-charges.js';
import type { BookedLine, ChargeContext, PlannedEntry } from './ledger.js';
import { rateAsServed } from './rate-as-served.js';

export interface RerateTarget {
  readonly attemptId: string;
  readonly booked: readonly BookedLine[];
  readonly chargedAt: number;
  readonly context: ChargeContext;
}

/** What an attempt is rated at now: a version, whose amounts tell the tier that served, or nothing, and then the tier is told. */
export type RatedBefore = { readonly from: PriceRecord } | { readonly tier: ServiceTier };

/**
 * The entries that bring an attempt from what is booked to what another version makes of the same usage; undefined where that has no price
 * for it. Nothing where it is rated so already, so that a repetition books nothing.
 *
 * @throws ChargeFaultError where the booked amounts do not tell at which tier it was served, and the tiers would cost different amounts.
 */
export function rerateAttempt(
  target: RerateTarget,
  price: PriceRecord,
  ratedBefore: RatedBefore,
): PlannedEntry[] | undefined {
  const { attemptId, booked, chargedAt, context } = target;
  // The number of requests too: a provider may count more than one, and a version without a fee for them leaves it out.
  const used = booked.filter((line) => line.quantity > 0n);
  const tiers = 'tier' in ratedBefore ? [ratedBefore.tier] : tiersOf(attemptId, used, ratedBefore.from);
  const rated = rateAsServed(usageOfLines(attemptId, used), tiers, price);
  if (rated === undefined) return undefined;
  if (rated === 'ambiguous') {
    throw new ChargeFaultError(
      attemptId,
      `it may have been served as ${tiers.join(' or ')}, which cost different amounts`,
    );
  }
  const before = new Map(booked.map((line) => [line.bucket, line]));
  const after = new Map(rated.lines.map((line) => [line.bucket as string, line]));
  return CHARGE_BUCKETS.flatMap((bucket, line) => {
    const change = changeOf(before.get(bucket), after.get(bucket), price.priceVersion);
    if (change === undefined) return [];
    const usageSource = booked[0]?.usageSource ?? '';
    return [
      {
        attemptId,
        line,
        bucket,
        ...change,
        priceVersion: price.priceVersion,
        usageSource,
        kind: 're-rating',
        chargedAt,
        context,
      },
    ];
  });
}

function tiersOf(attemptId: string, used: readonly BookedLine[], from: PriceRecord): readonly ServiceTier[] {
  const amounts = used.map((line) => ({ ...line, costPico: line.amountPico }));
  const tiers = tiersThatGive(attemptId, amounts, from);
  if (tiers.length > 0) return tiers;
  throw new ChargeFaultError(attemptId, `what is booked of it is not what ${from.priceVersion} makes of it`);
}

/** What changes of a line; undefined where it is rated at the version already, or is in neither. */
function changeOf(
  before: BookedLine | undefined,
  after: RatedLine | undefined,
  priceVersion: string,
): Pick<PlannedEntry, 'revision' | 'quantity' | 'amountPico' | 'entryPico' | 'ratePico'> | undefined {
  if (before === undefined && after === undefined) return undefined;
  if (before?.priceVersion === priceVersion && before.ratePico !== null) return undefined;
  const booked = before ?? { revision: -1, quantity: 0n, amountPico: 0n };
  const rated = after ?? { quantity: 0, costPico: 0n, ratePico: 0n };
  return {
    revision: booked.revision + 1,
    quantity: BigInt(rated.quantity) - booked.quantity,
    amountPico: rated.costPico,
    entryPico: rated.costPico - booked.amountPico,
    ratePico: rated.ratePico,
  };
}
