import { USAGE_BUCKETS, type PriceRecord, type Usage, type UsageBucket } from '@weir/contracts';
import { parsePico, type PicoUsd } from './pico-usd.js';

/** Pico-USD per token of each bucket. */
export type Rates = Readonly<Record<UsageBucket, PicoUsd>>;

/** One line of a charge: `costPico = quantity × ratePico`, exactly. */
export interface RatedLine {
  readonly bucket: UsageBucket;
  /** Tokens; always above 0. */
  readonly quantity: number;
  /** Pico-USD per token. */
  readonly ratePico: PicoUsd;
  readonly costPico: PicoUsd;
}

export interface RatedUsage {
  /** In the order of `USAGE_BUCKETS`; buckets without tokens have no line. */
  readonly lines: readonly RatedLine[];
  readonly total: PicoUsd;
}

/**
 * The rates of a price record.
 *
 * @throws RangeError where a rate is no integer of pico-USD or is negative.
 */
export function parseRates(rates: PriceRecord['rates']): Rates {
  const parsed = {} as Record<UsageBucket, PicoUsd>;
  for (const bucket of USAGE_BUCKETS) {
    const rate = parsePico(rates[bucket]);
    if (rate < 0n) throw new RangeError(`the rate of ${bucket} is negative`);
    parsed[bucket] = rate;
  }
  return parsed;
}

const parsedRates = new WeakMap<PriceRecord, Rates>();

/** {@link parseRates} of a price record, parsed once per object: price versions never change. */
export function ratesOf(price: PriceRecord): Rates {
  const known = parsedRates.get(price);
  if (known) return known;
  const rates = parseRates(price.rates);
  parsedRates.set(price, rates);
  return rates;
}

/**
 * Prices a usage: a pure function, so that ingress, providers and billing reach the same figure from the same fact and price
 * version. No rounding happens: rates are whole pico-USD per token.
 *
 * @throws RangeError where a bucket is no whole number of tokens or is negative.
 */
export function rate(usage: Usage, rates: Rates): RatedUsage {
  const lines: RatedLine[] = [];
  let total = 0n;
  for (const bucket of USAGE_BUCKETS) {
    const quantity = usage[bucket];
    if (quantity === 0) continue;
    if (!Number.isSafeInteger(quantity) || quantity < 0) throw new RangeError(`${bucket} is no count: ${quantity}`);
    const ratePico = rates[bucket];
    const costPico = (BigInt(quantity) * ratePico) as PicoUsd;
    lines.push({ bucket, quantity, ratePico, costPico });
    total += costPico;
  }
  return { lines, total: total as PicoUsd };
}
