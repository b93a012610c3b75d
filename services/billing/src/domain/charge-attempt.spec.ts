import { describe, expect, it } from '@jest/globals';
import {
  AttemptFinishedV1,
  USAGE_BUCKETS,
  uuidv7,
  type PriceRecord,
  type ServedUsage,
  type Usage,
  type UsageBucket,
} from '@weir/contracts';
import fc from 'fast-check';
import { chargeAttempt, type FinishedAttempt } from './charge-attempt.js';

const price: PriceRecord = {
  kind: 'price',
  priceVersion: 'simulator/sim-anthropic@2026-01-01',
  key: 'simulator/sim-anthropic',
  validFrom: 0,
  rates: {
    inputUncached: '3000000',
    inputCacheRead: '300000',
    inputCacheWrite5m: '3750000',
    inputCacheWrite1h: '6000000',
    output: '15000000',
    reasoning: '15000000',
  },
  source: 'test',
};
const findPrice = (version: string) => (version === price.priceVersion ? price : undefined);

const usage = (part: Partial<ServedUsage> = {}): ServedUsage => ({
  inputUncached: 0,
  inputCacheRead: 0,
  inputCacheWrite5m: 0,
  inputCacheWrite1h: 0,
  output: 0,
  reasoning: 0,
  ...part,
});

const attempt = (part: Partial<FinishedAttempt> = {}): FinishedAttempt =>
  AttemptFinishedV1.data.parse({
    attemptId: uuidv7(),
    callId: uuidv7(),
    attempt: 1,
    principal: { organisationId: 'o', teamId: 't', personId: null, keyId: 'k', application: '' },
    region: 'local',
    provider: 'simulator',
    deploymentId: 'd',
    adapter: 'anthropic',
    model: 'sim-anthropic',
    upstreamModel: 'sim-anthropic',
    simulated: true,
    priceVersion: price.priceVersion,
    bound: usage({ inputCacheWrite1h: 1_000, output: 2_000 }),
    startedAt: 1,
    outcome: 'completed',
    status: 200,
    errorCode: null,
    finishReason: 'end_turn',
    usage: usage({ inputUncached: 10, output: 20 }),
    usageSource: 'provider',
    finishedAt: 2,
    latencyMs: 1,
    firstTokenMs: 1,
    responseBytes: 10,
    upstreamRequestId: null,
    dropped: [],
    reconstructed: false,
    ...part,
  });

const usages: fc.Arbitrary<Usage> = fc.record(
  Object.fromEntries(USAGE_BUCKETS.map((bucket) => [bucket, fc.nat(1_000_000)])) as Record<
    UsageBucket,
    fc.Arbitrary<number>
  >,
);

describe('the charge of an attempt', () => {
  it('is one line a bucket at the pinned price', () => {
    const charge = chargeAttempt(attempt(), findPrice);
    expect(charge).toMatchObject({ totalPico: 330_000_000n, isUnpriced: false });
    expect(charge.lines).toEqual([
      { line: 0, bucket: 'inputUncached', quantity: 10, ratePico: 3_000_000n, costPico: 30_000_000n },
      { line: 4, bucket: 'output', quantity: 20, ratePico: 15_000_000n, costPico: 300_000_000n },
    ]);
  });

  it('adds up, whatever was used', () => {
    fc.assert(
      fc.property(usages, (used) => {
        const { lines, totalPico } = chargeAttempt(attempt({ usage: used }), findPrice);
        expect(lines.reduce((sum, line) => sum + (line.costPico ?? 0n), 0n)).toBe(totalPico);
        expect(new Set(lines.map((line) => line.line)).size).toBe(lines.length);
      }),
    );
  });

  it('is the bound where the answer was cut, with the input the provider had counted', () => {
    const cut = attempt({ outcome: 'cut', usageSource: 'bounded', usage: usage({ inputUncached: 10, output: 3 }) });
    expect(chargeAttempt(cut, findPrice).usage).toEqual(usage({ inputUncached: 10, output: 2_000 }));
    expect(chargeAttempt({ ...cut, usage: null }, findPrice).usage).toEqual(cut.bound);
  });

  it('is nothing where nothing can have been used, price or not', () => {
    const failed = attempt({ outcome: 'failed', usageSource: 'none', usage: null, priceVersion: null });
    expect(chargeAttempt(failed, findPrice)).toEqual({ usage: usage(), lines: [], totalPico: 0n, isUnpriced: false });
  });

  it.each([null, 'simulator/sim-anthropic@1999-01-01'])(
    'is unpriced and not free with price version %s',
    (priceVersion) => {
      const charge = chargeAttempt(attempt({ priceVersion }), findPrice);
      expect(charge).toMatchObject({ totalPico: null, isUnpriced: true });
      expect(charge.lines.map((line) => [line.quantity, line.costPico])).toEqual([
        [10, null],
        [20, null],
      ]);
    },
  );

  it('is unpriced where the version has no price for the tier it was served at, or for what it made', () => {
    const flexible = attempt({ usage: usage({ output: 3, tier: 'flex' }) });
    expect(chargeAttempt(flexible, findPrice)).toMatchObject({ totalPico: null, isUnpriced: true });
    const pictures = chargeAttempt(attempt({ usage: usage({ output: 3, images: 2 }) }), findPrice);
    expect(pictures.lines.map(({ line, bucket, costPico }) => [line, bucket, costPico])).toEqual([
      [4, 'output', null],
      [8, 'images', null],
    ]);
  });
});
