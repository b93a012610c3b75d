import { describe, expect, it } from '@jest/globals';
import { assertUsage, EMPTY_USAGE, findUsageMismatch, sumInput, sumOutput, UsageMismatchError } from './usage.js';

const usage = {
  inputUncached: 10,
  inputCacheRead: 20,
  inputCacheWrite5m: 3,
  inputCacheWrite1h: 4,
  output: 7,
  reasoning: 5,
};

describe('usage', () => {
  it('sums disjoint buckets', () => {
    expect([sumInput(usage), sumOutput(usage), sumInput(EMPTY_USAGE)]).toEqual([37, 12, 0]);
  });

  it('passes where the provider says the same, and where it says nothing', () => {
    expect(() => assertUsage(usage, { input: 37, output: 12, total: 49 })).not.toThrow();
    expect(findUsageMismatch(usage, {})).toBeUndefined();
  });

  it.each([
    [{ input: 36 }, 'input buckets sum to 37, provider says 36'],
    [{ output: 7 }, 'output buckets sum to 12, provider says 7'],
    [{ total: 50 }, 'all buckets sum to 49, provider says 50'],
  ])('names what differs from %j', (totals, message) => {
    expect(findUsageMismatch(usage, totals)).toBe(message);
    expect(() => assertUsage(usage, totals)).toThrow(UsageMismatchError);
  });

  it('refuses a bucket that cannot be a count', () => {
    expect(findUsageMismatch({ ...usage, output: -1 }, {})).toBe('output is -1');
    expect(findUsageMismatch({ ...usage, reasoning: 0.5 }, {})).toBe('reasoning is 0.5');
  });
});
