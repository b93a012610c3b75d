import type { CallError, CallErrorType } from '@weir/call-model';
import { ERRORS, type CallFailure, type ErrorCode } from '@weir/contracts';

/** Why an attempt did not bring an answer, in codes of the registry. */
export interface UpstreamFault {
  readonly code: ErrorCode;
  /** Status for the client where the registry's would say less (a provider's 404, 413, 422 …). */
  readonly status: number | null;
  /** The provider's own words, only where they concern the caller's request. */
  readonly message: string | null;
  readonly retryAfterSeconds: number | null;
  /** Whether another target may well do better. Decides nothing once a byte has gone to the client. */
  readonly isWorthElsewhere: boolean;
}

const MESSAGE_CHARACTERS_MAX = 2_000;

const BY_ERROR_TYPE: Readonly<Record<CallErrorType, ErrorCode>> = {
  invalid_request: 'upstream_rejected',
  context_length: 'upstream_rejected',
  content_policy: 'upstream_rejected',
  too_large: 'upstream_rejected',
  not_found: 'upstream_rejected',
  authentication: 'upstream_auth',
  permission: 'upstream_auth',
  billing: 'upstream_auth',
  rate_limit: 'upstream_rate_limited',
  overloaded: 'upstream_overloaded',
  timeout: 'upstream_error',
  api: 'upstream_error',
  malformed: 'upstream_malformed',
  incomplete: 'upstream_reset',
};

/** Faults of the target or of the way there. Not among them: the caller's own mistakes, and answers that merely took too long. */
const WORTH_ELSEWHERE: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'upstream_unreachable',
  'upstream_connect_timeout',
  'upstream_first_token_timeout',
  'upstream_rate_limited',
  'upstream_overloaded',
  'upstream_error',
  'upstream_auth',
  'upstream_reset',
  'upstream_malformed',
]);

export function faultOf(code: ErrorCode): UpstreamFault {
  return { code, status: null, message: null, retryAfterSeconds: null, isWorthElsewhere: WORTH_ELSEWHERE.has(code) };
}

/** What a provider said, in its answer's status or inside its stream. */
export function faultOfCallError(error: CallError): UpstreamFault {
  // 529 is Anthropic's word for overload, which others have taken over without naming it in their bodies.
  const code = error.status === 529 ? 'upstream_overloaded' : BY_ERROR_TYPE[error.type];
  const isRejected = code === 'upstream_rejected';
  return {
    code,
    status: isRejected && error.status >= 400 && error.status < 500 ? error.status : null,
    message: isRejected ? error.message.slice(0, MESSAGE_CHARACTERS_MAX) : null,
    retryAfterSeconds: error.retryAfterSeconds ?? null,
    // A model or path that a provider does not know is our configuration's mistake, and the next target may know it.
    isWorthElsewhere: error.type === 'not_found' || WORTH_ELSEWHERE.has(code),
  };
}

/** An upstream's error answer: shown unmodified where it speaks the client's dialect, since clients match its wording. */
export interface UpstreamErrorBody {
  readonly status: number;
  readonly contentType: string;
  readonly body: string;
}

/**
 * The fault as it crosses the bus. What a provider says of our credentials stays here: such messages quote parts of the key.
 */
export function mapFaultToFailure(fault: UpstreamFault, shown: UpstreamErrorBody | null): CallFailure {
  return {
    code: fault.code,
    message: fault.message ?? ERRORS[fault.code].message,
    status: fault.status,
    retryAfterSeconds: fault.retryAfterSeconds,
    upstream: fault.code === 'upstream_auth' ? null : shown,
  };
}
