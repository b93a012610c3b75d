import type { CallEnvelopeV1 } from '@weir/contracts';
import type { WireDialect } from '@weir/dialects';

const ANTHROPIC_VERSION_DEFAULT = '2023-06-01';

/** Headers by which a caller could choose whose account is billed. */
const ACCOUNT_HEADERS: ReadonlySet<string> = new Set(['openai-organization', 'openai-project']);

/**
 * The client's own protocol headers, forwarded only to an upstream of the same family. `anthropic-*` and `openai-*` are open lists:
 * header and body halves of a feature travel together, and an allow-list of today would break the clients of tomorrow.
 */
export function forwardedHeaders(envelope: CallEnvelopeV1, upstream: WireDialect): Record<string, string> {
  const prefix = upstream === 'anthropic' ? 'anthropic-' : upstream === 'openai-chat' ? 'openai-' : null;
  const isSameFamily = upstream === envelope.dialect;
  const headers: Record<string, string> = {};
  if (prefix === null || !isSameFamily) return headers;
  for (const [name, value] of Object.entries(envelope.headers)) {
    if (name.startsWith(prefix) && !ACCOUNT_HEADERS.has(name)) headers[name] = value;
  }
  return headers;
}

/** `anthropic-version` for an Anthropic upstream: the client's where it speaks the protocol itself. */
export function anthropicVersion(envelope: CallEnvelopeV1): string {
  const ownVersion =
    envelope.dialect === 'anthropic' ? (envelope.apiVersion ?? envelope.headers['anthropic-version']) : undefined;
  return ownVersion ?? ANTHROPIC_VERSION_DEFAULT;
}

const PREFIXES_SHOWN = ['anthropic-', 'openai-', 'x-ratelimit-'];
/** These name our own account at the provider. */
const HIDDEN: ReadonlySet<string> = new Set(['anthropic-organization-id', 'openai-organization', 'openai-project']);

/** Headers of the upstream's answer that are the client's business, where both speak the same dialect. */
export function shownHeaders(headers: Readonly<Record<string, string>>): Record<string, string> {
  const shown: Record<string, string> = {};
  for (const name in headers) {
    const value = headers[name];
    if (value !== undefined && !HIDDEN.has(name) && PREFIXES_SHOWN.some((prefix) => name.startsWith(prefix)))
      shown[name] = value;
  }
  return shown;
}

/** The provider's own id of the request, for its support and its invoice. */
export function upstreamRequestId(headers: Readonly<Record<string, string>>): string | null {
  return headers['request-id'] ?? headers['x-request-id'] ?? headers['x-amzn-requestid'] ?? null;
}
