import { describe, it } from 'node:test';
import { expect } from 'expect';
import OpenAI, { APIError } from 'openai';
import { modelAt } from './fault-targets.js';
import { askStreamed, messageOf, openaiClient, type UseStack } from './openai-client.js';
import type { SimulatedModel } from './simulated-models.js';

/** Each case fails at a target of its own: what it does to that target's health is no other call's business. */
export const OPENAI_FAULT_TARGETS = [
  'refuses-400',
  'refuses-401',
  'refuses-404',
  'refuses-429',
  'fails-500',
  'fails-529',
  'fails-once',
  'breaks-by-error',
  'breaks-by-reset',
  'is-left',
] as const;
type Target = (typeof OPENAI_FAULT_TARGETS)[number];

interface Refusal {
  readonly target: Target;
  readonly directive: string;
  readonly errorClass: abstract new (...parameters: never[]) => APIError;
  /** Where the provider speaks Chat, its own status comes through; else the one of Weir's registry. */
  readonly status: { readonly chat: number; readonly others: number };
  readonly fields: object;
}

const REFUSALS: readonly Refusal[] = [
  {
    target: 'refuses-400',
    directive: 'fail=400',
    errorClass: OpenAI.BadRequestError,
    status: { chat: 400, others: 400 },
    fields: { type: 'invalid_request_error' },
  },
  {
    // Our credentials at the provider are not the caller's: a 401 would make the caller look at a key that is right.
    target: 'refuses-401',
    directive: 'fail=401',
    errorClass: OpenAI.InternalServerError,
    status: { chat: 502, others: 502 },
    fields: { code: 'upstream_auth' },
  },
  {
    target: 'refuses-404',
    directive: 'fail=404',
    errorClass: OpenAI.NotFoundError,
    status: { chat: 404, others: 404 },
    fields: { type: 'invalid_request_error' },
  },
  {
    target: 'refuses-429',
    directive: 'fail=429 retryAfter=2',
    errorClass: OpenAI.RateLimitError,
    status: { chat: 429, others: 429 },
    fields: { code: 'rate_limit_exceeded' },
  },
  {
    target: 'fails-500',
    directive: 'fail=500',
    errorClass: OpenAI.InternalServerError,
    status: { chat: 500, others: 502 },
    fields: { type: 'server_error' },
  },
  {
    target: 'fails-529',
    directive: 'fail=529',
    errorClass: OpenAI.InternalServerError,
    status: { chat: 529, others: 529 },
    fields: { type: 'server_error' },
  },
];

