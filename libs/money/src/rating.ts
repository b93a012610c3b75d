import {
  EXTRA_BUCKETS,
  USAGE_BUCKETS,
  type ChargeBucket,
  type ExtraBucket,
  type PriceRecord,
  type RateCard,
  type ServedUsage,
  type TierPrice,
  type Usage,
  type UsageBucket,
} from '@weir/contracts';
import { parsePico, type PicoUsd } from './pico-usd.js';
import { inputTokens } from './usage-bounds.js';

/** Pico-USD per unit of each bucket: a token, an image, a request. What is counted besides text has a rate only where it has a price. */
export type Rates = Readonly<Record<UsageBucket, PicoUsd>> & Readonly<Partial<Record<ExtraBucket, PicoUsd>>>;

/** One line of a charge: `costPico = quantity × ratePico`, exactly. */
export interface RatedLine {
  readonly bucket: ChargeBucket;
  /** Tokens, images or requests; always above 0. */
  readonly quantity: number;
  /** Pico-USD per unit. */
  readonly ratePico: PicoUsd;
  readonly costPico: PicoUsd;
}

export interface RatedUsage {
  /** In the order of `CHARGE_BUCKETS`; buckets without a quantity have no line. */
  readonly lines: readonly RatedLine[];
  readonly total: PicoUsd;
}

/**
 * The rates of a rate card.
 *
 * @throws RangeError where a rate is no integer of pico-USD or is negative.
 */
export function parseRates(card: RateCard): Rates {
  const parsed: Partial<Record<ChargeBucket, PicoUsd>> = {};
  for (const bucket of [...USAGE_BUCKETS, ...EXTRA_BUCKETS]) {
    const text = card[bucket];
    if (text === undefined) continue;
    const rate = parsePico(text);
    if (rate < 0n) throw new RangeError(`the rate of ${bucket} is negative`);
    parsed[bucket] = rate;
  }
  return parsed as Rates;
}

const parsedCards = new WeakMap<RateCard, Rates>();

/** {@link parseRates}, once per object: price versions never change. */
function ratesOf(card: RateCard): Rates {
  const known = parsedCards.get(card);
  if (known) return known;
  const rates = parseRates(card);
  parsedCards.set(card, rates);
  return rates;
}

/** What a version says of a usage's tier; undefined where it has no price for that tier. */
function tierOf(usage: ServedUsage, price: PriceRecord): TierPrice | undefined {
  const tier = usage.tier ?? 'standard';
  return tier === 'standard' ? price : price.tiers?.[tier];
}

/** The rates of the band a usage falls into: the highest its input is above, for all of its tokens. */
function bandOf(usage: Usage, tier: TierPrice): Rates {
  const input = inputTokens(usage);
  let card = tier.rates;
  let reached = 0;
  for (const band of tier.bands ?? []) {
    if (input <= band.aboveInputTokens || band.aboveInputTokens <= reached) continue;
    reached = band.aboveInputTokens;
    card = band.rates;
  }
  return ratesOf(card);
}

/**
 * Prices a usage at a pinned version: a pure function, so that ingress, providers and billing reach the same figure from the same fact.
 * The provider's tier and the size of the input choose the rates; a fee for a request is one line where anything was used. No rounding
 * happens: rates are whole pico-USD. Undefined where the version has no price for what was used: unpriced, never free.
 *
 * @throws RangeError where a bucket is no whole number or is negative.
 */
export function rateUsage(usage: ServedUsage, price: PriceRecord): RatedUsage | undefined {
  const tier = tierOf(usage, price);
  return tier === undefined ? undefined : rateAtTier(usage, tier);
}

/**
 * Upper bound of what a usage costs at a version when nobody knows yet at which tier it is served: the dearest of all. (Bands are checked
 * to be never cheaper than what is below them, so the bound's own band is the dearest it can reach.)
 */
export function rateDearest(usage: Usage, price: PriceRecord): PicoUsd | undefined {
  const totals = [price, ...Object.values(price.tiers ?? {})]
    .map((tier) => rateAtTier(usage, tier)?.total)
    .filter((total) => total !== undefined);
  return totals.reduce<PicoUsd | undefined>(
    (dearest, total) => (dearest === undefined || total > dearest ? total : dearest),
    undefined,
  );
}

function rateAtTier(usage: Usage, tier: TierPrice): RatedUsage | undefined {
  return rate(usage, bandOf(usage, tier));
}

/** Prices a usage at given rates; undefined where something was used that they have no rate for. */
export function rate(usage: Usage, rates: Rates): RatedUsage | undefined {
  const lines: RatedLine[] = [];
  let total = 0n;
  for (const [bucket, quantity] of quantitiesOf(usage, rates)) {
    if (!Number.isSafeInteger(quantity) || quantity < 0) throw new RangeError(`${bucket} is no count: ${quantity}`);
    if (quantity === 0) continue;
    const ratePico = rates[bucket];
    if (ratePico === undefined) return undefined;
    const costPico = (BigInt(quantity) * ratePico) as PicoUsd;
    lines.push({ bucket, quantity, ratePico, costPico });
    total += costPico;
  }
  return { lines, total: total as PicoUsd };
}

function quantitiesOf(usage: Usage, rates: Rates): [ChargeBucket, number][] {
  const quantities: [ChargeBucket, number][] = USAGE_BUCKETS.map((bucket) => [bucket, usage[bucket]]);
  const { inputAudio = 0, outputAudio = 0, images = 0 } = usage;
  quantities.push(['inputAudio', inputAudio], ['outputAudio', outputAudio], ['images', images]);
  const isUsed = quantities.some(([, quantity]) => quantity > 0);
  // Who has no fee for a request does not price its number.
  const requests = rates.requests === undefined ? 0 : (usage.requests ?? (isUsed ? 1 : 0));
  quantities.push(['requests', requests]);
  return quantities;
}
