import { EMPTY_USAGE, findUsageMismatch, sumOutput, type Usage } from '@weir/call-model';
import { countOf, isJsonObject, objectOf, type JsonObject } from '../translation/json.js';

/**
 * Collects the `usage` of one answer. In a stream it comes in pieces (message_start, then message_delta with totals so far, which leave out what does
 * not apply), so each piece overwrites what it states and nothing is added up.
 * input_tokens excludes cache reads and writes; output_tokens includes thinking.
 * https://platform.claude.com/docs/en/api/messages (Usage)
 */
export class AnthropicUsage {
  #input = 0;
  #read = 0;
  #write = 0;
  #write1h = 0;
  #output = 0;
  #thinking = 0;
  #tier: Usage['tier'];
  #isSeen = false;

  /** @returns whether the piece stated anything. */
  add(value: unknown): boolean {
    if (!isJsonObject(value)) return false;
    const output = countOf(value['output_tokens']);
    const input = countOf(value['input_tokens']);
    if (output === undefined && input === undefined) return false;
    this.#isSeen = true;
    this.#input = input ?? this.#input;
    this.#output = output ?? this.#output;
    this.#read = countOf(value['cache_read_input_tokens']) ?? this.#read;
    this.#write = countOf(value['cache_creation_input_tokens']) ?? this.#write;
    this.#write1h = countOf(objectOf(value['cache_creation'])['ephemeral_1h_input_tokens']) ?? this.#write1h;
    this.#thinking = countOf(objectOf(value['output_tokens_details'])['thinking_tokens']) ?? this.#thinking;
    const tier = value['service_tier'];
    if (tier === 'batch' || tier === 'priority') this.#tier = tier;
    return true;
  }

  /** Undefined until a piece has stated something. */
  get usage(): Usage | undefined {
    if (!this.#isSeen) return undefined;
    const write1h = Math.min(this.#write1h, this.#write);
    const reasoning = Math.min(this.#thinking, this.#output);
    return {
      inputUncached: this.#input,
      inputCacheRead: this.#read,
      inputCacheWrite5m: this.#write - write1h,
      inputCacheWrite1h: write1h,
      output: this.#output - reasoning,
      reasoning,
      ...(this.#tier === undefined ? {} : { tier: this.#tier }),
    };
  }

  /** Where the provider's own figures contradict each other. */
  get mismatch(): string | undefined {
    if (this.#write1h > this.#write)
      return `cache writes for 1 h are ${this.#write1h}, all cache writes ${this.#write}`;
    if (this.#thinking > this.#output) return `thinking tokens are ${this.#thinking}, all output ${this.#output}`;
    return findUsageMismatch(this.usage ?? EMPTY_USAGE, {
      input: this.#input + this.#read + this.#write,
      output: this.#output,
    });
  }
}

/** Neutral usage in Anthropic's form. */
export function writeAnthropicUsage(usage: Usage): JsonObject {
  return {
    input_tokens: usage.inputUncached,
    cache_creation_input_tokens: usage.inputCacheWrite5m + usage.inputCacheWrite1h,
    cache_read_input_tokens: usage.inputCacheRead,
    cache_creation: {
      ephemeral_5m_input_tokens: usage.inputCacheWrite5m,
      ephemeral_1h_input_tokens: usage.inputCacheWrite1h,
    },
    output_tokens: sumOutput(usage),
    ...(usage.reasoning > 0 ? { output_tokens_details: { thinking_tokens: usage.reasoning } } : {}),
  };
}
