import { ERRORS, type ErrorCode } from '@weir/contracts';

/** A request that is not made: a code of the registry and what can be said about this one. */
export interface Refusal {
  readonly code: ErrorCode;
  /** Safe for the caller; says whose limit it is. */
  readonly message: string;
  /** Path of the field at fault, for errors of the body. */
  readonly param: string | null;
  readonly retryAfterSeconds: number | null;
}

export interface RefusalDetail {
  readonly message?: string;
  readonly param?: string | null;
  readonly retryAfterSeconds?: number;
}

/** Seconds after which a caller may try again what failed for a reason that passes by itself. */
const RETRY_AFTER_SECONDS = 1;

export function refuse(code: ErrorCode, detail: RefusalDetail = {}): Refusal {
  const definition = ERRORS[code];
  return {
    code,
    message: detail.message ?? definition.message,
    param: detail.param ?? null,
    retryAfterSeconds: detail.retryAfterSeconds ?? (definition.status === 503 ? RETRY_AFTER_SECONDS : null),
  };
}

/** A name out of a request, fit to be shown back in a message. */
export function quoted(name: string): string {
  const text = name.replace(/[^\p{L}\p{N} ._/@:+()-]/gu, '?');
  return `"${text.length <= 100 ? text : `${text.slice(0, 100)}…`}"`;
}
