import { errors } from 'undici';

/**
 * Why a request did not end well, by what it means for a caller and never by an error's text:
 * - `invalid_url`: not an origin this library connects to (scheme, user info, trailing dot).
 * - `invalid_request`: method, path or header that HTTP forbids.
 * - `address_not_allowed`: the host resolves to an address that is not global unicast and no entry covers it.
 * - `insecure_scheme`: plain http to an address that no `allowPrivate` entry covers.
 * - `unreachable`: no connection came about (name, route, refusal, TLS). Nothing was sent.
 * - `connect_timeout`: no connection within `connectTimeoutMs`. Nothing was sent.
 * - `reset`: the connection broke after the request had begun to be sent.
 * - `malformed`: what came back is not HTTP.
 * - `response_too_large`: headers or body above their caps.
 * - `timeout`: the whole exchange took longer than its cap.
 * - `aborted`: ended by the caller.
 */
export type EgressErrorCode =
  | 'invalid_url'
  | 'invalid_request'
  | 'address_not_allowed'
  | 'insecure_scheme'
  | 'unreachable'
  | 'connect_timeout'
  | 'reset'
  | 'malformed'
  | 'response_too_large'
  | 'timeout'
  | 'aborted';

/** A failed outbound request. `message` names host or address, never headers or bodies. */
export class EgressError extends Error {
  readonly code: EgressErrorCode;

  constructor(code: EgressErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = 'EgressError';
    this.code = code;
  }
}

const BY_CODE: Readonly<Record<string, EgressErrorCode>> = {
  UND_ERR_CONNECT_TIMEOUT: 'connect_timeout',
  UND_ERR_HEADERS_OVERFLOW: 'response_too_large',
  UND_ERR_RES_EXCEEDED_MAX_SIZE: 'response_too_large',
  UND_ERR_INVALID_ARG: 'invalid_request',
  UND_ERR_REQ_CONTENT_LENGTH_MISMATCH: 'invalid_request',
  UND_ERR_NOT_SUPPORTED: 'invalid_request',
  UND_ERR_RES_CONTENT_LENGTH_MISMATCH: 'malformed',
};

function codeOf(error: unknown): string {
  const code = (error as { code?: unknown } | null)?.code;
  return typeof code === 'string' ? code : '';
}

/**
 * Classifies what a socket or the HTTP client reported. `isSent`: whether the request had begun to leave; before that
 * every fault of a socket means the host was not reached, after it that the connection broke.
 */
export function mapFault(error: unknown, isSent: boolean, host: string): EgressError {
  if (error instanceof EgressError) return error;
  const code = codeOf(error);
  const known = BY_CODE[code];
  if (known) return new EgressError(known, `${host}: ${code}`, { cause: error });
  // By class: the parser leaves most of its codes undefined.
  if (error instanceof errors.HTTPParserError) {
    return new EgressError('malformed', `${host}: the answer is not HTTP (${code})`, { cause: error });
  }
  if (isSent) return new EgressError('reset', `${host}: the connection broke (${code || 'no code'})`, { cause: error });
  return new EgressError('unreachable', `${host}: cannot be reached (${code || 'no code'})`, { cause: error });
}
