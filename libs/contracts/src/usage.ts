import { z } from 'zod';

const Tokens = z.int().min(0);

/**
 * Tokens of one attempt in disjoint buckets: their sum is what the provider counted. `output` excludes `reasoning`;
 * a provider that does not tell them apart reports all as `output`.
 */
export const Usage = z.object({
  inputUncached: Tokens,
  inputCacheRead: Tokens,
  inputCacheWrite5m: Tokens,
  inputCacheWrite1h: Tokens,
  output: Tokens,
  reasoning: Tokens,
});
export type Usage = z.infer<typeof Usage>;

/** The buckets of {@link Usage}, in the order in which charge lines are written. */
export const USAGE_BUCKETS = [
  'inputUncached',
  'inputCacheRead',
  'inputCacheWrite5m',
  'inputCacheWrite1h',
  'output',
  'reasoning',
] as const;
export type UsageBucket = (typeof USAGE_BUCKETS)[number];

/**
 * Where a usage came from: counted by the provider; estimated by us from a complete answer; bounded from above because the
 * answer was cut; `none` where the attempt cannot have cost anything.
 */
export const UsageSource = z.enum(['provider', 'estimated', 'bounded', 'none']);
export type UsageSource = z.infer<typeof UsageSource>;
