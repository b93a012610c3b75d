import { describe, it } from 'node:test';
import Anthropic, { APIError } from '@anthropic-ai/sdk';
import { expect } from 'expect';
import {
  anthropicClient,
  API_VERSIONS,
  textOf,
  type ApiVersion,
  type Case,
  type UseStack,
} from './anthropic-client.js';
import { modelAt } from './fault-targets.js';

interface Refusal {
  readonly target: string;
  readonly directive: string;
  readonly errorClass: abstract new (...parameters: never[]) => APIError;
  /** Where the provider speaks Messages, its own status comes through; else the one of Weir's registry. */
  readonly status: { readonly messages: number; readonly others: number };
  readonly type: string;
}

const REFUSALS: readonly Refusal[] = [
  {
    target: 'refuses-400',
    directive: 'fail=400',
    errorClass: Anthropic.BadRequestError,
    status: { messages: 400, others: 400 },
    type: 'invalid_request_error',
  },
  {
    // Our credentials at the provider are not the caller's: a 401 would make the caller look at a key that is right.
    target: 'refuses-401',
    directive: 'fail=401',
    errorClass: Anthropic.InternalServerError,
    status: { messages: 502, others: 502 },
    type: 'api_error',
  },
  {
    target: 'refuses-404',
    directive: 'fail=404',
    errorClass: Anthropic.NotFoundError,
    status: { messages: 404, others: 404 },
    type: 'not_found_error',
  },
  {
    target: 'refuses-429',
    directive: 'fail=429 retryAfter=2',
    errorClass: Anthropic.RateLimitError,
    status: { messages: 429, others: 429 },
    type: 'rate_limit_error',
  },
  {
    target: 'fails-500',
    directive: 'fail=500',
    errorClass: Anthropic.InternalServerError,
    status: { messages: 500, others: 502 },
    type: 'api_error',
  },
  {
    target: 'fails-529',
    directive: 'fail=529',
    errorClass: Anthropic.OverloadedError,
    status: { messages: 529, others: 529 },
    type: 'overloaded_error',
  },
];

const OTHER_TARGETS = ['fails-once', 'breaks-by-error', 'breaks-by-reset', 'is-left'];

/** Each case fails at a target of its own: what it does to that target's health is no other call's business. */
export const ANTHROPIC_FAULT_TARGETS = API_VERSIONS.flatMap((version) =>
  [...REFUSALS.map(({ target }) => target), ...OTHER_TARGETS].map((target) => targetOf(target, version)),
);

function targetOf(target: string, version: ApiVersion): string {
  return `${target}-${version.slice(0, 4)}`;
}

/** What goes wrong upstream, as the SDK tells its user. */
export function describeAnthropicFailures({ model, version, stack }: Case): void {
  const at = (target: string) => modelAt(model.name, targetOf(target, version));
  const request = (target: string, content: string) => ({
    model: at(target),
    max_tokens: 10_000,
    messages: [{ role: 'user' as const, content }],
  });

  for (const { target, directive, errorClass, status, type } of REFUSALS) {
    it(`reports a provider's ${directive} as ${errorClass.name}`, async () => {
      const client = anthropicClient(stack(), version);
      const error = await failureOf(client.messages.create(request(target, `hello [[sim ${directive}]]`)));
      expect(error).toBeInstanceOf(errorClass);
      expect(error).toMatchObject({
        status: model.upstream === 'messages' ? status.messages : status.others,
        type,
      });
      expect(error.requestID).toMatch(/^[0-9a-f-]{36}$/);
      if (directive.includes('retryAfter')) expect(error.headers?.get('retry-after')).toBe('2');
      stack().settlement.expect(error.requestID, {
        call: { status: error.status, error_code: expect.stringMatching(/^upstream_/), cost: '0', attempts: 1 },
      });
    });
  }

  for (const [target, directive, type] of [
    ['breaks-by-error', 'fail=error@3', 'overloaded_error'],
    ['breaks-by-reset', 'fail=reset@3', 'api_error'],
  ] as const) {
    it(`throws a typed error out of a stream that ends with ${directive}`, async () => {
      const stream = anthropicClient(stack(), version).messages.stream(
        request(target, `hello [[sim ${directive} delayMs=5]]`),
      );
      let pieces = 0;
      stream.on('streamEvent', (event) => (pieces += event.type === 'content_block_delta' ? 1 : 0));
      const error = await failureOf(stream.finalMessage());
      expect(pieces).toBeGreaterThanOrEqual(3);
      expect(error).not.toBeInstanceOf(Anthropic.APIConnectionError);
      // Only a provider of the same dialect has its own words in a stream; the others' have become Weir's.
      expect(error.type).toBe(model.upstream === 'messages' ? type : 'api_error');
      stack().settlement.expect(stream.request_id, {
        call: { status: 200, error_code: expect.stringMatching(/^upstream_/), attempts: 1 },
      });
    });
  }

  it('leaves in the middle of a stream, and the provider is left too', async () => {
    const { data: stream, request_id } = await anthropicClient(stack(), version)
      .messages.create({ ...request('is-left', 'count [[sim chunks=2000 delayMs=10]]'), stream: true })
      .withResponse();
    let pieces = 0;
    for await (const event of stream) {
      if (event.type === 'content_block_delta') pieces += 1;
      if (pieces === 5) stream.controller.abort();
    }
    expect(pieces).toBeGreaterThanOrEqual(5);
    expect(pieces).toBeLessThan(200);
    stack().settlement.expect(request_id, {
      call: { status: 200, error_code: 'client_gone' },
      attempt: { outcome: 'cancelled', usage_source: 'bounded' },
      isLeft: true,
    });
  });

  it("is asked again by the SDK's own retry, which succeeds", async () => {
    const client = anthropicClient(stack(), version, { maxRetries: 2 });
    const content = `hello ${model.name} ${version} [[sim fail=500 failTimes=1]]`;
    expect(textOf(await client.messages.create(request('fails-once', content)))).toContain('hello');
  });
}

