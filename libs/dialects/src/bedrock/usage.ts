import { findUsageMismatch, sumInput, sumOutput, type Usage } from '@weir/call-model';
import { arrayOf, countOf, isJsonObject, objectOf, type JsonObject } from '../translation/json.js';

/**
 * Converse's `usage`: inputTokens excludes cache reads and writes, outputTokens includes reasoning (never stated apart). Whether totalTokens holds the
 * cache is not documented the same for all models, so it is checked only where it fits neither reading.
 * `serviceTier` stands beside the usage: the tier that served, whatever was asked for. Converse states no images, they are tokens of input.
 * https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_TokenUsage.html
 * https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ConverseStreamMetadataEvent.html
 */
export function findConverseUsage(
  value: unknown,
  serviceTier: unknown,
): { usage: Usage; mismatch?: string } | undefined {
  if (!isJsonObject(value)) return undefined;
  const input = countOf(value['inputTokens']);
  const output = countOf(value['outputTokens']);
  if (input === undefined && output === undefined) return undefined;
  const write = countOf(value['cacheWriteInputTokens']) ?? 0;
  const write1h = Math.min(write, sumWrites1h(value));
  const usage: Usage = {
    inputUncached: input ?? 0,
    inputCacheRead: countOf(value['cacheReadInputTokens']) ?? 0,
    inputCacheWrite5m: write - write1h,
    inputCacheWrite1h: write1h,
    output: output ?? 0,
    reasoning: 0,
    ...tierOf(serviceTier),
  };
  const total = countOf(value['totalTokens']);
  const isWithoutCache = total === (input ?? 0) + (output ?? 0);
  const mismatch = findUsageMismatch(usage, isWithoutCache ? {} : { total });
  return mismatch === undefined ? { usage } : { usage, mismatch };
}

/** `default` is the standard tier; `reserved` draws on capacity bought in advance, and has no price of its own here. */
function tierOf(serviceTier: unknown): Pick<Usage, 'tier'> {
  const { type } = objectOf(serviceTier);
  return type === 'flex' || type === 'priority' ? { tier: type } : {};
}

function sumWrites1h(value: JsonObject): number {
  return arrayOf(value['cacheDetails'])
    .map(objectOf)
    .filter((detail) => detail['ttl'] === '1h')
    .reduce((sum, detail) => sum + (countOf(detail['inputTokens']) ?? 0), 0);
}

/** Neutral usage in Converse's form. */
export function writeConverseUsage(usage: Usage): JsonObject {
  const write = usage.inputCacheWrite5m + usage.inputCacheWrite1h;
  const details = [
    { ttl: '5m', inputTokens: usage.inputCacheWrite5m },
    { ttl: '1h', inputTokens: usage.inputCacheWrite1h },
  ].filter((detail) => detail.inputTokens > 0);
  return {
    inputTokens: usage.inputUncached,
    outputTokens: sumOutput(usage),
    totalTokens: sumInput(usage) + sumOutput(usage),
    cacheReadInputTokens: usage.inputCacheRead,
    cacheWriteInputTokens: write,
    ...(details.length > 0 ? { cacheDetails: details } : {}),
  };
}
