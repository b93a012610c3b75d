import { after, before, describe, it } from 'node:test';
import {
  BedrockRuntimeClient,
  ConverseCommand,
  ConverseStreamCommand,
  InvokeModelCommand,
  InvokeModelWithResponseStreamCommand,
  type ConverseStreamOutput,
  type Message,
  type TokenUsage,
  type ToolConfiguration,
} from '@aws-sdk/client-bedrock-runtime';
import { expect } from 'expect';
import type { InvoiceLine } from '../../domain/invoice.js';
import { startSimulator, type RunningSimulator } from '../../simulator.js';

const toolConfig: ToolConfiguration = {
  tools: [
    {
      toolSpec: {
        name: 'get_weather',
        inputSchema: { json: { type: 'object', properties: { city: { type: 'string' } } } },
      },
    },
  ],
};

describe('the default AWS SDK client (HTTP/2) pointed at the simulator', () => {
  let simulator: RunningSimulator;
  let client: BedrockRuntimeClient;

  before(async () => {
    simulator = await startSimulator({ host: '127.0.0.1', port: 0 });
    client = new BedrockRuntimeClient({
      region: 'us-east-1',
      endpoint: simulator.url,
      credentials: { accessKeyId: 'AKIASIMULATOR', secretAccessKey: 's' },
      maxAttempts: 1,
    });
  });
  after(async () => {
    client.destroy();
    await simulator.close(1000);
  });

  async function converseStream(modelId: string, text: string): Promise<ConverseStreamOutput[]> {
    const output = await client.send(
      new ConverseStreamCommand({ modelId, messages: [{ role: 'user', content: [{ text }] }], toolConfig }),
    );
    const events: ConverseStreamOutput[] = [];
    for await (const event of output.stream ?? []) events.push(event);
    return events;
  }

  async function converse(modelId: string, prompt: string): Promise<{ text: string; usage: TokenUsage | undefined }> {
    const messages: Message[] = [{ role: 'user', content: [{ text: prompt }] }];
    const { output, usage } = await client.send(new ConverseCommand({ modelId, messages, toolConfig }));
    return { text: output?.message?.content?.at(-1)?.text ?? '', usage };
  }

  function textOf(events: readonly ConverseStreamOutput[]): string {
    return events.map((event) => event.contentBlockDelta?.delta?.text ?? '').join('');
  }

  async function invoice(): Promise<InvoiceLine[]> {
    const text = await (await fetch(`${simulator.url}/invoice`)).text();
    return text.split('\n').flatMap((line) => (line === '' ? [] : [JSON.parse(line) as InvoiceLine]));
  }

  for (const modelId of ['sim-bedrock-claude', 'us.sim-bedrock-nova', 'sim-deepseek', 'sim-qwen']) {
    it(`answers Converse and ConverseStream alike as ${modelId}`, async () => {
      const { text, usage } = await converse(modelId, 'hello');
      const events = await converseStream(modelId, 'hello');
      const streamed = textOf(events);
      expect(text).toContain('hello');
      expect(streamed).toBe(text);
      expect(events.at(-1)?.metadata?.usage).toEqual(usage);
      expect(events.at(-2)?.messageStop?.stopReason).toBe('end_turn');
      expect((await invoice()).at(-1)).toMatchObject({
        inputUncached: usage?.inputTokens,
        output: usage?.outputTokens,
      });
    });
  }

  it('runs two rounds of a tool and takes signed reasoning back', async () => {
    const converse = (messages: Message[]) => {
      const additionalModelRequestFields = { thinking: { type: 'adaptive' } };
      return client.send(
        new ConverseCommand({ modelId: 'sim-bedrock-claude', messages, toolConfig, additionalModelRequestFields }),
      );
    };
    const question: Message = {
      role: 'user',
      content: [{ text: '[[sim tool=get_weather args={"city": "Lyon"}]]' }],
    };
    const { output, stopReason } = await converse([question]);
    expect(stopReason).toBe('tool_use');
    expect(output?.message?.content).toMatchObject([
      { reasoningContent: { reasoningText: { signature: expect.any(String) } } },
      { toolUse: { name: 'get_weather', input: { city: 'Lyon' } } },
    ]);
    const toolUseId = output?.message?.content?.[1]?.toolUse?.toolUseId;
    const result: Message = {
      role: 'user',
      content: [{ toolResult: { toolUseId, content: [{ json: { celsius: 21 } }] } }],
    };
    const second = await converse([question, output?.message ?? question, result]);
    expect(second.output?.message?.content).toContainEqual({ text: 'The tool get_weather returned: {"celsius":21}' });
  });

  it('charges cache points and honours JSON schema and images', async () => {
    const ask = () =>
      client.send(
        new ConverseCommand({
          modelId: 'sim-bedrock-claude',
          system: [{ text: 'A system prompt. '.repeat(40) }, { cachePoint: { type: 'default', ttl: '1h' } }],
          messages: [
            {
              role: 'user',
              content: [{ text: 'look' }, { image: { format: 'png', source: { bytes: Buffer.from('hello') } } }],
            },
          ],
        }),
      );
    const first = await ask();
    const second = await ask();
    expect(first.output?.message?.content?.[0]?.text).toContain('I see an image (png, 5 bytes).');
    expect(first.usage?.cacheDetails).toEqual([{ ttl: '1h', inputTokens: first.usage?.cacheWriteInputTokens }]);
    expect(second.usage).toMatchObject({
      cacheReadInputTokens: first.usage?.cacheWriteInputTokens,
      cacheWriteInputTokens: 0,
    });
    const schema = JSON.stringify({ type: 'object', properties: { city: { const: 'Lyon' } }, required: ['city'] });
    const json = await client.send(
      new ConverseCommand({
        modelId: 'sim-bedrock-nova',
        messages: [{ role: 'user', content: [{ text: 'where?' }] }],
        outputConfig: { textFormat: { type: 'json_schema', structure: { jsonSchema: { schema } } } },
      }),
    );
    expect(json.output?.message?.content?.[0]?.text).toBe('{"city":"Lyon"}');
  });

  it('invokes Claude with an Anthropic body, at once and by stream', async () => {
    const body = JSON.stringify({
      anthropic_version: 'bedrock-2023-05-31',
      max_tokens: 200,
      messages: [{ role: 'user', content: 'hello [[sim reasoning=4]]' }],
    });
    const call = { modelId: 'sim-bedrock-claude', contentType: 'application/json', body };
    const whole = await client.send(new InvokeModelCommand(call));
    const message = JSON.parse(whole.body.transformToString()) as {
      content: unknown[];
      usage: Record<string, unknown>;
    };
    expect(message).toMatchObject({ type: 'message', content: [{ type: 'thinking' }, { type: 'text' }] });
    const streamed = await client.send(new InvokeModelWithResponseStreamCommand(call));
    const events: Record<string, unknown>[] = [];
    for await (const event of streamed.body ?? []) {
      events.push(JSON.parse(Buffer.from(event.chunk?.bytes ?? []).toString()) as Record<string, unknown>);
    }
    expect(events[0]).toMatchObject({ type: 'message_start' });
    expect(events.at(-2)).toMatchObject({
      type: 'message_delta',
      usage: { output_tokens: message.usage['output_tokens'] },
    });
    expect(events.at(-1)).toMatchObject({
      'amazon-bedrock-invocationMetrics': { outputTokenCount: message.usage['output_tokens'] },
    });
  });

  it('invokes Nova with its own body', async () => {
    const body = JSON.stringify({
      schemaVersion: 'messages-v1',
      messages: [{ role: 'user', content: [{ text: 'hello' }] }],
    });
    const whole = await client.send(new InvokeModelCommand({ modelId: 'sim-bedrock-nova', body }));
    expect(JSON.parse(whole.body.transformToString())).toMatchObject({ output: { message: { role: 'assistant' } } });
  });

  it('closes the attempt at once when the client leaves, and pauses for one that does not read', async () => {
    const leave = new AbortController();
    const messages: Message[] = [{ role: 'user', content: [{ text: '[[sim bytes=67108864]]' }] }];
    const command = new ConverseStreamCommand({ modelId: 'sim-bedrock-nova', messages });
    const { stream } = await client.send(command, { abortSignal: leave.signal });
    const first = await stream?.[Symbol.asyncIterator]().next();
    expect(first?.value).toMatchObject({ messageStart: { role: 'assistant' } });
    const lines = (await invoice()).length;
    const leftAt = Date.now();
    leave.abort();
    let now = await invoice();
    for (let tries = 0; now.length === lines && tries < 1000; tries += 1) now = await invoice();
    expect(now.at(-1)).toMatchObject({ model: 'sim-bedrock-nova', completed: false });
    expect(now.at(-1)?.bytes).toBeLessThan(32 * 1024 * 1024);
    expect(Date.parse(now.at(-1)?.endedAt ?? '') - leftAt).toBeLessThanOrEqual(100);
  });

  it('throws the SDK’s own exceptions before and inside a stream', async () => {
    await expect(converseStream('sim-bedrock-claude', '[[sim fail=429]]')).rejects.toMatchObject({
      name: 'ThrottlingException',
    });
    await expect(converseStream('sim-bedrock-claude', '[[sim fail=500]]')).rejects.toMatchObject({
      name: 'InternalServerException',
    });
    await expect(converseStream('sim-bedrock-claude', '[[sim fail=403]]')).rejects.toMatchObject({
      name: 'AccessDeniedException',
    });
    await expect(converseStream('sim-unknown', 'x')).rejects.toMatchObject({ name: 'ResourceNotFoundException' });
    await expect(converseStream('sim-bedrock-claude', '[[sim fail=error@3]]')).rejects.toMatchObject({
      name: 'ModelStreamErrorException',
    });
    await expect(converseStream('sim-bedrock-claude', '[[sim fail=malformed@3]]')).rejects.toThrow();
    await expect(converseStream('sim-bedrock-claude', '[[sim fail=reset@3]]')).rejects.toThrow();
    await expect(converseStream('sim-bedrock-claude', '[[sim fail=200-then-reset]]')).rejects.toThrow();
    await expect(converseStream('sim-bedrock-claude', '[[sim fail=reset]]')).rejects.toThrow();
  });
});
