import { isJsonObject } from './json.js';

export const usageBuckets = [
  'inputUncached',
  'inputCacheRead',
  'inputCacheWrite5m',
  'inputCacheWrite1h',
  'output',
  'reasoning',
] as const;
export type UsageBucket = (typeof usageBuckets)[number];
/** Tokens by bucket; the buckets are disjoint, so their sum is what was used. */
export type Usage = Readonly<Record<UsageBucket, number>>;

/** Pico-USD (10⁻¹² USD) for one token, by bucket. */
export type TokenPrices = Readonly<Record<UsageBucket, bigint>>;
export type PriceList = ReadonlyMap<string, TokenPrices>;

/** One USD per million tokens is a million pico-USD per token, hence at most six decimals. */
const decimalPrice = /^(\d{1,9})(?:\.(\d{1,6}))?$/;
const picoPerUsd = 10n ** 12n;

/** @throws Error naming the model and bucket whose price is missing or malformed. */
export function parsePriceList(text: string): PriceList {
  const file: unknown = JSON.parse(text);
  const models = isJsonObject(file) && isJsonObject(file['models']) ? file['models'] : {};
  return new Map(Object.entries(models).map(([model, prices]) => [model, parseTokenPrices(model, prices)]));
}

function parseTokenPrices(model: string, prices: unknown): TokenPrices {
  const entries = usageBuckets.map((bucket) => {
    const value = isJsonObject(prices) ? prices[bucket] : undefined;
    const match = typeof value === 'string' ? decimalPrice.exec(value) : null;
    if (match === null) {
      throw new Error(
        `prices.json: ${model}.${bucket} must be USD per million tokens as a decimal string with at most 6 decimals`,
      );
    }
    return [bucket, BigInt(`${match[1] ?? ''}${(match[2] ?? '').padEnd(6, '0')}`)] as const;
  });
  return Object.fromEntries(entries) as Record<UsageBucket, bigint>;
}

export function costPicoOf(usage: Usage, prices: TokenPrices): bigint {
  return usageBuckets.reduce((sum, bucket) => sum + BigInt(usage[bucket]) * prices[bucket], 0n);
}

/** Exact: twelve decimals, no rounding. */
export function formatUsd(costPico: bigint): string {
  return `${costPico / picoPerUsd}.${(costPico % picoPerUsd).toString().padStart(12, '0')}`;
}
