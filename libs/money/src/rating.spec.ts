import { describe, expect, it } from '@jest/globals';
import { USAGE_BUCKETS, type Usage } from '@weir/contracts';
import fc from 'fast-check';
import { picoUsd } from './pico-usd.js';
import { rate, type Rates } from './rating.js';
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
  fc.record(Object.fromEntries(USAGE_BUCKETS.map((bucket) => [bucket, value])) as Record<keyof Usage, fc.Arbitrary<T>>);
const usages: fc.Arbitrary<Usage> = record(fc.nat(100_000_000));
const rateTables: fc.Arbitrary<Rates> = record(fc.bigInt({ min: 0n, max: 10n ** 12n }).map(picoUsd));

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
