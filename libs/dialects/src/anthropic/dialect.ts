import type { Dialect } from '../dialect.js';
import { BodyObserver } from '../passthrough/body-observer.js';
import { SsePassthrough } from '../passthrough/sse-passthrough.js';
import { StreamObserver } from '../passthrough/stream-observer.js';
import { parseAnthropicError, renderAnthropicError, renderAnthropicStreamError } from './error.js';
import { AnthropicFrameReader } from './frame-reader.js';
import { parseMessagesRequest } from './parse-request.js';
import { parseMessagesResponse, writeMessagesResponse } from './response.js';
import { AnthropicStreamDecoder, AnthropicStreamEncoder } from './stream.js';
import { writeMessagesRequest } from './write-request.js';

/** Anthropic Messages, both API versions. */
export const anthropicDialect: Dialect = {
  name: 'anthropic',
  streamContentType: 'text/event-stream',
  parseRequest: parseMessagesRequest,
  writeRequest: writeMessagesRequest,
  parseResponse: parseMessagesResponse,
  writeResponse: writeMessagesResponse,
  createStreamDecoder: (context) => new AnthropicStreamDecoder(context),
  createStreamEncoder: (context) => new AnthropicStreamEncoder(context),
  createUsageObserver: ({ stream }) =>
    stream
      ? new StreamObserver(new SsePassthrough(new AnthropicFrameReader()))
      : new BodyObserver(parseMessagesResponse),
  renderError: renderAnthropicError,
  renderStreamError: renderAnthropicStreamError,
  parseError: parseAnthropicError,
};
