import { z } from 'zod';

const Tokens = z.int().min(0);

/** The tiers of service that providers price apart. `standard` is what a call gets that asks for nothing. */
export const ServiceTier = z.enum(['standard', 'batch', 'flex', 'priority']);
export type ServiceTier = z.infer<typeof ServiceTier>;

/**
 * Tokens of one attempt in disjoint buckets: their sum is what the provider counted. `output` excludes `reasoning`;
 * a provider that does not tell them apart reports all as `output`. Tokens of sound are in `inputAudio` and `outputAudio` alone.
 */
export const Usage = z.object({
  inputUncached: Tokens,
  inputCacheRead: Tokens,
  inputCacheWrite5m: Tokens,
  inputCacheWrite1h: Tokens,
  output: Tokens,
  reasoning: Tokens,
  inputAudio: Tokens.optional(),
  outputAudio: Tokens.optional(),
  /** Pictures made. */
  images: z.int().min(0).optional(),
  /** Requests that the provider counts, where it is not the one that was sent. */
  requests: z.int().min(0).optional(),
});
export type Usage = z.infer<typeof Usage>;

/** A usage with the tier the provider says it served at; absent means `standard`. */
export const ServedUsage = Usage.extend({ tier: ServiceTier.optional() });
export type ServedUsage = z.infer<typeof ServedUsage>;

/** The buckets of text in {@link Usage}, in the order in which charge lines are written. */
export const USAGE_BUCKETS = [
  'inputUncached',
  'inputCacheRead',
  'inputCacheWrite5m',
  'inputCacheWrite1h',
  'output',
  'reasoning',
] as const;
export type UsageBucket = (typeof USAGE_BUCKETS)[number];

/** What is counted besides text, in the order in which charge lines follow those of {@link USAGE_BUCKETS}. */
export const EXTRA_BUCKETS = ['inputAudio', 'outputAudio', 'images', 'requests'] as const;
export type ExtraBucket = (typeof EXTRA_BUCKETS)[number];

/** Every bucket a charge can have a line of. A bucket's place here is its line's number for ever: append only. */
export const CHARGE_BUCKETS = [...USAGE_BUCKETS, ...EXTRA_BUCKETS] as const;
export type ChargeBucket = (typeof CHARGE_BUCKETS)[number];

/**
 * Where a usage came from: counted by the provider; estimated by us from a complete answer; bounded from above because the
 * answer was cut; `none` where the attempt cannot have cost anything.
 */
export const UsageSource = z.enum(['provider', 'estimated', 'bounded', 'none']);
export type UsageSource = z.infer<typeof UsageSource>;
