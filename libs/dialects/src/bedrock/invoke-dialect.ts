import type { CallRequest } from '@weir/call-model';
import type { Dialect, TargetCapabilities } from '../dialect.js';
import { parseMessagesRequest } from '../anthropic/parse-request.js';
import { parseMessagesResponse, writeMessagesResponse } from '../anthropic/response.js';
import { writeClaudeBody } from '../anthropic/write-request.js';
import { BodyObserver } from '../passthrough/body-observer.js';
import { StreamObserver } from '../passthrough/stream-observer.js';
import { parseBedrockError, renderBedrockError, renderBedrockStreamError } from './error.js';
import { BEDROCK_ANTHROPIC_VERSION } from '../scan/request-edit.js';
import { InvokeStreamDecoder, InvokeStreamEncoder, InvokeToSse } from './invoke-stream.js';

/** Bedrock InvokeModel with Claude's own body. Model and streaming are in the path, so `parseRequest` needs them in its context. */
export const bedrockInvokeDialect: Dialect = {
  name: 'bedrock-invoke',
  streamContentType: 'application/vnd.amazon.eventstream',
  parseRequest: parseMessagesRequest,
  writeRequest: (request: CallRequest, target: TargetCapabilities) =>
    writeClaudeBody(request, target, { anthropic_version: BEDROCK_ANTHROPIC_VERSION }),
  parseResponse: parseMessagesResponse,
  writeResponse: writeMessagesResponse,
  createStreamDecoder: (context) => new InvokeStreamDecoder(context),
  createStreamEncoder: (context) => new InvokeStreamEncoder(context),
  createUsageObserver: ({ stream }) =>
    stream ? new StreamObserver(new InvokeToSse()) : new BodyObserver(parseMessagesResponse),
  renderError: renderBedrockError,
  renderStreamError: renderBedrockStreamError,
  parseError: parseBedrockError,
};
