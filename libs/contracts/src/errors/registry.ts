/** How one error looks to callers. `openai` and `anthropic` are the type (and code) their SDKs expect. */
export interface ErrorDefinition {
  readonly status: number;
  /** Whether the same request may succeed later; sent as `x-should-retry`. */
  readonly retryable: boolean;
  readonly message: string;
  readonly openai: { readonly type: string; readonly code: string | null };
  readonly anthropic: string;
}

type Shape = readonly [
  status: number,
  retryable: boolean,
  openaiType: string,
  openaiCode: string | null,
  anthropic: string,
  message: string,
];

const INVALID = 'invalid_request_error';

const table = {
  malformed_json: [400, false, INVALID, null, INVALID, 'The request body is not valid JSON.'],
  invalid_request: [400, false, INVALID, null, INVALID, 'The request is not valid.'],
  invalid_utf8: [400, false, INVALID, null, INVALID, 'The request body is not valid UTF-8.'],
  unsupported_feature: [
    400,
    false,
    INVALID,
    'unsupported_value',
    INVALID,
    'The model cannot do what the request asks for.',
  ],
  threads_not_held: [
    400,
    false,
    INVALID,
    'unsupported_value',
    INVALID,
    'Message threads are not held here; send the full conversation without "thread".',
  ],
  body_too_large: [
    413,
    false,
    INVALID,
    'request_too_large',
    'request_too_large',
    'The request body is larger than 32 MiB.',
  ],
  request_timeout: [408, true, INVALID, 'request_timeout', 'timeout_error', 'The request did not arrive in time.'],
  unsupported_encoding: [415, false, INVALID, null, INVALID, 'The content encoding of the request is not supported.'],
  unsupported_media_type: [
    415,
    false,
    INVALID,
    null,
    INVALID,
    'The content type of the request is not supported; send application/json.',
  ],
  missing_key: [
    401,
    false,
    INVALID,
    'missing_api_key',
    'authentication_error',
    'No API key was sent. Send a Weir key as "Authorization: Bearer", "x-api-key" or "api-key".',
  ],
  invalid_key: [401, false, INVALID, 'invalid_api_key', 'authentication_error', 'The API key is not valid.'],
  conflicting_keys: [
    401,
    false,
    INVALID,
    'invalid_api_key',
    'authentication_error',
    'Two headers of the request carry different API keys.',
  ],
  key_blocked: [403, false, INVALID, 'key_blocked', 'permission_error', 'The API key is blocked.'],
  key_expired: [401, false, INVALID, 'key_expired', 'authentication_error', 'The API key has expired.'],
  address_not_allowed: [
    403,
    false,
    INVALID,
    'address_not_allowed',
    'permission_error',
    'The API key may not be used from this address.',
  ],
  model_not_allowed: [
    403,
    false,
    INVALID,
    'model_not_allowed',
    'permission_error',
    'The API key may not use this model.',
  ],
  model_not_found: [404, false, INVALID, 'model_not_found', 'not_found_error', 'The model does not exist.'],
  route_not_found: [404, false, INVALID, 'route_not_found', 'not_found_error', 'There is no such route.'],
  method_not_allowed: [405, false, INVALID, 'method_not_allowed', INVALID, 'The method is not allowed on this route.'],
  catalog_not_ready: [
    503,
    true,
    'server_error',
    'catalog_not_ready',
    'api_error',
    'The gateway has not read its configuration yet.',
  ],
  audit_unavailable: [
    503,
    true,
    'server_error',
    'audit_unavailable',
    'api_error',
    'The call cannot be recorded, so it is not made.',
  ],
  draining: [503, true, 'server_error', 'draining', 'api_error', 'This gateway process is shutting down.'],
  gateway_overloaded: [
    503,
    true,
    'server_error',
    'gateway_overloaded',
    'api_error',
    'This gateway process holds as many request bodies as it may.',
  ],
  no_worker: [503, true, 'server_error', 'no_worker', 'api_error', 'No worker is ready to take the call.'],
  no_target: [503, true, 'server_error', 'no_target', 'api_error', 'No deployment of the model can take the call now.'],
  not_dispatched: [
    503,
    true,
    'server_error',
    'not_dispatched',
    'api_error',
    'No worker took the call in time; nothing was sent to a provider.',
  ],
  bus_unavailable: [503, true, 'server_error', 'bus_unavailable', 'api_error', 'The gateway has lost its message bus.'],
  ingress_lost: [
    502,
    false,
    'server_error',
    'ingress_lost',
    'api_error',
    'The gateway process that held the call was lost.',
  ],
  worker_lost: [502, false, 'server_error', 'worker_lost', 'api_error', 'The worker that ran the call was lost.'],
  sequence_gap: [
    502,
    false,
    'server_error',
    'sequence_gap',
    'api_error',
    'Part of the answer was lost inside the gateway.',
  ],
  body_unavailable: [
    503,
    true,
    'server_error',
    'body_unavailable',
    'api_error',
    'The body of the request was no longer available.',
  ],
  upstream_unreachable: [
    502,
    true,
    'server_error',
    'upstream_unreachable',
    'api_error',
    'The provider cannot be reached.',
  ],
  upstream_auth: [
    502,
    false,
    'server_error',
    'upstream_auth',
    'api_error',
    "The provider refused the gateway's credentials.",
  ],
  upstream_rejected: [400, false, INVALID, null, INVALID, 'The provider rejected the request.'],
  upstream_rate_limited: [
    429,
    true,
    'rate_limit_error',
    'rate_limit_exceeded',
    'rate_limit_error',
    "The provider's rate limit is reached.",
  ],
  upstream_overloaded: [529, true, 'server_error', 'overloaded', 'overloaded_error', 'The provider is overloaded.'],
  upstream_error: [502, true, 'server_error', 'upstream_error', 'api_error', 'The provider failed.'],
  upstream_reset: [502, false, 'server_error', 'upstream_reset', 'api_error', 'The provider broke off its answer.'],
  upstream_malformed: [
    502,
    false,
    'server_error',
    'upstream_malformed',
    'api_error',
    'The provider sent an answer that cannot be read.',
  ],
  upstream_connect_timeout: [
    504,
    true,
    'server_error',
    'upstream_timeout',
    'timeout_error',
    'The provider did not accept a connection in time.',
  ],
  upstream_first_token_timeout: [
    504,
    true,
    'server_error',
    'upstream_timeout',
    'timeout_error',
    'The provider did not begin its answer in time.',
  ],
  upstream_idle_timeout: [
    504,
    false,
    'server_error',
    'upstream_timeout',
    'timeout_error',
    'The provider fell silent in the middle of its answer.',
  ],
  upstream_total_timeout: [
    504,
    false,
    'server_error',
    'upstream_timeout',
    'timeout_error',
    "The provider's answer took too long.",
  ],
  client_gone: [499, false, INVALID, null, INVALID, 'The client closed the connection.'],
  internal: [500, true, 'server_error', 'internal_error', 'api_error', 'The gateway failed.'],
} as const satisfies Record<string, Shape>;

export type ErrorCode = keyof typeof table;

function define([status, retryable, type, code, anthropic, message]: Shape): ErrorDefinition {
  return Object.freeze({ status, retryable, message, openai: { type, code }, anthropic });
}

/** The one registry of errors: code → status, retryability, safe public message and its shape in each client dialect. Mirrored by `docs/errors.md`. */
export const ERRORS = Object.freeze(
  Object.fromEntries(Object.entries(table).map(([code, shape]) => [code, define(shape)])),
) as Readonly<Record<ErrorCode, ErrorDefinition>>;

export function isErrorCode(code: string): code is ErrorCode {
  return Object.hasOwn(ERRORS, code);
}

/** The definition of a code from the bus; a code of a newer version is treated as `internal`. */
export function findError(code: string): ErrorDefinition {
  return isErrorCode(code) ? ERRORS[code] : ERRORS.internal;
}
