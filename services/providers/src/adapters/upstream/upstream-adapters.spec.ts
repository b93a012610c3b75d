import { describe, expect, it } from '@jest/globals';
import type { CallEnvelopeV1, Deployment, ProviderCredential, ProviderRecord } from '@weir/contracts';
import { seal } from '@weir/credentials';
import { anthropicRequest } from './anthropic.adapter.js';
import { BedrockAdapter } from './bedrock.adapter.js';
import { openAiCompatibleRequest } from './openai-compatible.adapter.js';
import { CredentialError, ProviderCredentials } from './provider-credentials.js';
import type { UpstreamInput } from './upstream-adapter.js';

const ATTEMPT = '0197a000-0000-7000-8000-000000000001';
const aws: ProviderCredential = {
  type: 'aws',
  accessKeyId: 'AKIDEXAMPLE',
  secretAccessKey: 'secret',
  sessionToken: 'session',
};

function input(over: {
  dialect: UpstreamInput['dialect'];
  credential?: ProviderCredential | undefined;
  stream?: boolean;
  model?: string;
  simulated?: boolean;
}): UpstreamInput {
  return {
    attemptId: ATTEMPT,
    envelope: {
      dialect: over.dialect === 'openai-chat' ? 'openai-chat' : 'anthropic',
      stream: over.stream ?? false,
      apiVersion: '2026-10-21',
      headers: {
        'anthropic-beta': 'a-beta',
        'openai-beta': 'b-beta',
        authorization: 'Bearer sk-weir-client',
        'x-api-key': 'sk-weir-client',
      },
    } as unknown as CallEnvelopeV1,
    deployment: { upstreamModel: over.model ?? 'm' } as Deployment,
    provider: { id: 'p', version: 1, simulated: over.simulated ?? false, awsRegion: 'eu-central-1' } as ProviderRecord,
    credential: over.credential,
    origin: 'https://api.example.com',
    basePath: '/base',
    dialect: over.dialect,
    body: Buffer.from('{"a":1}'),
  };
}

describe('openAiCompatibleRequest', () => {
  it('goes to the base URL it was given, with our key and never the client’s', () => {
    const request = openAiCompatibleRequest(
      input({ dialect: 'openai-chat', credential: { type: 'api-key', key: 'ours' } }),
    );
    expect(request).toMatchObject({
      method: 'POST',
      path: '/base/chat/completions',
      headers: {
        authorization: 'Bearer ours',
        'openai-beta': 'b-beta',
        'x-client-request-id': ATTEMPT,
        accept: 'application/json',
      },
    });
    expect(JSON.stringify(request)).not.toContain('sk-weir-client');
  });

  it('refuses a credential of another kind', () => {
    expect(() => openAiCompatibleRequest(input({ dialect: 'openai-chat', credential: aws }))).toThrow(CredentialError);
  });
});

describe('anthropicRequest', () => {
  it('sends our key, the client’s version and its open list of headers', () => {
    const request = anthropicRequest(
      input({ dialect: 'anthropic', stream: true, credential: { type: 'api-key', key: 'ours' } }),
    );
    expect(request.path).toBe('/base/v1/messages');
    expect(request.headers).toMatchObject({
      'x-api-key': 'ours',
      'anthropic-version': '2026-10-21',
      'anthropic-beta': 'a-beta',
      'x-client-request-id': ATTEMPT,
      accept: 'text/event-stream',
    });
    expect(JSON.stringify(request)).not.toContain('sk-weir-client');
  });
});

