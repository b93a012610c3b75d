import type { CallEnvelopeV1, Deployment, ProviderCredential, ProviderRecord } from '@weir/contracts';
import type { WireDialect } from '@weir/dialects';
import type { OutboundRequest } from '@weir/egress';

/** Everything an adapter needs to write the request of one attempt. */
export interface UpstreamInput {
  readonly attemptId: string;
  readonly envelope: CallEnvelopeV1;
  readonly deployment: Deployment;
  readonly provider: ProviderRecord;
  readonly credential: ProviderCredential | undefined;
  readonly origin: string;
  readonly basePath: string;
  readonly dialect: WireDialect;
  readonly body: Uint8Array;
}

/** Writes the HTTP request of one attempt; sends nothing. @throws CredentialError for a credential the provider cannot take. */
export type UpstreamAdapter = (input: UpstreamInput) => OutboundRequest | Promise<OutboundRequest>;

/** Sent to every upstream, so that its invoice can be matched with the record. */
export const ATTEMPT_HEADER = 'x-client-request-id';
export const USER_AGENT = 'weir';

/** What a simulated provider is given where it has no credential: like the real ones, it refuses requests without any. */
export const SIMULATED_KEY = 'simulated';
