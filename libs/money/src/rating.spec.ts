import { describe, expect, it } from '@jest/globals';
import { USAGE_BUCKETS, type PriceRecord, type ServedUsage, type Usage, type UsageBucket } from '@weir/contracts';
import fc from 'fast-check';
import { picoUsd } from './pico-usd.js';
import { rate as findRated, rateDearest, rateUsage, type RatedUsage, type Rates } from './rating.js';
import {
  EMPTY_USAGE,
  addUsage,
  boundUsage,
  boundedUsage,
  chargedUsage,
  inputTokens,
  outputTokens,
} from './usage-bounds.js';

const record = <T>(value: fc.Arbitrary<T>) =>
  fc.record(Object.fromEntries(USAGE_BUCKETS.map((bucket) => [bucket, value])) as Record<UsageBucket, fc.Arbitrary<T>>);
const usages: fc.Arbitrary<Usage> = record(fc.nat(100_000_000));
const rateTables: fc.Arbitrary<Rates> = record(fc.bigInt({ min: 0n, max: 10n ** 12n }).map(picoUsd));

/** Rates that price everything that is used here. */
function rate(usage: Usage, rates: Rates): RatedUsage {
  const rated = findRated(usage, rates);
  if (!rated) throw new Error('there is no price');
  return rated;
}

/** Rates as a price version has them: read ≤ uncached ≤ 5m ≤ 1h, reasoning ≤ output. */
const orderedRates: fc.Arbitrary<Rates> = fc
  .tuple(
    fc.array(fc.bigInt({ min: 0n, max: 10n ** 9n }), {
      minLength: 4,
      maxLength: 4,
    }),
    fc.bigInt({ min: 0n, max: 10n ** 9n }),
    fc.bigInt({ min: 0n, max: 10n ** 9n }),
  )
  .map(([inputs, first, second]) => {
    const [read = 0n, plain = 0n, write5m = 0n, write1h = 0n] = [...inputs].sort((a, b) => (a < b ? -1 : 1));
    return {
      inputCacheRead: picoUsd(read),
      inputUncached: picoUsd(plain),
      inputCacheWrite5m: picoUsd(write5m),
      inputCacheWrite1h: picoUsd(write1h),
      output: picoUsd(first > second ? first : second),
      reasoning: picoUsd(first > second ? second : first),
    };
  });

describe('rate', () => {
  it('has a line for each bucket in use, and their sum is the total', () => {
    fc.assert(
      fc.property(usages, rateTables, (usage, rates) => {
        const rated = rate(usage, rates);
        expect(rated.lines.map((line) => line.bucket)).toEqual(USAGE_BUCKETS.filter((bucket) => usage[bucket] > 0));
        for (const line of rated.lines) expect(line.costPico).toBe(BigInt(line.quantity) * line.ratePico);
        expect(rated.lines.reduce((sum, line) => sum + line.costPico, 0n)).toBe(rated.total);
      }),
    );
  });

  it('costs the same in one part or in two', () => {
    fc.assert(
      fc.property(usages, usages, rateTables, (first, second, rates) => {
        expect(rate(addUsage(first, second), rates).total).toBe(rate(first, rates).total + rate(second, rates).total);
      }),
    );
  });

  it('refuses what is no count of tokens', () => {
    const rates = fc.sample(rateTables, 1)[0] as Rates;
    for (const output of [-1, 0.5, Number.NaN, 2 ** 53]) {
      expect(() =>
        rate(
          {
            ...boundUsage({
              requestBytes: 1,
              maxOutputTokens: 1,
              contextWindow: 1,
            }),
            output,
          },
          rates,
        ),
      ).toThrow(RangeError);
    }
  });
});

