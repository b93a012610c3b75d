import type { RequestFault } from '../../domain/request-fault.js';
import type { RenderedFault } from '../wire-format.js';

interface ErrorKind {
  readonly status: number;
  readonly type: string;
  readonly message: string;
}

const unrecognised: ErrorKind = {
  status: 403,
  type: 'UnrecognizedClientException',
  message: 'The security token included in the request is invalid.',
};
const unavailable: ErrorKind = {
  status: 503,
  type: 'ServiceUnavailableException',
  message: 'Bedrock is unable to process your request.',
};

/** Bedrock knows neither 401 nor 529: what they mean is 403 and 503 there. */
const kinds: Record<number, ErrorKind> = {
  400: {
    status: 400,
    type: 'ValidationException',
    message: 'The input fails to satisfy the constraints specified by Amazon Bedrock.',
  },
  401: unrecognised,
  403: {
    status: 403,
    type: 'AccessDeniedException',
    message: "You don't have access to the model with the specified model ID.",
  },
  404: {
    status: 404,
    type: 'ResourceNotFoundException',
    message: 'Could not resolve the foundation model from the provided model identifier.',
  },
  408: {
    status: 408,
    type: 'ModelTimeoutException',
    message: 'Model has timed out in processing the request. Try your request again.',
  },
  413: { status: 413, type: 'ValidationException', message: 'Input is too long for requested model.' },
  429: { status: 429, type: 'ThrottlingException', message: 'Too many requests, please wait before trying again.' },
  500: {
    status: 500,
    type: 'InternalServerException',
    message: 'The system encountered an unexpected error during processing. Try your request again.',
  },
  503: unavailable,
  529: unavailable,
};

function kindOf(status: number): ErrorKind {
  const fallback = status < 500 ? 'ValidationException' : 'InternalServerException';
  return kinds[status] ?? { status, type: fallback, message: `Simulated failure ${status}.` };
}

export function bedrockFaultMessage(status: number): string {
  return kindOf(status).message;
}

export function renderBedrockFault(fault: RequestFault, requestId: string): RenderedFault {
  const kind = kindOf(fault.status);
  const retryAfter = fault.details.retryAfterSeconds;
  return {
    status: kind.status,
    headers: {
      'content-type': 'application/json',
      'x-amzn-requestid': requestId,
      'x-amzn-errortype': fault.details.code?.endsWith('Exception') === true ? fault.details.code : kind.type,
      ...(retryAfter === undefined ? {} : { 'retry-after': String(retryAfter) }),
    },
    body: JSON.stringify({ message: fault.message }),
  };
}
