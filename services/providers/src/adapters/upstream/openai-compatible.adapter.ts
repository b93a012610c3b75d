import type { OutboundRequest } from '@weir/egress';
import { forwardedHeaders } from '../../domain/upstream-headers.js';
import { CredentialError } from './provider-credentials.js';
import { ATTEMPT_HEADER, SIMULATED_KEY, USER_AGENT, type UpstreamInput } from './upstream-adapter.js';

function authorization({ credential, provider }: UpstreamInput): Record<string, string> {
  switch (credential?.type) {
    case undefined:
      return provider.simulated ? { authorization: `Bearer ${SIMULATED_KEY}` } : {};
    case 'api-key':
      return { authorization: `Bearer ${credential.key}` };
    case 'bearer':
      return { authorization: `Bearer ${credential.token}` };
    case 'aws':
      throw new CredentialError(`provider ${provider.id}: AWS credentials do not open an OpenAI-compatible endpoint`);
  }
}

/** Chat Completions at any base URL: OpenAI, DeepSeek, Qwen (DashScope's compatible mode) and whoever else speaks it. */
export function openAiCompatibleRequest(input: UpstreamInput): OutboundRequest {
  return {
    method: 'POST',
    path: `${input.basePath}/chat/completions`,
    headers: {
      ...forwardedHeaders(input.envelope, input.dialect),
      'content-type': 'application/json',
      accept: input.envelope.stream ? 'text/event-stream' : 'application/json',
      'user-agent': USER_AGENT,
      [ATTEMPT_HEADER]: input.attemptId,
      ...authorization(input),
    },
    body: input.body,
  };
}
