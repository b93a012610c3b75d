import {
  CHARGE_BUCKETS,
  type AttemptFinishedV1,
  type ChargeBucket,
  type EventData,
  type PriceRecord,
  type Usage,
} from '@weir/contracts';
import { ZERO_PICO, chargedUsage, rateUsage, type PicoUsd } from '@weir/money';

export type FinishedAttempt = EventData<typeof AttemptFinishedV1>;

/** One cost line. Rate and cost are null where there is no price: unpriced is a state of its own, never free. */
export interface ChargeLine {
  /** Place of the bucket in `CHARGE_BUCKETS`: with the attempt it names the line for ever. */
  readonly line: number;
  readonly bucket: ChargeBucket;
  readonly quantity: number;
  readonly ratePico: PicoUsd | null;
  readonly costPico: PicoUsd | null;
}

export interface AttemptCharge {
  /** What is charged, which is the bound where the answer was cut. */
  readonly usage: Usage;
  readonly lines: readonly ChargeLine[];
  /** Null where anything was used and there is no price for it. */
  readonly totalPico: PicoUsd | null;
  readonly isUnpriced: boolean;
}

/**
 * The charge of an ended attempt: a pure function of the fact and the price version pinned in it, so that it can be computed again at
 * any time and by anybody. `findPrice` returns the version, or undefined where none was pinned or it is not known. A version without a price
 * for the attempt's tier, or for something it used, is no price.
 */
export function chargeAttempt(
  attempt: FinishedAttempt,
  findPrice: (priceVersion: string) => PriceRecord | undefined,
): AttemptCharge {
  const usage = chargedUsage(attempt);
  const price = attempt.priceVersion === null ? undefined : findPrice(attempt.priceVersion);
  const rated = price && rateUsage(usage, price);
  if (rated) {
    return {
      usage,
      lines: rated.lines.map((line) => ({ ...line, line: lineOf(line.bucket) })),
      totalPico: rated.total,
      isUnpriced: false,
    };
  }
  const lines = CHARGE_BUCKETS.map((bucket) => ({ bucket, quantity: usage[bucket] ?? 0 }))
    .filter(({ quantity }) => quantity > 0)
    .map((used) => ({ ...used, line: lineOf(used.bucket), ratePico: null, costPico: null }));
  const isUnpriced = lines.length > 0;
  return { usage, lines, totalPico: isUnpriced ? null : ZERO_PICO, isUnpriced };
}

const lineOf = (bucket: ChargeBucket): number => CHARGE_BUCKETS.indexOf(bucket);
