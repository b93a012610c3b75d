import type { Dialect } from '../dialect.js';
import { BodyObserver } from '../passthrough/body-observer.js';
import { SsePassthrough } from '../passthrough/sse-passthrough.js';
import { StreamObserver } from '../passthrough/stream-observer.js';
import { parseChatError, renderChatError, renderChatStreamError } from './error.js';
import { ChatFrameReader } from './frame-reader.js';
import { parseChatRequest } from './parse-request.js';
import { parseChatResponse, writeChatResponse } from './response.js';
import { ChatStreamDecoder } from './stream-decoder.js';
import { ChatStreamEncoder } from './stream-encoder.js';
import { writeChatRequest } from './write-request.js';

/** OpenAI Chat Completions, as OpenAI, DeepSeek, Qwen and many others speak it. */
export const openAiChatDialect: Dialect = {
  name: 'openai-chat',
  streamContentType: 'text/event-stream',
  parseRequest: (body) => parseChatRequest(body),
  writeRequest: writeChatRequest,
  parseResponse: parseChatResponse,
  writeResponse: writeChatResponse,
  createStreamDecoder: (context) => new ChatStreamDecoder(context),
  createStreamEncoder: (context) => new ChatStreamEncoder(context),
  createUsageObserver: ({ stream }) =>
    stream ? new StreamObserver(new SsePassthrough(new ChatFrameReader())) : new BodyObserver(parseChatResponse),
  renderError: renderChatError,
  renderStreamError: renderChatStreamError,
  parseError: parseChatError,
};
