import type { CallError, CallErrorType } from '@weir/call-model';
import type { DialectError, HeaderMap } from '../dialect.js';

const BY_STATUS: Readonly<Record<number, CallErrorType>> = {
  400: 'invalid_request',
  401: 'authentication',
  402: 'billing',
  403: 'permission',
  404: 'not_found',
  408: 'timeout',
  413: 'too_large',
  422: 'invalid_request',
  429: 'rate_limit',
  503: 'overloaded',
  504: 'timeout',
  529: 'overloaded',
};

/** What a bare HTTP status says about a failure. */
export function typeOfStatus(status: number): CallErrorType {
  return BY_STATUS[status] ?? (status >= 400 && status < 500 ? 'invalid_request' : 'api');
}

/** `retry-after-ms`, then `retry-after` in seconds or as a date (RFC 9110 §10.2.3). */
export function findRetryAfterSeconds(headers: HeaderMap, nowMs: number = Date.now()): number | undefined {
  const milliseconds = Number(headers['retry-after-ms'] ?? Number.NaN);
  if (Number.isFinite(milliseconds) && milliseconds >= 0) return milliseconds / 1000;
  const value = headers['retry-after']?.trim();
  if (!value) return undefined;
  if (/^\d+(\.\d+)?$/.test(value)) return Number(value);
  const date = Date.parse(value);
  return Number.isNaN(date) ? undefined : Math.max(0, (date - nowMs) / 1000);
}

/** What was found in an upstream's error answer; the rest follows from status and headers. */
export interface FoundError {
  readonly type: CallErrorType | undefined;
  readonly message: string | undefined;
  readonly code: string | undefined;
}

/** An upstream's error answer. The status decides where the body names nothing; the words are passed on and never read. */
export function errorOfAnswer(status: number, headers: HeaderMap, found: FoundError): CallError {
  const retryAfterSeconds = findRetryAfterSeconds(headers);
  return {
    type: found.type ?? typeOfStatus(status),
    status,
    message: found.message ?? `The provider answered with HTTP status ${status}.`,
    ...(found.code === undefined ? {} : { code: found.code }),
    ...(retryAfterSeconds === undefined ? {} : { retryAfterSeconds }),
  };
}

/**
 * Headers of every rendered error. Each dialect's own request-id header is sent beside `x-request-id`. `x-should-retry` is obeyed by the official
 * OpenAI and Anthropic clients before anything else; without it each refusal of a budget becomes three calls.
 */
export function errorHeaders(error: DialectError, requestIdHeader: string): Record<string, string> {
  const headers: Record<string, string> = { 'content-type': 'application/json', 'x-request-id': error.requestId };
  headers[requestIdHeader] = error.requestId;
  if (error.retryAfterSeconds !== undefined)
    headers['retry-after'] = String(Math.max(0, Math.ceil(error.retryAfterSeconds)));
  if (error.isRetryable !== undefined) headers['x-should-retry'] = String(error.isRetryable);
  return headers;
}
