import type { CallError, CallErrorType } from '@weir/call-model';
import type { DialectError, HeaderMap, RenderedError } from '../dialect.js';
import { decodeText } from '../framing/bytes.js';
import { writeSseFrame } from '../framing/sse.js';
import { errorHeaders, errorOfAnswer, typeOfStatus } from '../translation/error-types.js';
import { encodeJson, findJsonObject, isJsonObject, objectOf, stringOf, type JsonObject } from '../translation/json.js';

/* {error: {message, type, param, code}}: https://platform.openai.com/docs/guides/error-codes */

const TO_CHAT: Readonly<Record<CallErrorType, readonly [type: string, code: string | null]>> = {
  invalid_request: ['invalid_request_error', null],
  authentication: ['invalid_request_error', 'invalid_api_key'],
  permission: ['invalid_request_error', 'permission_denied'],
  billing: ['insufficient_quota', 'insufficient_quota'],
  not_found: ['invalid_request_error', 'not_found'],
  too_large: ['invalid_request_error', 'request_too_large'],
  context_length: ['invalid_request_error', 'context_length_exceeded'],
  rate_limit: ['rate_limit_error', 'rate_limit_exceeded'],
  overloaded: ['server_error', 'overloaded'],
  timeout: ['server_error', 'timeout'],
  content_policy: ['invalid_request_error', 'content_policy_violation'],
  api: ['server_error', null],
  malformed: ['server_error', 'upstream_malformed'],
  incomplete: ['server_error', 'upstream_incomplete'],
};

const FROM_CODE: Readonly<Record<string, CallErrorType>> = {
  context_length_exceeded: 'context_length',
  string_above_max_length: 'context_length',
  insufficient_quota: 'billing',
  rate_limit_exceeded: 'rate_limit',
  invalid_api_key: 'authentication',
  model_not_found: 'not_found',
  content_policy_violation: 'content_policy',
  content_filter: 'content_policy',
  server_error: 'api',
  overloaded: 'overloaded',
};

const FROM_TYPE: Readonly<Record<string, CallErrorType>> = {
  invalid_request_error: 'invalid_request',
  authentication_error: 'authentication',
  permission_error: 'permission',
  insufficient_quota: 'billing',
  rate_limit_error: 'rate_limit',
  tokens: 'rate_limit',
  requests: 'rate_limit',
  server_error: 'api',
  overloaded_error: 'overloaded',
  timeout: 'timeout',
};

const STATUS_OF: Readonly<Partial<Record<CallErrorType, number>>> = {
  invalid_request: 400,
  context_length: 400,
  content_policy: 400,
  authentication: 401,
  billing: 429,
  permission: 403,
  not_found: 404,
  rate_limit: 429,
  overloaded: 503,
  timeout: 504,
};

function writeErrorObject(error: DialectError): JsonObject {
  const [type, code] = TO_CHAT[error.type];
  const appearance = error.appearance?.openai ?? { type, code };
  return {
    error: {
      message: error.message,
      type: appearance.type,
      param: error.param ?? null,
      code: appearance.code ?? error.code,
    },
  };
}

export function renderChatError(error: DialectError): RenderedError {
  return {
    status: error.status,
    headers: errorHeaders(error, 'x-request-id'),
    body: encodeJson(writeErrorObject(error)),
  };
}

/** A frame on which the official clients throw `APIError`. Nothing may follow it. */
export function renderChatStreamError(error: DialectError): Uint8Array {
  return writeSseFrame(JSON.stringify(writeErrorObject(error)));
}

/** The `error` of a frame or body, where there is one. */
export function findChatStreamError(json: JsonObject): CallError | undefined {
  const { error } = json;
  if (typeof error === 'string') return { type: 'api', status: 502, message: error };
  if (!isJsonObject(error)) return undefined;
  const code = codeOf(error);
  const status = statusOf(code);
  const type = FROM_CODE[code ?? ''] ?? (status ? typeOfStatus(status) : typeOfKind(error)) ?? 'api';
  const named = code ?? stringOf(error['type']);
  return {
    type,
    status: status ?? STATUS_OF[type] ?? 500,
    message: stringOf(error['message']) ?? 'The provider reported an error.',
    ...(named === undefined ? {} : { code: named }),
  };
}

/** Some compatible servers put the HTTP status here, as a number. */
function codeOf(error: JsonObject): string | undefined {
  const { code } = error;
  return typeof code === 'number' ? String(code) : stringOf(code);
}

function statusOf(code: string | undefined): number | undefined {
  const status = Number(code);
  return Number.isInteger(status) && status >= 400 && status < 600 ? status : undefined;
}

function typeOfKind(error: JsonObject): CallErrorType | undefined {
  return FROM_TYPE[stringOf(error['type']) ?? ''];
}

/** An upstream's error answer; a code that says more than the status wins over it. */
export function parseChatError(status: number, headers: HeaderMap, body: Uint8Array): CallError {
  const json = findJsonObject(decodeText(body)) ?? {};
  const inBody = findChatStreamError(json);
  return errorOfAnswer(status, headers, {
    type: FROM_CODE[inBody?.code ?? ''],
    message: inBody?.message ?? stringOf(json['message']) ?? stringOf(objectOf(json['detail'])['message']),
    code: inBody?.code,
  });
}