describe('bounds', () => {
  it('cost at least what any use within them costs', () => {
    fc.assert(
      fc.property(
        fc.nat(1_000_000),
        fc.nat(100_000),
        usages,
        orderedRates,
        (requestBytes, maxOutputTokens, wish, rates) => {
          const bound = boundUsage({
            requestBytes,
            maxOutputTokens,
            contextWindow: 200_000,
          });
          const input = inputTokens(bound) / Math.max(1, inputTokens(wish));
          const output = outputTokens(bound) / Math.max(1, outputTokens(wish));
          const used = { ...wish };
          for (const bucket of USAGE_BUCKETS) {
            const share = bucket === 'output' || bucket === 'reasoning' ? output : input;
            used[bucket] = Math.floor(wish[bucket] * Math.min(1, share));
          }
          expect(rate(used, rates).total).toBeLessThanOrEqual(rate(bound, rates).total);
        },
      ),
    );
  });

  it('keep what was seen of a cut answer and bound the rest', () => {
    fc.assert(
      fc.property(usages, usages, (seen, bound) => {
        const charged = boundedUsage(seen, bound);
        expect(outputTokens(charged)).toBe(Math.max(outputTokens(seen), outputTokens(bound)));
        expect(charged.output).toBeGreaterThanOrEqual(seen.output);
        expect(inputTokens(charged)).toBe(inputTokens(seen) > 0 ? inputTokens(seen) : inputTokens(bound));
      }),
    );
    const bound = boundUsage({
      requestBytes: 10,
      maxOutputTokens: 5,
      contextWindow: 100_000,
    });
    expect(boundedUsage(null, bound)).toEqual(bound);
  });

  it('charge nothing only where nothing can have been used', () => {
    fc.assert(
      fc.property(usages, usages, (usage, bound) => {
        expect(chargedUsage({ usage, usageSource: 'none', bound })).toEqual(EMPTY_USAGE);
        expect(chargedUsage({ usage, usageSource: 'provider', bound })).toEqual(usage);
        expect(chargedUsage({ usage: null, usageSource: 'provider', bound })).toEqual(bound);
        const charged = chargedUsage({ usage, usageSource: 'bounded', bound });
        expect(charged).toEqual(boundedUsage(usage, bound));
        expect(chargedUsage({ usage: charged, usageSource: 'bounded', bound })).toEqual(charged);
      }),
    );
  });
});

const card = (input: string, output: string, extra: object = {}): PriceRecord['rates'] => ({
  inputUncached: input,
  inputCacheRead: input,
  inputCacheWrite5m: input,
  inputCacheWrite1h: input,
  output,
  reasoning: output,
  ...extra,
});
const version: PriceRecord = {
  kind: 'price',
  priceVersion: 'a/b@2026-01-01',
  key: 'a/b',
  validFrom: 0,
  rates: card('3', '15', { images: '1000', requests: '7' }),
  bands: [
    { aboveInputTokens: 200_000, rates: card('6', '22', { requests: '7' }) },
    { aboveInputTokens: 500_000, rates: card('9', '30', { requests: '7' }) },
  ],
  tiers: { batch: { rates: card('1', '7') } },
  source: 'test',
};
const used = (part: Partial<ServedUsage>): ServedUsage => ({ ...EMPTY_USAGE, ...part });
const totalOf = (part: Partial<ServedUsage>): bigint | undefined => rateUsage(used(part), version)?.total;

describe('a price version', () => {
  it('reprices the whole call once its input is above a band, and not one token before', () => {
    expect(totalOf({ inputUncached: 200_000, output: 1 })).toBe(200_000n * 3n + 15n + 7n);
    expect(totalOf({ inputUncached: 200_001, output: 1 })).toBe(200_001n * 6n + 22n + 7n);
    expect(totalOf({ inputCacheRead: 500_000, inputUncached: 1 })).toBe(500_001n * 9n + 7n);
    expect(totalOf({ inputUncached: 1, output: 900_000 })).toBe(3n + 900_000n * 15n + 7n);
  });

  it('prices a tier of service at its own rates, and one that it does not know not at all', () => {
    expect(totalOf({ tier: 'batch', inputUncached: 300_000, output: 1 })).toBe(300_007n);
    expect(totalOf({ tier: 'standard', output: 1 })).toBe(22n);
    expect(totalOf({ tier: 'priority', output: 1 })).toBeUndefined();
  });

  it('counts images and requests, and has no price for sound it has no rate for', () => {
    expect(totalOf({ images: 2 })).toBe(2_007n);
    expect(totalOf({ images: 2, requests: 3 })).toBe(2_021n);
    expect(totalOf({ outputAudio: 1 })).toBeUndefined();
    expect(totalOf({})).toBe(0n);
  });

  it('bounds by its dearest tier', () => {
    const dear: PriceRecord = { ...version, tiers: { priority: { rates: card('6', '30') } } };
    expect(rateDearest(used({ output: 10 }), dear)).toBe(300n);
    expect(rateDearest(used({ output: 10 }), version)).toBe(157n);
  });

  it('costs no more than its bound, at any tier and in any band', () => {
    const tiers = fc.constantFrom('standard' as const, 'batch' as const);
    fc.assert(
      fc.property(fc.nat(900_000), fc.nat(900_000), fc.nat(1_000), tiers, (first, second, output, tier) => {
        const [less, more] = first < second ? [first, second] : [second, first];
        const bound = rateDearest(used({ inputUncached: more, output }), version) ?? -1n;
        expect(rateUsage(used({ inputUncached: less, output, tier }), version)?.total).toBeLessThanOrEqual(bound);
      }),
    );
  });
});
