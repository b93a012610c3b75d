import type { Dialect, StreamPassthrough, UsageObserver, WireDialect } from './dialect.js';
import { AnthropicFrameReader } from './anthropic/frame-reader.js';
import { anthropicDialect } from './anthropic/dialect.js';
import { bedrockConverseDialect } from './bedrock/converse-dialect.js';
import { bedrockInvokeDialect } from './bedrock/invoke-dialect.js';
import { InvokeToSse } from './bedrock/invoke-stream.js';
import { openAiChatDialect } from './openai-chat/dialect.js';
import { ChatFrameReader, isUsageOnlyFrame } from './openai-chat/frame-reader.js';
import { SsePassthrough } from './passthrough/sse-passthrough.js';

/** Every wire format by name. Any client's dialect × any upstream's goes through the neutral model, without code per pair. */
export const DIALECTS: Readonly<Record<WireDialect, Dialect>> = {
  'openai-chat': openAiChatDialect,
  anthropic: anthropicDialect,
  'bedrock-converse': bedrockConverseDialect,
  'bedrock-invoke': bedrockInvokeDialect,
};

export function getDialect(name: WireDialect): Dialect {
  return DIALECTS[name];
}

/**
 * For a stream whose dialect is the client's: what to forward of it, and what it says about usage.
 *
 * @param options.hideUsageChunk Chat: leave out the chunk that only states usage, because the client did not ask for it
 *   (see `prepareOpenAiPassthrough`).
 */
export function createPassthrough(
  dialect: 'openai-chat' | 'anthropic',
  options: { readonly hideUsageChunk?: boolean } = {},
): StreamPassthrough {
  if (dialect === 'anthropic') return new SsePassthrough(new AnthropicFrameReader());
  return options.hideUsageChunk === true
    ? new SsePassthrough(new ChatFrameReader(), isUsageOnlyFrame)
    : new SsePassthrough(new ChatFrameReader());
}

/**
 * For an Anthropic client on InvokeModel's stream: push event-stream bytes, get the SSE frames to send, each event's JSON unchanged. Bedrock sends no
 * pings; the caller adds them.
 */
export function createInvokeToSse(): StreamPassthrough {
  return new InvokeToSse();
}

/** An observer of an answer in this dialect, for where the caller forwards the bytes itself. */
export function createUsageObserver(dialect: WireDialect, options: { readonly stream: boolean }): UsageObserver {
  return DIALECTS[dialect].createUsageObserver(options);
}
