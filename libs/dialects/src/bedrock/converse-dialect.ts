import type { Dialect } from '../dialect.js';
import { BodyObserver } from '../passthrough/body-observer.js';
import { ConverseStreamDecoder, ConverseStreamEncoder, ConverseStreamObserver } from './converse-stream.js';
import { parseConverseResponse, writeConverseResponse } from './converse-response.js';
import { parseBedrockError, renderBedrockError, renderBedrockStreamError } from './error.js';
import { parseConverseRequest } from './parse-converse.js';
import { writeConverseRequest } from './write-converse.js';

/** Bedrock Converse and ConverseStream. Model and streaming are in the path, so `parseRequest` needs them in its context. */
export const bedrockConverseDialect: Dialect = {
  name: 'bedrock-converse',
  streamContentType: 'application/vnd.amazon.eventstream',
  parseRequest: parseConverseRequest,
  writeRequest: writeConverseRequest,
  parseResponse: parseConverseResponse,
  writeResponse: writeConverseResponse,
  createStreamDecoder: (context) => new ConverseStreamDecoder(context),
  createStreamEncoder: (context) => new ConverseStreamEncoder(context),
  createUsageObserver: ({ stream }) =>
    stream ? new ConverseStreamObserver() : new BodyObserver(parseConverseResponse),
  renderError: renderBedrockError,
  renderStreamError: renderBedrockStreamError,
  parseError: parseBedrockError,
};
