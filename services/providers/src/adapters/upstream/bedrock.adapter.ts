import {
  BedrockRuntimeClient,
  ConverseCommand,
  ConverseStreamCommand,
  InvokeModelCommand,
  InvokeModelWithResponseStreamCommand,
} from '@aws-sdk/client-bedrock-runtime';
import type { ProviderCredential } from '@weir/contracts';
import type { OutboundRequest } from '@weir/egress';
import { CredentialError } from './provider-credentials.js';
import { ATTEMPT_HEADER, SIMULATED_KEY, USER_AGENT, type UpstreamInput } from './upstream-adapter.js';

/** The SDK's request, as far as it is used here. */
interface SdkRequest {
  path: string;
  headers: Record<string, string>;
  body?: unknown;
}

type SdkStep = (
  next: (args: { request: SdkRequest }) => Promise<unknown>,
) => (args: { request: SdkRequest }) => Promise<unknown>;

type BedrockCommand =
  ConverseCommand | ConverseStreamCommand | InvokeModelCommand | InvokeModelWithResponseStreamCommand;

function commandFor({ dialect, deployment, envelope }: UpstreamInput): BedrockCommand {
  const modelId = deployment.upstreamModel;
  if (dialect === 'bedrock-invoke') {
    // The body is put in place as bytes below: the SDK would leave it alone here, and rebuild it from its own types for Converse.
    const input = { modelId, body: new Uint8Array(0) };
    return envelope.stream ? new InvokeModelWithResponseStreamCommand(input) : new InvokeModelCommand(input);
  }
  return envelope.stream ? new ConverseStreamCommand({ modelId }) : new ConverseCommand({ modelId });
}

function identityOf(credential: ProviderCredential | undefined, input: UpstreamInput): object {
  switch (credential?.type) {
    case undefined:
      if (input.provider.simulated)
        return { token: { token: SIMULATED_KEY }, authSchemePreference: ['httpBearerAuth'] };
      throw new CredentialError(`provider ${input.provider.id} has no credential for Bedrock`);
    case 'api-key':
      return { token: { token: credential.key }, authSchemePreference: ['httpBearerAuth'] };
    case 'bearer':
      return { token: { token: credential.token }, authSchemePreference: ['httpBearerAuth'] };
    case 'aws':
      return {
        credentials: {
          accessKeyId: credential.accessKeyId,
          secretAccessKey: credential.secretAccessKey,
          ...(credential.sessionToken === null ? {} : { sessionToken: credential.sessionToken }),
        },
        authSchemePreference: ['sigv4'],
      };
  }
}

/** Never asked to send: the SDK builds, names the endpoint's path and signs; sending is egress's, under its address rules. */
const SENDS_NOTHING = {
  handle: () => Promise.reject(new Error('requests to Bedrock are sent by egress')),
  metadata: { handlerProtocol: 'http/1.1' },
};

interface Client {
  readonly client: BedrockRuntimeClient;
  readonly identity: string;
}

/** Amazon Bedrock's runtime: requests built and signed by Amazon's SDK, sent by egress. */
export class BedrockAdapter {
  private readonly clients = new Map<string, Client>();

  /** The signed request. Signatures last minutes; it is to be sent at once. */
  async request(input: UpstreamInput): Promise<OutboundRequest> {
    const signed = await this.sign(this.clientFor(input), commandFor(input), input);
    const { ':authority': _, host: __, ...headers } = signed.headers;
    return { method: 'POST', path: signed.path, headers, body: input.body };
  }

  private clientFor(input: UpstreamInput): BedrockRuntimeClient {
    const { provider, credential } = input;
    const identity = JSON.stringify([provider.version, credential ?? null]);
    const cached = this.clients.get(provider.id);
    if (cached?.identity === identity) return cached.client;
    const client = new BedrockRuntimeClient({
      region: provider.awsRegion ?? 'us-east-1',
      endpoint: `${input.origin}${input.basePath}`,
      maxAttempts: 1,
      requestHandler: SENDS_NOTHING as never,
      customUserAgent: USER_AGENT,
      ...identityOf(credential, input),
    });
    this.clients.set(provider.id, { client, identity });
    return client;
  }

  private async sign(client: BedrockRuntimeClient, command: BedrockCommand, input: UpstreamInput): Promise<SdkRequest> {
    const place: SdkStep = (next) => (args) => {
      args.request.body = input.body;
      args.request.headers['content-length'] = String(input.body.byteLength);
      args.request.headers['content-type'] = 'application/json';
      args.request.headers['accept'] = input.envelope.stream
        ? 'application/vnd.amazon.eventstream'
        : 'application/json';
      args.request.headers[ATTEMPT_HEADER] = input.attemptId;
      return next(args);
    };
    // The way in which Amazon's own presigner ends a request before it is sent.
    const capture: SdkStep = () => (args) =>
      Promise.resolve({ response: {}, output: { $metadata: {}, signed: args.request } });
    const stack = command.middlewareStack as unknown as SdkStack;
    stack.add(place, { step: 'build', priority: 'low', name: 'weirBody' });
    stack.addRelativeTo(capture, { relation: 'after', toMiddleware: 'httpSigningMiddleware', name: 'weirCapture' });
    const { signed } = (await client.send(command as ConverseCommand)) as unknown as { signed: SdkRequest };
    return signed;
  }
}

/** The middleware stack without the SDK's generics, which differ by command. */
interface SdkStack {
  add(step: SdkStep, options: { step: string; priority: string; name: string }): void;
  addRelativeTo(step: SdkStep, options: { relation: string; toMiddleware: string; name: string }): void;
}
