import type { ServerResponse } from 'node:http';
import type { CallFailure, ClientDialect } from '@weir/contracts';
import { getDialect, type RenderedError } from '@weir/dialects';
import { errorOfFailure, errorOfRefusal } from '../../domain/error-answer.js';
import { requestIdHeaders } from '../../domain/header-policy.js';
import type { Refusal } from '../../domain/refusal.js';

/** Sends a whole answer, and nothing where the client has left or an answer has begun. @returns bytes of body handed over. */
export function sendAnswer(
  response: ServerResponse,
  answer: { readonly status: number; readonly headers: Record<string, string | number>; readonly body: Uint8Array },
): number {
  if (response.headersSent || response.destroyed) return 0;
  answer.headers['content-length'] = answer.body.length;
  response.writeHead(answer.status, answer.headers);
  response.end(response.req.method === 'HEAD' ? undefined : answer.body);
  return answer.body.length;
}

export function sendJson(response: ServerResponse, callId: string, body: object): void {
  const headers = { 'content-type': 'application/json', ...requestIdHeaders(callId) };
  sendAnswer(response, { status: 200, headers, body: Buffer.from(JSON.stringify(body)) });
}

export function renderRefusal(refusal: Refusal, dialect: ClientDialect, callId: string): RenderedError {
  return getDialect(dialect).renderError(errorOfRefusal(refusal, callId));
}

/** An upstream's own error body, in the client's dialect, goes on unmodified: clients decide by its wording. */
export function renderFailure(failure: CallFailure, dialect: ClientDialect, callId: string): RenderedError {
  const rendered = getDialect(dialect).renderError(errorOfFailure(failure, callId));
  const { upstream } = failure;
  if (!upstream) return rendered;
  const headers = { ...rendered.headers, 'content-type': upstream.contentType };
  return { status: upstream.status, headers, body: Buffer.from(upstream.body) };
}

export function sendError(
  response: ServerResponse,
  callId: string,
  error: RenderedError,
  extra: Readonly<Record<string, string>> = {},
): number {
  return sendAnswer(response, {
    status: error.status,
    headers: { ...extra, ...error.headers, ...requestIdHeaders(callId) },
    body: error.body,
  });
}