/** What goes wrong upstream, as the SDK tells its user. */
export function describeOpenAiFailures(model: SimulatedModel, stack: UseStack): void {
  for (const { target, directive, errorClass, status, fields } of REFUSALS) {
    it(`reports a provider's ${directive} as ${errorClass.name}`, async () => {
      const error = await failureOf(
        openaiClient(stack()).chat.completions.create({
          model: modelAt(model.name, target),
          messages: [{ role: 'user', content: `hello [[sim ${directive}]]` }],
        }),
      );
      expect(error).toBeInstanceOf(errorClass);
      expect(error).toMatchObject({ status: model.upstream === 'chat' ? status.chat : status.others, ...fields });
      expect(error.requestID).toMatch(/^[0-9a-f-]{36}$/);
      if (directive.includes('retryAfter')) expect(error.headers?.get('retry-after')).toBe('2');
      stack().settlement.expect(error.requestID, {
        call: { status: error.status, error_code: expect.stringMatching(/^upstream_/), cost: '0', attempts: 1 },
      });
    });
  }

  for (const [target, directive] of [
    ['breaks-by-error', 'fail=error@3'],
    ['breaks-by-reset', 'fail=reset@3'],
  ] as const) {
    it(`throws a typed error out of a stream that ends with ${directive}`, async () => {
      const { data: stream, request_id } = await openaiClient(stack())
        .chat.completions.create({
          model: modelAt(model.name, target),
          messages: [{ role: 'user', content: `hello [[sim ${directive} delayMs=5]]` }],
          stream: true,
        })
        .withResponse();
      let pieces = 0;
      const error = await failureOf(
        (async () => {
          for await (const chunk of stream) if (chunk.choices[0]?.delta) pieces += 1;
        })(),
      );
      expect(pieces).toBeGreaterThanOrEqual(3);
      expect(error).toBeInstanceOf(APIError);
      expect(error).not.toBeInstanceOf(OpenAI.APIConnectionError);
      expect(error.type).toBe('server_error');
      stack().settlement.expect(request_id, {
        call: { status: 200, error_code: expect.stringMatching(/^upstream_/), attempts: 1 },
      });
    });
  }

  it('leaves in the middle of a stream, and the provider is left too', async () => {
    const { data: stream, request_id } = await openaiClient(stack())
      .chat.completions.create({
        model: modelAt(model.name, 'is-left'),
        messages: [{ role: 'user', content: 'count [[sim chunks=2000 delayMs=10]]' }],
        stream: true,
      })
      .withResponse();
    let pieces = 0;
    for await (const chunk of stream) {
      if (chunk.choices[0]?.delta.content) pieces += 1;
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
    const client = openaiClient(stack(), { maxRetries: 2 });
    const answer = await client.chat.completions.create({
      model: modelAt(model.name, 'fails-once'),
      messages: [{ role: 'user', content: `hello ${model.name} [[sim fail=500 failTimes=1]]` }],
    });
    expect(messageOf(answer).content).toContain('hello');
  });
}

/** What Weir itself refuses. */
export function describeOpenAiRefusals(stack: UseStack): void {
  const messages = [{ role: 'user' as const, content: 'hello' }];

  describe('what Weir refuses', () => {
    it('an unknown key is an AuthenticationError', async () => {
      const wrong = openaiClient(stack(), { apiKey: 'sk-weir-000000000000-doesnotexist' });
      const error = await failureOf(wrong.chat.completions.create({ model: 'sim-openai', messages }));
      expect(error).toBeInstanceOf(OpenAI.AuthenticationError);
      expect(error).toMatchObject({ status: 401, code: 'invalid_api_key', type: 'invalid_request_error' });
      expect(error.headers?.get('x-should-retry')).toBe('false');
      const listed = await failureOf(wrong.models.list());
      expect(listed).toBeInstanceOf(OpenAI.AuthenticationError);
    });

    it('an unknown model is a NotFoundError that names the parameter', async () => {
      const error = await failureOf(openaiClient(stack()).chat.completions.create({ model: 'no-such', messages }));
      expect(error).toBeInstanceOf(OpenAI.NotFoundError);
      expect(error).toMatchObject({ status: 404, code: 'model_not_found', param: 'model' });
    });

    it('a request without messages is a BadRequestError', async () => {
      const request = openaiClient(stack()).chat.completions.create({ model: 'sim-openai', messages: [] });
      const error = await failureOf(request);
      expect(error).toBeInstanceOf(OpenAI.BadRequestError);
      expect(error).toMatchObject({ status: 400, param: 'messages', type: 'invalid_request_error' });
    });

    it('two answers from a model that gives one are a BadRequestError', async () => {
      const error = await failureOf(
        openaiClient(stack()).chat.completions.create({ model: 'sim-anthropic', messages, n: 2 }),
      );
      expect(error).toBeInstanceOf(OpenAI.BadRequestError);
      expect(error).toMatchObject({ status: 400, param: 'n' });
    });

    it('a route that does not exist is a NotFoundError', async () => {
      const error = await failureOf(openaiClient(stack()).responses.create({ model: 'sim-openai', input: 'hello' }));
      expect(error).toBeInstanceOf(OpenAI.NotFoundError);
    });
  });
}

/** Base URLs, headers and model names as clients have them. */
export function describeOpenAiHabits(stack: UseStack): void {
  const messages = [{ role: 'user' as const, content: 'hello' }];

  describe('habits of clients', () => {
    for (const base of ['/v1', '/v1/', '', '/', '/openai', '/openai/v1', '/openai/v1/']) {
      it(`works with the base URL '${base}'`, async () => {
        const { connection } = stack();
        const client = openaiClient(stack(), { baseURL: `${connection.gateway.url}${base}` });
        const answer = await client.chat.completions.create({ model: 'sim-openai', messages });
        expect(messageOf(answer).content).toContain('hello');
        const models = await client.models.list();
        expect(models.data.map((model) => model.id)).toContain('sim-openai');
      });
    }

    for (const header of ['api-key', 'x-api-key']) {
      it(`takes the key in ${header}`, async () => {
        const { key } = stack().connection.gateway;
        const client = openaiClient(stack(), { defaultHeaders: { Authorization: null, [header]: key } });
        expect(messageOf(await client.chat.completions.create({ model: 'sim-qwen', messages })).content).toContain(
          'hello',
        );
      });
    }

    it('lists the models and finds each by its name', async () => {
      const client = openaiClient(stack());
      const ids: string[] = [];
      for await (const model of client.models.list()) {
        expect(model).toMatchObject({ object: 'model', owned_by: expect.any(String) });
        ids.push(model.id);
      }
      expect(ids).toEqual(expect.arrayContaining(['sim-openai', 'sim-deepseek', 'sim-bedrock-nova']));
      for (const id of ids.slice(0, 5)) expect(await client.models.retrieve(id)).toMatchObject({ id, object: 'model' });
      await expect(client.models.retrieve('no/such:model')).rejects.toBeInstanceOf(OpenAI.NotFoundError);
    });

    for (const [alias, model] of [
      ['gpt-4o', 'sim-openai'],
      ['claude-sonnet-4-5', 'sim-anthropic'],
      ['deepseek-chat', 'sim-deepseek'],
      ['qwen-max', 'sim-qwen'],
    ] as const) {
      it(`answers to the name ${alias} by ${model}`, async () => {
        const { answer, callId } = await askStreamed(stack(), { model: alias, messages });
        expect(messageOf(answer).content).toContain(`from ${model}.`);
        stack().settlement.expect(callId, {
          call: { model_requested: alias, provider: 'simulator', simulated: true, status: 200 },
        });
      });
    }
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
