import { findUsageMismatch, sumInput, sumOutput, type Usage } from '@weir/call-model';
import { countOf, isJsonObject, objectOf, type JsonObject } from '../translation/json.js';

export interface ParsedUsage {
  readonly usage: Usage;
  /** Where the buckets and the provider's totals differ. */
  readonly mismatch?: string;
}

/**
 * Chat's `usage`: prompt_tokens holds cache reads and writes, completion_tokens holds reasoning. A cache write has no lifetime here and
 * counts as 5 minutes. DeepSeek states hits as `prompt_cache_hit_tokens`. Sound is within both and priced apart. `serviceTier` is the
 * answer's `service_tier`, which stands beside its usage: the tier that served, whatever was asked for.
 * https://platform.openai.com/docs/api-reference/chat/object · https://api-docs.deepseek.com/guides/kv_cache
 */
export function findChatUsage(value: unknown, serviceTier: unknown): ParsedUsage | undefined {
  if (!isJsonObject(value)) return undefined;
  const prompt = countOf(value['prompt_tokens']);
  const completion = countOf(value['completion_tokens']);
  if (prompt === undefined && completion === undefined) return undefined;
  const { outputAudio, ...out } = splitOutput(value, prompt ?? 0, completion ?? 0);
  const { inputAudio, ...input } = splitInput(value, prompt ?? 0);
  const usage: Usage = {
    ...input,
    ...out,
    ...(inputAudio === 0 ? {} : { inputAudio }),
    ...(outputAudio === 0 ? {} : { outputAudio }),
    ...tierOf(serviceTier),
  };
  const mismatch = findUsageMismatch(usage, { input: prompt, total: countOf(value['total_tokens']) });
  return mismatch === undefined ? { usage } : { usage, mismatch };
}

/** `default` is the standard tier; `scale` draws on units bought in advance, and has no price of its own here. */
function tierOf(serviceTier: unknown): Pick<Usage, 'tier'> {
  return serviceTier === 'flex' || serviceTier === 'priority' ? { tier: serviceTier } : {};
}

/** What is read from a cache, written to one, or sound is part of prompt_tokens. */
function splitInput(
  value: JsonObject,
  prompt: number,
): Omit<Usage, 'output' | 'reasoning' | 'outputAudio' | 'tier' | 'inputAudio'> & { inputAudio: number } {
  const details = objectOf(value['prompt_tokens_details']);
  const read = countOf(details['cached_tokens']) ?? countOf(value['prompt_cache_hit_tokens']) ?? 0;
  const write = countOf(details['cache_write_tokens']) ?? 0;
  const inputAudio = countOf(details['audio_tokens']) ?? 0;
  return {
    inputUncached: Math.max(0, prompt - read - write - inputAudio),
    inputCacheRead: read,
    inputCacheWrite5m: write,
    inputCacheWrite1h: 0,
    inputAudio,
  };
}

/** Reasoning is part of completion_tokens, except with providers whose total shows that they count it beside. */
function splitOutput(
  value: JsonObject,
  prompt: number,
  completion: number,
): { output: number; reasoning: number; outputAudio: number } {
  const details = objectOf(value['completion_tokens_details']);
  const reasoning = countOf(details['reasoning_tokens']) ?? 0;
  const isBeside = reasoning > 0 && countOf(value['total_tokens']) === prompt + completion + reasoning;
  const within = isBeside ? 0 : Math.min(reasoning, completion);
  const outputAudio = Math.min(countOf(details['audio_tokens']) ?? 0, completion - within);
  return { output: completion - within - outputAudio, reasoning: isBeside ? reasoning : within, outputAudio };
}

/** Neutral usage in Chat's form: the prompt is the sum of all input buckets. */
export function writeChatUsage(usage: Usage): JsonObject {
  const input = sumInput(usage);
  const output = sumOutput(usage);
  return {
    prompt_tokens: input,
    completion_tokens: output,
    total_tokens: input + output,
    prompt_tokens_details: {
      cached_tokens: usage.inputCacheRead,
      cache_write_tokens: usage.inputCacheWrite5m + usage.inputCacheWrite1h,
    },
    completion_tokens_details: { reasoning_tokens: usage.reasoning },
  };
}
