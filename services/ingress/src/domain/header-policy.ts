import type { ClientDialect } from '@weir/contracts';
import type { IncomingHeaders } from './routes.js';

const UPSTREAM_PREFIX: Readonly<Record<ClientDialect, string>> = { anthropic: 'anthropic-', 'openai-chat': 'openai-' };
/** These choose whose account at the provider is used: that is the gateway's to say. */
const NEVER_UPSTREAM = new Set(['openai-organization', 'openai-project', 'anthropic-organization-id']);
const UPSTREAM_HEADERS_MAX = 32;
const UPSTREAM_BYTES_MAX = 16 * 1024;

/** RFC 9110 §5.5: visible characters, space and tab. What holds anything else could not be sent on. */
const SAFE_VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;
const SAFE_NAME = /^[a-z0-9-]+$/;

/**
 * Headers of the client that belong to the upstream's protocol: an open list by prefix, because betas travel in headers and
 * body together. Bounded in number and bytes; what is beyond is left out.
 */
export function upstreamHeaders(headers: IncomingHeaders, dialect: ClientDialect): Record<string, string> {
  const forwarded: Record<string, string> = {};
  const prefix = UPSTREAM_PREFIX[dialect];
  let count = 0;
  let bytes = 0;
  for (const name in headers) {
    if (!name.startsWith(prefix) || NEVER_UPSTREAM.has(name) || !SAFE_NAME.test(name)) continue;
    const value = headers[name];
    const text = Array.isArray(value) ? value.join(', ') : (value ?? '');
    bytes += name.length + text.length;
    if (!SAFE_VALUE.test(text) || ++count > UPSTREAM_HEADERS_MAX || bytes > UPSTREAM_BYTES_MAX) continue;
    forwarded[name] = text;
  }
  return forwarded;
}

const ANSWER_EXACT = new Set(['content-type', 'retry-after', 'retry-after-ms', 'cache-control']);
const ANSWER_PREFIXES = ['anthropic-', 'openai-', 'x-ratelimit-'] as const;

/** Whether a header of the upstream's answer goes on to the client. Deny by default: cookies, hosts and lengths are not the client's. */
function mayAnswer(name: string): boolean {
  if (NEVER_UPSTREAM.has(name)) return false;
  return ANSWER_EXACT.has(name) || ANSWER_PREFIXES.some((prefix) => name.startsWith(prefix));
}

/** `x-weir-dropped` is for people at a terminal: the record holds the whole list. */
const DROPPED_LENGTH_MAX = 2_048;

function droppedHeader(dropped: readonly string[]): string {
  const text = dropped.join(', ').replace(/[^\x20-\x7e]/g, '?');
  return text.length <= DROPPED_LENGTH_MAX ? text : `${text.slice(0, DROPPED_LENGTH_MAX - 3)}...`;
}

/** What Weir itself says in the headers of an answer. */
export interface AnswerFacts {
  readonly callId: string;
  readonly simulated: boolean;
  readonly dropped: readonly string[];
}

/** The request's id under both names, since SDKs of each dialect show only their own. It is the record's `call_id`. */
export function requestIdHeaders(callId: string): Record<string, string> {
  return { 'x-request-id': callId, 'request-id': callId };
}

/** Headers of an answer to the client, built once per call. Upstream ids are replaced by ours. */
export function answerHeaders(upstream: Readonly<Record<string, string>>, facts: AnswerFacts): Record<string, string> {
  const headers = requestIdHeaders(facts.callId);
  for (const name in upstream) {
    const value = upstream[name];
    if (value !== undefined && mayAnswer(name) && SAFE_NAME.test(name) && SAFE_VALUE.test(value)) headers[name] = value;
  }
  if (facts.simulated) headers['x-weir-simulated'] = '1';
  if (facts.dropped.length > 0) headers['x-weir-dropped'] = droppedHeader(facts.dropped);
  return headers;
}

const TRACEPARENT = /^00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$/;

/** W3C trace context of the client, or null where there is none that can be used. */
export function traceparentOf(headers: IncomingHeaders): string | null {
  const value = headers['traceparent'];
  return typeof value === 'string' && TRACEPARENT.test(value) ? value : null;
}

const API_VERSION = /^[\x21-\x7e]{1,32}$/;

/** `anthropic-version` of an Anthropic client; null for others and where it was not sent. */
export function apiVersionOf(headers: IncomingHeaders, dialect: ClientDialect): string | null {
  const value = headers['anthropic-version'];
  return dialect === 'anthropic' && typeof value === 'string' && API_VERSION.test(value) ? value : null;
}