describe('BedrockAdapter', () => {
  const claude = 'us.anthropic.claude-sonnet-4-5-20250929-v1:0';

  it.each([
    ['bedrock-invoke', false, 'invoke'],
    ['bedrock-invoke', true, 'invoke-with-response-stream'],
    ['bedrock-converse', false, 'converse'],
    ['bedrock-converse', true, 'converse-stream'],
  ] as const)('signs %s (stream: %s) for /%s, body and attempt id included', async (dialect, stream, operation) => {
    const request = await new BedrockAdapter().request(input({ dialect, stream, credential: aws, model: claude }));
    expect(request.path).toBe(`/base/model/us.anthropic.claude-sonnet-4-5-20250929-v1%3A0/${operation}`);
    const authorization = request.headers['authorization'] ?? '';
    expect(authorization).toContain('/eu-central-1/bedrock/aws4_request');
    expect(authorization).toMatch(/SignedHeaders=[^,]*x-client-request-id/);
    expect(request.headers).toMatchObject({ 'x-client-request-id': ATTEMPT, 'x-amz-security-token': 'session' });
    expect(request.headers['x-amz-content-sha256']).toMatch(/^[0-9a-f]{64}$/);
    expect(Buffer.from(request.body ?? '').toString()).toBe('{"a":1}');
    expect(request.headers).not.toHaveProperty('host');
  });

  it('signs each body for itself', async () => {
    const adapter = new BedrockAdapter();
    const base = input({ dialect: 'bedrock-converse', credential: aws, model: claude });
    const [one, two] = await Promise.all([
      adapter.request(base),
      adapter.request({ ...base, body: Buffer.from('{"a":2}') }),
    ]);
    expect(one.headers['x-amz-content-sha256']).not.toBe(two.headers['x-amz-content-sha256']);
  });

  it('takes a bearer token, which is what a Bedrock API key is', async () => {
    const request = await new BedrockAdapter().request(
      input({ dialect: 'bedrock-converse', credential: { type: 'bearer', token: 'bedrock-api-key' }, model: claude }),
    );
    expect(request.headers['authorization'] ?? request.headers['Authorization']).toBe('Bearer bedrock-api-key');
  });

  it('uses a changed credential from the next request on', async () => {
    const adapter = new BedrockAdapter();
    const base = input({ dialect: 'bedrock-converse', credential: aws, model: claude });
    await adapter.request(base);
    const changed = await adapter.request({
      ...base,
      credential: { ...aws, accessKeyId: 'AKIDOTHER' },
    });
    expect(changed.headers['authorization']).toContain('Credential=AKIDOTHER/');
  });

  it('never goes to a real provider without a credential', async () => {
    await expect(new BedrockAdapter().request(input({ dialect: 'bedrock-converse' }))).rejects.toThrow(CredentialError);
    await expect(
      new BedrockAdapter().request(input({ dialect: 'bedrock-converse', simulated: true })),
    ).resolves.toBeDefined();
  });
});

describe('ProviderCredentials', () => {
  const master = 'a master key of some length';
  const record = (sealed: string, origin = 'https://api.example.com') =>
    ({ kind: 'credential', version: 1, providerId: 'p', origin, sealed }) as const;
  const sealed = seal('{"type":"api-key","key":"ours"}', master, 'p|https://api.example.com');

  it('opens a credential for its own origin', () => {
    const credentials = new ProviderCredentials(() => record(sealed), master);
    expect(credentials.get('p', 'https://api.example.com')).toEqual({ type: 'api-key', key: 'ours' });
    expect(new ProviderCredentials(() => undefined, master).get('p', 'https://api.example.com')).toBeUndefined();
  });

  it('never gives it out for another origin, whatever the catalog’s endpoint says', () => {
    const credentials = new ProviderCredentials(() => record(sealed), master);
    expect(() => credentials.get('p', 'https://evil.example.com')).toThrow(CredentialError);
    // Nor where the record was altered along with the endpoint: origin and provider are sealed with the secret.
    const moved = new ProviderCredentials(() => record(sealed, 'https://evil.example.com'), master);
    expect(() => moved.get('p', 'https://evil.example.com')).toThrow(CredentialError);
  });

  it('says why without saying what', () => {
    const wrong = new ProviderCredentials(() => record(sealed), 'another master key, wrong');
    expect(() => wrong.get('p', 'https://api.example.com')).toThrow(/p cannot be used/);
    const broken = seal('{"type":"api-key","secret":"ours-in-the-wrong-field"}', master, 'p|https://api.example.com');
    const unreadable = new ProviderCredentials(() => record(broken), master);
    expect(() => unreadable.get('p', 'https://api.example.com')).toThrow(
      expect.not.objectContaining({ message: expect.stringContaining('ours') }),
    );
  });
});
