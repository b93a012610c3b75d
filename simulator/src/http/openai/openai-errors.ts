import type { RequestFault } from '../../domain/request-fault.js';
import type { RenderedFault } from '../wire-format.js';

interface ErrorKind {
  readonly type: string;
  readonly code: string | null;
  readonly message: string;
}

/** Types, codes and wording as OpenAI's API gives them. */
const kinds: Record<number, ErrorKind> = {
  400: { type: 'invalid_request_error', code: null, message: 'We could not parse the request.' },
  401: {
    type: 'invalid_request_error',
    code: 'invalid_api_key',
    message: 'Incorrect API key provided. You can find your API key at https://platform.openai.com/account/api-keys.',
  },
  403: {
    type: 'request_forbidden',
    code: 'unsupported_country_region_territory',
    message: 'Country, region, or territory not supported',
  },
  404: {
    type: 'invalid_request_error',
    code: 'model_not_found',
    message: 'The model does not exist or you do not have access to it.',
  },
  413: { type: 'invalid_request_error', code: 'request_too_large', message: 'The request is too large.' },
  429: {
    type: 'requests',
    code: 'rate_limit_exceeded',
    message: 'Rate limit reached for requests. Please try again in 1s.',
  },
  500: {
    type: 'server_error',
    code: null,
    message: 'The server had an error while processing your request. Sorry about that!',
  },
  503: { type: 'server_error', code: null, message: 'The engine is currently overloaded, please try again later.' },
};

function kindOf(status: number): ErrorKind {
  return (
    kinds[status] ??
    (status === 529 ? kinds[503] : undefined) ?? {
      type: status < 500 ? 'invalid_request_error' : 'server_error',
      code: null,
      message: `Simulated failure ${status}.`,
    }
  );
}

export function chatFaultMessage(status: number): string {
  return kindOf(status).message;
}

export function chatErrorBody(fault: RequestFault): Record<string, unknown> {
  const { type, code } = kindOf(fault.status);
  return {
    error: {
      message: fault.message,
      type,
      param: fault.details.param ?? null,
      code: fault.details.code ?? (fault.details.param === undefined ? code : null),
    },
  };
}

export function renderChatFault(fault: RequestFault, requestId: string): RenderedFault {
  const retryAfter = fault.details.retryAfterSeconds;
  return {
    status: fault.status,
    headers: {
      'content-type': 'application/json',
      'x-request-id': requestId,
      ...rateLimitHeaders(fault.status === 429 ? 0 : undefined),
      ...(retryAfter === undefined
        ? {}
        : { 'retry-after': String(retryAfter), 'retry-after-ms': String(retryAfter * 1000) }),
    },
    body: JSON.stringify(chatErrorBody(fault)),
  };
}

/** The simulator limits nobody; the headers are there because clients read them. */
export function rateLimitHeaders(remaining = 9_999): Record<string, string> {
  return {
    'x-ratelimit-limit-requests': '10000',
    'x-ratelimit-limit-tokens': '2000000',
    'x-ratelimit-remaining-requests': String(remaining),
    'x-ratelimit-remaining-tokens': remaining === 0 ? '0' : '1999000',
    'x-ratelimit-reset-requests': '6ms',
    'x-ratelimit-reset-tokens': '30ms',
  };
}
