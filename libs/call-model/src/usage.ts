import { z } from 'zod';

const tokens = z.int().nonnegative();

/**
 * Tokens of one attempt in disjoint buckets: their sum is everything the provider counted.
 * `output` excludes `reasoning`; where a provider does not separate the two, `reasoning` is 0. Tokens of sound are in buckets of their own,
 * which are there where the provider counts any. `tier` is the tier of service the provider says it served at, where that is not the standard one.
 */
export const Usage = z.object({
  inputUncached: tokens,
  inputCacheRead: tokens,
  inputCacheWrite5m: tokens,
  inputCacheWrite1h: tokens,
  output: tokens,
  reasoning: tokens,
  inputAudio: tokens.optional(),
  outputAudio: tokens.optional(),
  tier: z.enum(['batch', 'flex', 'priority']).optional(),
});
export type Usage = z.infer<typeof Usage>;

export const EMPTY_USAGE: Usage = Object.freeze({
  inputUncached: 0,
  inputCacheRead: 0,
  inputCacheWrite5m: 0,
  inputCacheWrite1h: 0,
  output: 0,
  reasoning: 0,
});

/** Totals as a provider states them, where it states them; all input buckets together, reasoning within output. */
export interface ProviderTotals {
  readonly input?: number | undefined;
  readonly output?: number | undefined;
  readonly total?: number | undefined;
}

/** Tokens in, all buckets together. */
export function sumInput(usage: Usage): number {
  const { inputUncached, inputCacheRead, inputCacheWrite5m, inputCacheWrite1h, inputAudio = 0 } = usage;
  return inputUncached + inputCacheRead + inputCacheWrite5m + inputCacheWrite1h + inputAudio;
}

/** Tokens out, reasoning and sound included. */
export function sumOutput(usage: Usage): number {
  return usage.output + usage.reasoning + (usage.outputAudio ?? 0);
}

/** The buckets do not add up to what the provider said. Carries both sides, for the record. */
export class UsageMismatchError extends Error {
  override readonly name = 'UsageMismatchError';
}

/** Says where the buckets and the provider's totals differ, or undefined where they agree. */
export function findUsageMismatch(usage: Usage, totals: ProviderTotals): string | undefined {
  const { tier: _tier, ...counts } = usage;
  const invalid = Object.entries(counts).find(
    ([, value]) => value !== undefined && (!Number.isSafeInteger(value) || value < 0),
  );
  if (invalid) return `${invalid[0]} is ${invalid[1]}`;
  const input = sumInput(usage);
  const output = sumOutput(usage);
  if (totals.input !== undefined && totals.input !== input)
    return `input buckets sum to ${input}, provider says ${totals.input}`;
  if (totals.output !== undefined && totals.output !== output)
    return `output buckets sum to ${output}, provider says ${totals.output}`;
  if (totals.total !== undefined && totals.total !== input + output)
    return `all buckets sum to ${input + output}, provider says ${totals.total}`;
  return undefined;
}

/** Throws {@link UsageMismatchError} unless the buckets add up to the provider's own totals. */
export function assertUsage(usage: Usage, totals: ProviderTotals): void {
  const mismatch = findUsageMismatch(usage, totals);
  if (mismatch !== undefined) throw new UsageMismatchError(mismatch);
}
