import type { OutboundRequest } from '@weir/egress';
import { anthropicVersion, forwardedHeaders } from '../../domain/upstream-headers.js';
import { CredentialError } from './provider-credentials.js';
import { ATTEMPT_HEADER, SIMULATED_KEY, USER_AGENT, type UpstreamInput } from './upstream-adapter.js';

function authorization({ credential, provider }: UpstreamInput): Record<string, string> {
  switch (credential?.type) {
    case undefined:
      return provider.simulated ? { 'x-api-key': SIMULATED_KEY } : {};
    case 'api-key':
      return { 'x-api-key': credential.key };
    case 'bearer':
      return { authorization: `Bearer ${credential.token}` };
    case 'aws':
      throw new CredentialError(`provider ${provider.id}: AWS credentials do not open Anthropic's own endpoint`);
  }
}

/** Anthropic Messages. The client's `anthropic-*` headers go along as they are, as their body halves do. */
export function anthropicRequest(input: UpstreamInput): OutboundRequest {
  return {
    method: 'POST',
    path: `${input.basePath}/v1/messages`,
    headers: {
      ...forwardedHeaders(input.envelope, input.dialect),
      'anthropic-version': anthropicVersion(input.envelope),
      'content-type': 'application/json',
      accept: input.envelope.stream ? 'text/event-stream' : 'application/json',
      'user-agent': USER_AGENT,
      [ATTEMPT_HEADER]: input.attemptId,
      ...authorization(input),
    },
    body: input.body,
  };
}
