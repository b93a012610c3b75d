import { after, before, describe, it } from 'node:test';
import { expect } from 'expect';
import OpenAI from 'openai';
import type { ChatCompletionMessageParam, ChatCompletionTool } from 'openai/resources/chat/completions';
import type { InvoiceLine } from '../../domain/invoice.js';
import { startSimulator, type RunningSimulator } from '../../simulator.js';

const weather: ChatCompletionTool = {
  type: 'function',
  function: {
    name: 'get_weather',
    parameters: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] },
  },
};
const clock: ChatCompletionTool = { type: 'function', function: { name: 'get_time', parameters: { type: 'object' } } };

describe('the official OpenAI SDK pointed at the simulator', () => {
  let simulator: RunningSimulator;
  let client: OpenAI;

  before(async () => {
    simulator = await startSimulator({ host: '127.0.0.1', port: 0 });
    client = new OpenAI({ apiKey: 'k', baseURL: `${simulator.url}/v1`, maxRetries: 0 });
  });
  after(() => simulator.close(1000));

  async function lineOf(attemptId: string): Promise<InvoiceLine | undefined> {
    const text = await (await fetch(`${simulator.url}/invoice`)).text();
    const lines = text.split('\n').filter((line) => line !== '');
    return lines.map((line) => JSON.parse(line) as InvoiceLine).find((line) => line.attemptId === attemptId);
  }

  it('answers the same request with the same text and bills what it reports', async () => {
    const ask = (attemptId: string) =>
      client.chat.completions.create(
        { model: 'sim-openai', messages: [{ role: 'user', content: 'hello' }] },
        { headers: { 'x-client-request-id': attemptId } },
      );
    const first = await ask('openai-1');
    const second = await ask('openai-2');
    expect(first.choices[0]?.message.content).toContain('hello');
    expect(second.choices[0]?.message.content).toBe(first.choices[0]?.message.content);
    expect(await lineOf('openai-1')).toMatchObject({
      model: 'sim-openai',
      inputUncached: first.usage?.prompt_tokens,
      output: first.usage?.completion_tokens,
      completed: true,
    });
  });

  it('streams what it would have answered at once, with usage when asked', async () => {
    const stream = client.chat.completions.stream({
      model: 'sim-openai',
      stream_options: { include_usage: true },
      messages: [{ role: 'user', content: 'count [[sim chunks=200 reasoning=50]]' }],
    });
    const answer = await stream.finalChatCompletion();
    const pieces = answer.choices[0]?.message.content?.trim().split(' ');
    expect(pieces).toEqual(Array.from({ length: 200 }, (_, index) => index.toString(36).padStart(3, '0')));
    expect(answer.usage).toMatchObject({
      completion_tokens: 250,
      completion_tokens_details: { reasoning_tokens: 50 },
    });
  });

  it('reasons aloud as DeepSeek', async () => {
    const answer = await client.chat.completions.create({
      model: 'sim-deepseek',
      messages: [{ role: 'user', content: 'think [[sim reasoning=5]]' }],
    });
    expect(answer.choices[0]?.message).toMatchObject({ reasoning_content: 'All work and no play' });
    expect(answer.usage).toMatchObject({ completion_tokens_details: { reasoning_tokens: 5 } });
  });

  it('calls two tools at once and quotes their results in the second round', async () => {
    const messages: ChatCompletionMessageParam[] = [
      {
        role: 'user',
        content: 'Use get_weather and get_time [[sim tool=get_weather args={"city": "São Paulo"} tool=get_time]]',
      },
    ];
    const stream = client.chat.completions.stream({ model: 'sim-qwen', messages, tools: [weather, clock] });
    const first = (await stream.finalChatCompletion()).choices[0];
    expect(first?.finish_reason).toBe('tool_calls');
    const calls = first?.message.tool_calls ?? [];
    expect(calls.map((call) => call.function)).toMatchObject([
      { name: 'get_weather', arguments: '{"city":"São Paulo"}' },
      { name: 'get_time', arguments: '{}' },
    ]);
    messages.push({ role: 'assistant', tool_calls: calls });
    for (const call of calls)
      messages.push({ role: 'tool', tool_call_id: call.id, content: `result of ${call.function.name}` });
    const second = await client.chat.completions.create({ model: 'sim-qwen', messages, tools: [weather, clock] });
    expect(second.choices[0]?.message.content).toBe(
      'The tool get_weather returned: result of get_weather\nThe tool get_time returned: result of get_time',
    );
  });

  it('calls one tool when parallel calls are off, and none when told so', async () => {
    const messages: ChatCompletionMessageParam[] = [{ role: 'user', content: 'use get_weather and get_time' }];
    const tools = [weather, clock];
    const one = await client.chat.completions.create({
      model: 'sim-openai',
      messages,
      tools,
      parallel_tool_calls: false,
    });
    expect(one.choices[0]?.message.tool_calls).toHaveLength(1);
    const none = await client.chat.completions.create({ model: 'sim-openai', messages, tools, tool_choice: 'none' });
    expect(none.choices[0]?.message.tool_calls).toBeUndefined();
  });

  it('answers with an instance of the JSON schema', async () => {
    const schema = {
      type: 'object',
      properties: { name: { type: 'string' }, age: { type: 'integer', minimum: 3, maximum: 4 }, kind: { enum: ['a'] } },
      required: ['name', 'age', 'kind'],
      additionalProperties: false,
    };
    const answer = await client.chat.completions.create({
      model: 'sim-openai',
      messages: [{ role: 'user', content: 'a person' }],
      response_format: { type: 'json_schema', json_schema: { name: 'person', strict: true, schema } },
    });
    const person = JSON.parse(answer.choices[0]?.message.content ?? '') as { age: number };
    expect(person).toMatchObject({ name: expect.any(String), kind: 'a' });
    expect([3, 4]).toContain(person.age);
  });

  it('acknowledges an image and reads a long repeated prefix from its cache', async () => {
    const ask = (question: string) =>
      client.chat.completions.create({
        model: 'sim-openai',
        messages: [
          { role: 'system', content: 'A long system prompt. '.repeat(300) },
          {
            role: 'user',
            content: [
              { type: 'text', text: question },
              { type: 'image_url', image_url: { url: 'data:image/png;base64,aGVsbG8=' } },
            ],
          },
        ],
      });
    const first = await ask('one');
    const second = await ask('two');
    expect(first.choices[0]?.message.content).toContain('I see an image (image/png, 5 bytes).');
    expect(first.usage?.prompt_tokens_details?.cached_tokens).toBe(0);
    expect(second.usage?.prompt_tokens_details?.cached_tokens).toBeGreaterThanOrEqual(1024);
  });

  it('lists its models and refuses those of other formats', async () => {
    const models = await client.models.list();
    expect(models.data.map((model) => model.id)).toEqual(['sim-openai', 'sim-deepseek', 'sim-qwen']);
    const refused = client.chat.completions.create({
      model: 'sim-anthropic',
      messages: [{ role: 'user', content: 'x' }],
    });
    await expect(refused).rejects.toMatchObject({ status: 404, code: 'model_not_found' });
  });
});
