import type { RequestFault } from '../../domain/request-fault.js';
import type { RenderedFault } from '../wire-format.js';

/** @see https://platform.claude.com/docs/en/api/errors */
const types: Record<number, readonly [type: string, message: string]> = {
  400: ['invalid_request_error', 'The request is invalid.'],
  401: ['authentication_error', 'invalid x-api-key'],
  403: ['permission_error', 'Your API key does not have permission to use the specified resource.'],
  404: ['not_found_error', 'The requested resource was not found.'],
  408: ['timeout_error', 'The request timed out.'],
  413: ['request_too_large', 'Request exceeds the maximum size'],
  429: ['rate_limit_error', 'This request would exceed your organization’s rate limit. Please try again later.'],
  500: ['api_error', 'Internal server error'],
  504: ['timeout_error', 'The request timed out.'],
  529: ['overloaded_error', 'Overloaded'],
};

function typeOf(status: number): readonly [string, string] {
  return types[status] ?? [status < 500 ? 'invalid_request_error' : 'api_error', `Simulated failure ${status}.`];
}

export function messagesFaultMessage(status: number): string {
  return typeOf(status)[1];
}

export function messagesErrorBody(fault: RequestFault, requestId: string): { type: 'error' } & Record<string, unknown> {
  return { type: 'error', error: { type: typeOf(fault.status)[0], message: fault.message }, request_id: requestId };
}

export function renderMessagesFault(fault: RequestFault, requestId: string): RenderedFault {
  const retryAfter = fault.details.retryAfterSeconds;
  return {
    status: fault.status,
    headers: {
      'content-type': 'application/json',
      'request-id': requestId,
      'x-should-retry':
        fault.status === 408 || fault.status === 409 || fault.status === 429 || fault.status >= 500 ? 'true' : 'false',
      ...messagesRateLimitHeaders(fault.status === 429 ? 0 : undefined),
      ...(retryAfter === undefined ? {} : { 'retry-after': String(retryAfter) }),
    },
    body: JSON.stringify(messagesErrorBody(fault, requestId)),
  };
}

/** The simulator limits nobody; the headers are there because clients read them. */
export function messagesRateLimitHeaders(remaining = 3_999): Record<string, string> {
  const reset = new Date(Date.now() + 1000).toISOString().replace(/\.\d+Z$/, 'Z');
  return {
    'anthropic-organization-id': 'weir-simulator',
    'anthropic-ratelimit-requests-limit': '4000',
    'anthropic-ratelimit-requests-remaining': String(remaining),
    'anthropic-ratelimit-requests-reset': reset,
    'anthropic-ratelimit-tokens-limit': '2000000',
    'anthropic-ratelimit-tokens-remaining': remaining === 0 ? '0' : '1999000',
    'anthropic-ratelimit-tokens-reset': reset,
  };
}
