import { CHARGE_BUCKETS, ServiceTier, type ChargeBucket, type PriceRecord, type ServedUsage } from '@weir/contracts';
import { EMPTY_USAGE, rateUsage, type RatedUsage } from '@weir/money';
import type { ChargeFact } from './ledger.js';

/** A line of the record is not what its pinned price makes of it: it is set aside. */
export class ChargeFaultError extends Error {
  override readonly name = 'ChargeFaultError';
  constructor(
    readonly attemptId: string,
    readonly reason: string,
  ) {
    super(`attempt ${attemptId}: ${reason}`);
  }
}

const isChargeBucket = (bucket: string): bucket is ChargeBucket =>
  (CHARGE_BUCKETS as readonly string[]).includes(bucket);

/** A usage again, from the lines it was charged by. @throws ChargeFaultError where a line is in no bucket. */
export function usageOfLines(
  attemptId: string,
  lines: readonly { readonly bucket: string; readonly quantity: bigint }[],
): ServedUsage {
  const usage: ServedUsage = { ...EMPTY_USAGE };
  for (const { bucket, quantity } of lines) {
    if (!isChargeBucket(bucket)) throw new ChargeFaultError(attemptId, `there is no bucket ${bucket}`);
    if (quantity > Number.MAX_SAFE_INTEGER)
      throw new ChargeFaultError(attemptId, `nobody can count ${quantity} ${bucket}`);
    usage[bucket] = Number(quantity);
  }
  return usage;
}

/**
 * Rates an attempt's lines again at the version they name, and compares: the ledger takes no amount from the record on trust. The record
 * keeps no tier beside a line, so any tier of the version may be the one.
 *
 * @throws ChargeFaultError where no tier of the version gives these amounts, or a line without a rate has one.
 */
export function checkCharges(
  facts: readonly ChargeFact[],
  findPrice: (priceVersion: string) => PriceRecord | undefined,
): void {
  const [first] = facts;
  if (first === undefined) return;
  const { attemptId, priceVersion } = first;
  if (facts.some(({ ratePico, costPico }) => ratePico === null && costPico !== null))
    throw new ChargeFaultError(attemptId, 'a line of it has a cost and no rate');
  if (facts.every((fact) => fact.ratePico === null)) return;
  const price = findPrice(priceVersion);
  if (price === undefined) throw new ChargeFaultError(attemptId, `there is no price version ${priceVersion}`);
  if (tiersThatGive(attemptId, facts, price).length === 0)
    throw new ChargeFaultError(attemptId, `its lines are not what ${priceVersion} makes of them`);
}

/** A line as it was charged. */
export type ChargedAmount = Pick<ChargeFact, 'bucket' | 'quantity' | 'ratePico' | 'costPico'>;

/** The tiers at which a version makes exactly these amounts: the one that served is among them. Empty where none does. */
export function tiersThatGive(
  attemptId: string,
  lines: readonly ChargedAmount[],
  price: PriceRecord,
): readonly ServiceTier[] {
  const usage = usageOfLines(attemptId, lines);
  return ServiceTier.options.filter((tier) => agrees(rateUsage({ ...usage, tier }, price), lines));
}

function agrees(rated: RatedUsage | undefined, lines: readonly ChargedAmount[]): boolean {
  if (rated === undefined || rated.lines.length !== lines.length) return false;
  const byBucket = new Map(lines.map((line) => [line.bucket, line]));
  return rated.lines.every((line) => {
    const fact = byBucket.get(line.bucket);
    return fact !== undefined && fact.ratePico === line.ratePico && fact.costPico === line.costPico;
  });
}
