import {
  EXTRA_BUCKETS,
  USAGE_BUCKETS,
  type ChargeBucket,
  type PriceRecord,
  type TierPrice,
  type UsageBucket,
} from '@weir/contracts';
import { parseRates, type Rates } from './rating.js';

const ORDERED: readonly (readonly [UsageBucket, UsageBucket])[] = [
  ['inputCacheRead', 'inputUncached'],
  ['inputUncached', 'inputCacheWrite5m'],
  ['inputCacheWrite5m', 'inputCacheWrite1h'],
  ['reasoning', 'output'],
];
const BUCKETS: readonly ChargeBucket[] = [...USAGE_BUCKETS, ...EXTRA_BUCKETS];

interface NamedRates {
  /** Empty for the standard tier's base, so that messages of a plain price stay short. */
  readonly name: string;
  readonly rates: Rates;
}

/** Every rate table of a version, named by tier and band. */
function tablesOf(price: PriceRecord): NamedRates[] {
  const tiers: [string, TierPrice][] = [['', price], ...Object.entries(price.tiers ?? {})];
  return tiers.flatMap(([tier, { rates, bands = [] }]) => [
    { name: tier, rates: parseRates(rates) },
    ...bands.map((band) => ({
      name: `${tier === '' ? '' : `${tier} `}above ${band.aboveInputTokens}`,
      rates: parseRates(band.rates),
    })),
  ]);
}

/**
 * What is wrong with a price's rates; empty where nothing is. Bounds rely on it: in every table read ≤ input ≤ 5m ≤ 1h and
 * reasoning ≤ output, and no band is cheaper than what is below it.
 */
export function faultsOfPrice(price: PriceRecord): string[] {
  const disorder = tablesOf(price).flatMap(({ name, rates }) =>
    ORDERED.filter(([lower, upper]) => rates[lower] > rates[upper]).map(
      ([lower, upper]) => `${price.priceVersion}${name === '' ? '' : ` (${name})`}: ${lower} is dearer than ${upper}`,
    ),
  );
  return [...disorder, ...[price, ...Object.values(price.tiers ?? {})].flatMap((tier) => faultsOfBands(price, tier))];
}

function faultsOfBands({ priceVersion }: PriceRecord, tier: TierPrice): string[] {
  const faults: string[] = [];
  let below = { above: 0, rates: parseRates(tier.rates) };
  for (const band of tier.bands ?? []) {
    const rates = parseRates(band.rates);
    if (band.aboveInputTokens <= below.above) faults.push(`${priceVersion}: bands are not in rising order`);
    for (const bucket of USAGE_BUCKETS) {
      if (rates[bucket] < below.rates[bucket]) {
        faults.push(`${priceVersion} (above ${band.aboveInputTokens}): ${bucket} is cheaper than in the band below`);
      }
    }
    below = { above: band.aboveInputTokens, rates };
  }
  return faults;
}

/** Whether two records state the same rates; their sources may differ. */
export function isSamePrice(first: PriceRecord, second: PriceRecord): boolean {
  return (
    first.priceVersion === second.priceVersion &&
    first.validFrom === second.validFrom &&
    differencesOf(first, second).length === 0
  );
}

/** One rate that is not the same in two versions; null where a version has none. */
export interface PriceDifference {
  /** `output`, `batch output`, `above 200000 inputUncached`. */
  readonly name: string;
  readonly before: bigint | null;
  readonly after: bigint | null;
}

/** Every rate in which two versions differ, over all tiers and bands. */
export function differencesOf(before: PriceRecord, after: PriceRecord): PriceDifference[] {
  const [old, next] = [flatRates(before), flatRates(after)];
  return [...new Set([...old.keys(), ...next.keys()])]
    .map((name) => ({ name, before: old.get(name) ?? null, after: next.get(name) ?? null }))
    .filter((difference) => difference.before !== difference.after);
}

function flatRates(price: PriceRecord): Map<string, bigint> {
  return new Map(
    tablesOf(price).flatMap(({ name, rates }) =>
      BUCKETS.flatMap((bucket) => {
        const rate = rates[bucket];
        return rate === undefined ? [] : [[`${name} ${bucket}`.trim(), rate] as const];
      }),
    ),
  );
}

/** A change of more than this share needs somebody's approval, up or down: a slipped decimal point looks like a bargain. */
const JUMP_PERCENT = 30n;
/** USD per token of the dearest and cheapest text on sale are far inside of this (pico-USD): beyond, the unit was mistaken. */
const TOKEN_RATE_MAX = 10n ** 9n;
const TOKEN_RATE_MIN = 10n ** 2n;

/** Faults of units: a rate for a token that no provider asks, since it was given for a thousand or a million, or the other way round. */
export function unitFaultsOf(price: PriceRecord): string[] {
  return tablesOf(price).flatMap(({ name, rates }) =>
    USAGE_BUCKETS.filter(
      (bucket) => rates[bucket] > TOKEN_RATE_MAX || (rates[bucket] > 0n && rates[bucket] < TOKEN_RATE_MIN),
    ).map((bucket) => `${`${name} ${bucket}`.trim()} is ${rates[bucket]} pico-USD per token: is the unit right?`),
  );
}

/** Why somebody must approve a price before it holds; empty where nobody need. `before` is the version in force. */
export function approvalReasonsOf(price: PriceRecord, before: PriceRecord | undefined): string[] {
  const reasons = [...flatRates(price)].filter(([, rate]) => rate === 0n).map(([name]) => `${name} is zero`);
  for (const { name, before: old, after } of before === undefined ? [] : differencesOf(before, price)) {
    if (old === null) reasons.push(`${name} was not priced before`);
    else if (after === null) reasons.push(`${name} is no longer priced`);
    else if (isJump(old, after)) reasons.push(`${name} goes from ${old} to ${after} pico-USD, over ${JUMP_PERCENT} %`);
  }
  return reasons;
}

function isJump(before: bigint, after: bigint): boolean {
  const change = after > before ? after - before : before - after;
  return change * 100n > before * JUMP_PERCENT;
}
