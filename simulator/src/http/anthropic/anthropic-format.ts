import type { ModelRequest } from '../../domain/conversation.js';
import type { JsonObject } from '../../domain/json.js';
import { getModel } from '../../domain/models.js';
import { countPromptTokens, segmentPrompt } from '../../domain/prompt-segments.js';
import { RequestFault } from '../../domain/request-fault.js';
import { bearerToken, refuseInvalid } from '../credentials.js';
import type { Exchange } from '../exchange.js';
import { optionalBoolean, requireObject } from '../fields.js';
import type { CallContext, WireFormat } from '../wire-format.js';
import { messagesDialect } from './anthropic-answer.js';
import { messagesFaultMessage, renderMessagesFault } from './anthropic-errors.js';
import { parseMessagesBody, parsePrompt } from './anthropic-request.js';

const versions = ['2023-06-01', '2026-10-21'];
/** Gone with version 2026-10-21, also at their default values. */
const samplingFields = ['temperature', 'top_p', 'top_k'];

export const anthropicMessages: WireFormat = {
  name: 'anthropic-messages',
  reportsReasoning: () => true,
  caching: 'marked',
  authenticate,
  parse: parseMessagesRequest,
  dialect: messagesDialect,
  renderFault: renderMessagesFault,
  faultMessage: messagesFaultMessage,
};

function authenticate(exchange: Exchange): string {
  const key = exchange.header('x-api-key') ?? bearerToken(exchange);
  if (key === undefined || key === '') {
    throw new RequestFault(401, 'x-api-key header or Authorization: Bearer is required');
  }
  return refuseInvalid(key, messagesFaultMessage(401));
}

function parseMessagesRequest(body: unknown, call: CallContext): ModelRequest {
  const fields = requireObject(body, 'body');
  checkVersion(fields, call);
  return parseMessagesBody(fields, {
    model: getModel(fields['model'], 'anthropic-messages'),
    format: 'anthropic-messages',
    stream: optionalBoolean(fields['stream'], 'stream') ?? false,
  });
}

/** The answer to /v1/messages/count_tokens. */
export function countMessageTokens(body: unknown, call: CallContext): { input_tokens: number } {
  const fields = requireObject(body, 'body');
  checkVersion(fields, call);
  getModel(fields['model'], 'anthropic-messages');
  return { input_tokens: countPromptTokens(segmentPrompt(parsePrompt(fields))) };
}

function checkVersion(fields: JsonObject, call: CallContext): void {
  const version = call.header('anthropic-version');
  if (version === undefined) throw new RequestFault(400, 'anthropic-version: header is required');
  if (!versions.includes(version)) {
    throw new RequestFault(
      400,
      `anthropic-version: "${version}" is not a valid version; this simulator speaks ${versions.join(' and ')}`,
    );
  }
  if (version === '2023-06-01') return;
  const sampling = samplingFields.filter((name) => name in fields);
  if (sampling.length > 0) {
    throw new RequestFault(
      400,
      `${sampling.join(', ')}: not supported with anthropic-version ${version}; remove the parameter`,
      { param: sampling[0] ?? '' },
    );
  }
}
