import { findUsageMismatch, sumInput, sumOutput, type Usage } from '@weir/call-model';
import { countOf, isJsonObject, objectOf, type JsonObject } from '../translation/json.js';

export interface ParsedUsage {
  readonly usage: Usage;
  /** Where the buckets and the provider's totals differ. */
  readonly mismatch?: string;
}

/**
 * Chat's `usage`: prompt_tokens holds cache reads and writes, completion_tokens holds reasoning. A cache write has no lifetime here and
 * counts as 5 minutes. DeepSeek states hits as `prompt_cache_hit_tokens`.
 * https://platform.openai.com/docs/api-reference/chat/object · https://api-docs.deepseek.com/guides/kv_cache
 */
export function findChatUsage(value: unknown): ParsedUsage | undefined {
  if (!isJsonObject(value)) return undefined;
  const prompt = countOf(value['prompt_tokens']);
  const completion = countOf(value['completion_tokens']);
  if (prompt === undefined && completion === undefined) return undefined;
  const details = objectOf(value['prompt_tokens_details']);
  const read = countOf(details['cached_tokens']) ?? countOf(value['prompt_cache_hit_tokens']) ?? 0;
  const write = countOf(details['cache_write_tokens']) ?? 0;
  const { output, reasoning } = splitOutput(value, prompt ?? 0, completion ?? 0);
  const usage: Usage = {
    inputUncached: Math.max(0, (prompt ?? 0) - read - write),
    inputCacheRead: read,
    inputCacheWrite5m: write,
    inputCacheWrite1h: 0,
    output,
    reasoning,
  };
  const mismatch = findUsageMismatch(usage, { input: prompt, total: countOf(value['total_tokens']) });
  return mismatch === undefined ? { usage } : { usage, mismatch };
}

/** Reasoning is part of completion_tokens, except with providers whose total shows that they count it beside. */
function splitOutput(value: JsonObject, prompt: number, completion: number): { output: number; reasoning: number } {
  const reasoning = countOf(objectOf(value['completion_tokens_details'])['reasoning_tokens']) ?? 0;
  const isBeside = reasoning > 0 && countOf(value['total_tokens']) === prompt + completion + reasoning;
  if (isBeside) return { output: completion, reasoning };
  const within = Math.min(reasoning, completion);
  return { output: completion - within, reasoning: within };
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
