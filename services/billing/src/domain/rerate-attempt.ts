import { CHARGE_BUCKETS, type PriceRecord, type ServiceTier } from '@weir/contracts';
import { rateUsage, type RatedLine } from '@weir/money';
import { usageOfLines } from './check-charges.js';
import type { BookedLine, ChargeContext, PlannedEntry } from './ledger.js';

export interface RerateTarget {
  readonly attemptId: string;
  readonly booked: readonly BookedLine[];
  readonly chargedAt: number;
  readonly context: ChargeContext;
}

/**
 * The entries that bring an attempt from what is booked to what another version makes of the same usage; undefined where that has no price
 * for it. Nothing where it is rated so already, so that a repetition books nothing.
 */
export function rerateAttempt(target: RerateTarget, price: PriceRecord, tier: ServiceTier): PlannedEntry[] | undefined {
  const { attemptId, booked, chargedAt, context } = target;
  // A fee for the request is the old version's, not a usage.
  const used = booked.filter((line) => line.quantity > 0n && line.bucket !== 'requests');
  const rated = rateUsage({ ...usageOfLines(attemptId, used), tier }, price);
  if (rated === undefined) return undefined;
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
