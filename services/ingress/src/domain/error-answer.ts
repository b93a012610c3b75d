import { findError, isErrorCode, type CallFailure, type ErrorCode } from '@weir/contracts';
import type { DialectError } from '@weir/dialects';
import { refuse, type Refusal } from './refusal.js';

/** What each type of Anthropic's is called in the neutral model: the registry decides both, so they cannot part. */
const TYPE_OF_ANTHROPIC: Readonly<Record<string, DialectError['type']>> = {
  invalid_request_error: 'invalid_request',
  authentication_error: 'authentication',
  permission_error: 'permission',
  not_found_error: 'not_found',
  request_too_large: 'too_large',
  rate_limit_error: 'rate_limit',
  overloaded_error: 'overloaded',
  timeout_error: 'timeout',
  api_error: 'api',
};

/** A provider's own status says more than the registry, which has one type for all that providers reject. */
const ANTHROPIC_OF_REJECTION: Readonly<Record<number, string>> = { 404: 'not_found_error', 413: 'request_too_large' };

/** A retry further away than this is not announced: Anthropic's client waits as long as it is told, for a day if need be. */
const RETRY_AFTER_MAX_SECONDS = 60;

function describe(code: ErrorCode, message: string, requestId: string, ownStatus: number | null = null): DialectError {
  const { status: usualStatus, retryable, openai, anthropic: usual } = findError(code);
  const status = ownStatus ?? usualStatus;
  const anthropic = (code === 'upstream_rejected' ? ANTHROPIC_OF_REJECTION[status] : undefined) ?? usual;
  const type = TYPE_OF_ANTHROPIC[anthropic] ?? 'api';
  return { status, type, code, message, requestId, isRetryable: retryable, appearance: { openai, anthropic } };
}

function withRetryAfter(error: DialectError, seconds: number | null): DialectError {
  if (seconds === null) return error;
  if (seconds > RETRY_AFTER_MAX_SECONDS) return { ...error, isRetryable: false };
  return { ...error, retryAfterSeconds: seconds };
}

/** A refusal as the caller reads it. */
export function errorOfRefusal(refusal: Refusal, requestId: string): DialectError {
  const error = describe(refusal.code, refusal.message, requestId);
  return withRetryAfter({ ...error, param: refusal.param }, refusal.retryAfterSeconds);
}

/** A failure that crossed the bus; a code of a newer version is shown as `internal`. */
export function errorOfFailure(failure: CallFailure, requestId: string): DialectError {
  const code = isErrorCode(failure.code) ? failure.code : 'internal';
  const { message, status, param = null, retryAfterSeconds } = failure;
  return withRetryAfter({ ...describe(code, message, requestId, status), param }, retryAfterSeconds);
}

/** A failure of the gateway's own making, in the form in which failures cross the bus. */
export function failureHere(code: ErrorCode): CallFailure {
  const { message, retryAfterSeconds } = refuse(code);
  return { code, message, status: null, retryAfterSeconds, upstream: null };
}