/** What Weir itself refuses. */
export function describeAnthropicRefusals(version: ApiVersion, stack: UseStack): void {
  const request = { model: 'sim-anthropic', max_tokens: 100, messages: [{ role: 'user' as const, content: 'hello' }] };

  describe(`what Weir refuses, version ${version}`, () => {
    it('an unknown key is an AuthenticationError', async () => {
      const key = 'sk-weir-000000000000-doesnotexist';
      const headers = { 'anthropic-version': version, 'x-api-key': key, authorization: null };
      const client = anthropicClient(stack(), version, { apiKey: key, defaultHeaders: headers });
      const error = await failureOf(client.messages.create(request));
      expect(error).toBeInstanceOf(Anthropic.AuthenticationError);
      expect(error).toMatchObject({ status: 401, type: 'authentication_error' });
      expect(error.headers?.get('x-should-retry')).toBe('false');
      expect(await failureOf(client.models.list())).toBeInstanceOf(Anthropic.AuthenticationError);
    });

    it('an unknown model is a NotFoundError', async () => {
      const client = anthropicClient(stack(), version);
      const error = await failureOf(client.messages.create({ ...request, model: 'no-such' }));
      expect(error).toBeInstanceOf(Anthropic.NotFoundError);
      expect(error).toMatchObject({ status: 404, type: 'not_found_error' });
    });

    it('a request without messages is a BadRequestError', async () => {
      const client = anthropicClient(stack(), version);
      const error = await failureOf(client.messages.create({ ...request, messages: [] }));
      expect(error).toBeInstanceOf(Anthropic.BadRequestError);
      expect(error).toMatchObject({ status: 400, type: 'invalid_request_error' });
    });

    it('a temperature is refused by the version that has none, in the words of the provider', async () => {
      const client = anthropicClient(stack(), version);
      // The SDK's own type no longer has the field.
      const create = client.messages.create({
        ...request,
        temperature: 0.5,
      } as Anthropic.MessageCreateParamsNonStreaming);
      if (version === '2023-06-01') {
        expect(textOf(await create)).toContain('hello');
        return;
      }
      const error = await failureOf(create);
      expect(error).toBeInstanceOf(Anthropic.BadRequestError);
      expect(error.apiMessage).toContain('temperature');
    });
  });
}

/** Base URLs, headers and model names as clients have them. */
export function describeAnthropicHabits(version: ApiVersion, stack: UseStack): void {
  const request = { max_tokens: 100, messages: [{ role: 'user' as const, content: 'hello' }] };

  describe(`habits of clients, version ${version}`, () => {
    for (const base of ['', '/', '/v1', '/anthropic', '/anthropic/', '/anthropic/v1']) {
      it(`works with the base URL '${base}'`, async () => {
        const client = anthropicClient(stack(), version, { baseURL: `${stack().connection.gateway.url}${base}` });
        expect(textOf(await client.messages.create({ ...request, model: 'sim-anthropic' }))).toContain('hello');
        const models = await client.models.list();
        expect(models.data.map((model) => model.id)).toContain('sim-anthropic');
      });
    }

    for (const header of ['api-key', 'x-api-key', 'authorization']) {
      it(`takes the key in ${header}`, async () => {
        const { key } = stack().connection.gateway;
        const value = header === 'authorization' ? `Bearer ${key}` : key;
        const defaultHeaders = { 'anthropic-version': version, authorization: null, [header]: value };
        const client = anthropicClient(stack(), version, { defaultHeaders });
        expect(textOf(await client.messages.create({ ...request, model: 'sim-qwen' }))).toContain('hello');
      });
    }

    it('lists the models and finds each by its name', async () => {
      const client = anthropicClient(stack(), version);
      const ids: string[] = [];
      for await (const model of client.models.list({ limit: 5 })) {
        expect(model).toMatchObject({ type: 'model', display_name: expect.any(String) });
        expect(Date.parse(model.created_at)).not.toBeNaN();
        ids.push(model.id);
      }
      expect(ids).toEqual(expect.arrayContaining(['sim-anthropic', 'sim-bedrock-claude', 'sim-openai']));
      expect(new Set(ids).size).toBe(ids.length);
      expect(await client.models.retrieve('sim-bedrock-claude')).toMatchObject({ id: 'sim-bedrock-claude' });
      await expect(client.models.retrieve('no-such')).rejects.toBeInstanceOf(Anthropic.NotFoundError);
    });

    it('answers to the names of models that tools have built in', async () => {
      const client = anthropicClient(stack(), version);
      const answer = await client.messages.create({ ...request, model: 'claude-opus-4-1-20250805' });
      expect(textOf(answer)).toContain('from sim-anthropic.');
    });
  });
}

async function failureOf(promise: PromiseLike<unknown>): Promise<APIError> {
  try {
    await promise;
  } catch (error) {
    if (error instanceof APIError) return error;
    throw error;
  }
  throw new Error('the call succeeded');
}
