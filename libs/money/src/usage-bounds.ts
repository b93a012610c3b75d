import { EXTRA_BUCKETS, USAGE_BUCKETS, type ServedUsage, type Usage, type UsageSource } from '@weir/contracts';

export const EMPTY_USAGE: Usage = Object.freeze({
  inputUncached: 0,
  inputCacheRead: 0,
  inputCacheWrite5m: 0,
  inputCacheWrite1h: 0,
  output: 0,
  reasoning: 0,
});

/** Sum by bucket. */
export function addUsage(first: Usage, second: Usage): Usage {
  const sum = { ...second, ...first };
  for (const bucket of USAGE_BUCKETS) sum[bucket] = first[bucket] + second[bucket];
  for (const bucket of EXTRA_BUCKETS) {
    const [one, other] = [first[bucket], second[bucket]];
    if (one !== undefined && other !== undefined) sum[bucket] = one + other;
  }
  return sum;
}

/** Tokens of all input buckets together: what context bands count. */
export function inputTokens(usage: Usage): number {
  const { inputUncached, inputCacheRead, inputCacheWrite5m, inputCacheWrite1h, inputAudio = 0 } = usage;
  return inputUncached + inputCacheRead + inputCacheWrite5m + inputCacheWrite1h + inputAudio;
}

/** Tokens of the answer, reasoning included. */
export function outputTokens(usage: Usage): number {
  return usage.output + usage.reasoning + (usage.outputAudio ?? 0);
}

export interface BoundOptions {
  /** Bytes of the client's request body. */
  readonly requestBytes: number;
  /** The client's output limit, or the model's maximum where it set none. */
  readonly maxOutputTokens: number;
  readonly contextWindow: number;
  /** Answers asked for (OpenAI's `n`); 1 by default. */
  readonly choices?: number;
  /** False where the request cannot write a prompt cache, so that its input costs the plain rate. True by default: the dearest. */
  readonly cacheWrites?: boolean;
  /** Content the provider fetches by URL has tokens that the body's bytes do not bound: then the context window does. */
  readonly remoteContent?: boolean;
}

/** Tokens a provider adds of its own: chat template, tool-use preamble (Anthropic documents up to 804 for tools). */
const TEMPLATE_TOKENS = 2_048;

/**
 * Upper bound of what one attempt can use. A byte-level BPE has at most one token per byte of UTF-8, and the body's JSON is longer
 * than the text in it; a prompt longer than the context window is refused by the provider and costs nothing. Input goes to the
 * bucket with the dearest rate (price versions are checked to be ordered read ≤ uncached ≤ 5m ≤ 1h and reasoning ≤ output).
 */
export function boundUsage(options: BoundOptions): Usage {
  const {
    requestBytes,
    maxOutputTokens,
    contextWindow,
    choices = 1,
    cacheWrites = true,
    remoteContent = false,
  } = options;
  const input = remoteContent ? contextWindow : Math.min(contextWindow, requestBytes + TEMPLATE_TOKENS);
  const output = Math.min(maxOutputTokens, contextWindow) * Math.max(1, choices);
  return {
    ...EMPTY_USAGE,
    [cacheWrites ? 'inputCacheWrite1h' : 'inputUncached']: input,
    output,
  };
}

/**
 * Usage to charge for an answer that was cut: what the provider has reported is kept where it is final (its input counts come
 * before the first token), all else is the bound. Never less than what was seen.
 */
export function boundedUsage(seen: ServedUsage | null, bound: Usage): ServedUsage {
  if (seen === null) return bound;
  const input = inputTokens(seen) > 0 ? seen : bound;
  const output = Math.max(outputTokens(seen), outputTokens(bound));
  return {
    ...input,
    output: output - seen.reasoning - (seen.outputAudio ?? 0),
    reasoning: seen.reasoning,
    ...(seen.outputAudio === undefined ? {} : { outputAudio: seen.outputAudio }),
    ...(seen.tier === undefined ? {} : { tier: seen.tier }),
  };
}

/** What an `attempt.finished` says of usage. */
export interface AttemptUsage {
  readonly usage: ServedUsage | null;
  readonly usageSource: UsageSource;
  readonly bound: Usage;
}

/**
 * The usage an attempt is charged for; the one rule for ingress, providers and billing. Nothing where it cannot have cost anything;
 * what was counted or estimated from a complete answer; else, also where a count is missing, the bound.
 */
export function chargedUsage({ usage, usageSource, bound }: AttemptUsage): ServedUsage {
  if (usageSource === 'none') return EMPTY_USAGE;
  if (usageSource === 'bounded') return boundedUsage(usage, bound);
  return usage ?? bound;
}
