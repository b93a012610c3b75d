import type { CallError, CallErrorType } from '@weir/call-model';
import type { DialectError, HeaderMap, RenderedError } from '../dialect.js';
import { decodeText } from '../framing/bytes.js';
import { writeSseFrame } from '../framing/sse.js';
import { errorHeaders, errorOfAnswer } from '../translation/error-types.js';
import { encodeJson, findJsonObject, isJsonObject, stringOf, type JsonObject } from '../translation/json.js';

/* {type: "error", error: {type, message}, request_id}: https://platform.claude.com/docs/en/api/errors */

const TO_ANTHROPIC: Readonly<Record<CallErrorType, string>> = {
  invalid_request: 'invalid_request_error',
  authentication: 'authentication_error',
  permission: 'permission_error',
  billing: 'billing_error',
  not_found: 'not_found_error',
  too_large: 'request_too_large',
  context_length: 'invalid_request_error',
  rate_limit: 'rate_limit_error',
  overloaded: 'overloaded_error',
  timeout: 'timeout_error',
  content_policy: 'invalid_request_error',
  api: 'api_error',
  malformed: 'api_error',
  incomplete: 'api_error',
};

const FROM_ANTHROPIC: Readonly<Record<string, readonly [type: CallErrorType, status: number]>> = {
  invalid_request_error: ['invalid_request', 400],
  authentication_error: ['authentication', 401],
  billing_error: ['billing', 402],
  permission_error: ['permission', 403],
  not_found_error: ['not_found', 404],
  request_too_large: ['too_large', 413],
  rate_limit_error: ['rate_limit', 429],
  timeout_error: ['timeout', 504],
  overloaded_error: ['overloaded', 529],
  api_error: ['api', 500],
};

/** What the official clients act on: with this one they go on without threads. https://platform.claude.com/docs/en/api/errors */
const DETAILS: Readonly<Record<string, JsonObject>> = {
  threads_not_held: { error_code: 'thread_unsupported_request' },
};

export function writeErrorObject(error: DialectError): JsonObject {
  const details = DETAILS[error.code];
  return {
    type: 'error',
    error: {
      type: error.appearance?.anthropic ?? TO_ANTHROPIC[error.type],
      message: error.message,
      ...(details ? { details } : {}),
    },
    request_id: error.requestId,
  };
}

export function renderAnthropicError(error: DialectError): RenderedError {
  return {
    status: error.status,
    headers: errorHeaders(error, 'request-id'),
    body: encodeJson(writeErrorObject(error)),
  };
}

/** A frame on which the official clients throw. Nothing may follow it. */
export function renderAnthropicStreamError(error: DialectError): Uint8Array {
  return writeSseFrame(JSON.stringify(writeErrorObject(error)), 'error');
}

/** The error in a body or an `error` event, where there is one. */
export function findAnthropicError(json: JsonObject): CallError | undefined {
  const { error } = json;
  if (json['type'] !== 'error' && !isJsonObject(error)) return undefined;
  if (!isJsonObject(error)) return { type: 'api', status: 500, message: 'The provider reported an error.' };
  const kind = stringOf(error['type']);
  const [type, status] = FROM_ANTHROPIC[kind ?? ''] ?? (['api', 500] as const);
  return {
    type,
    status,
    message: stringOf(error['message']) ?? 'The provider reported an error.',
    ...(kind === undefined ? {} : { code: kind }),
  };
}

/** An upstream's error answer; the HTTP status wins over the type in the body. */
export function parseAnthropicError(status: number, headers: HeaderMap, body: Uint8Array): CallError {
  const json = findJsonObject(decodeText(body));
  const inBody = json && findAnthropicError(json);
  const byKind = FROM_ANTHROPIC[inBody?.code ?? ''];
  return errorOfAnswer(status, headers, {
    type: byKind?.[1] === status ? byKind[0] : undefined,
    message: inBody?.message ?? stringOf(json?.['message']),
    code: inBody?.code,
  });
}
