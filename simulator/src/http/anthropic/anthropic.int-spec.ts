import { after, before, describe, it } from 'node:test';
import Anthropic from '@anthropic-ai/sdk';
import { expect } from 'expect';
import { startSimulator, type RunningSimulator } from '../../simulator.js';

const weather: Anthropic.Tool = {
  name: 'get_weather',
  input_schema: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] },
};

for (const version of ['2023-06-01', '2026-10-21']) {
  describe(`the official Anthropic SDK pointed at the simulator, API version ${version}`, () => {
    let simulator: RunningSimulator;
    let client: Anthropic;

    before(async () => {
      simulator = await startSimulator({ host: '127.0.0.1', port: 0 });
      client = new Anthropic({
        apiKey: 'k',
        baseURL: simulator.url,
        maxRetries: 0,
        defaultHeaders: { 'anthropic-version': version },
      });
    });
    after(() => simulator.close(1000));

    it('answers at once and by stream with the same message', async () => {
      const body: Anthropic.MessageCreateParamsNonStreaming = {
        model: 'sim-anthropic',
        max_tokens: 1000,
        messages: [{ role: 'user', content: 'hello' }],
      };
      const whole = await client.messages.create(body);
      const streamed = await client.messages.stream(body).finalMessage();
      expect(whole.content[0]).toMatchObject({ type: 'text', text: expect.stringContaining('hello') });
      expect(streamed.content).toEqual(whole.content);
      expect(streamed.usage).toEqual(whole.usage);
    });

    it('thinks, signs it, calls a tool, and takes its own thinking back but no forged one', async () => {
      const ask = (messages: Anthropic.MessageParam[]) =>
        client.messages
          .stream({
            model: 'sim-anthropic',
            max_tokens: 1000,
            thinking: { type: 'adaptive' },
            tools: [weather],
            messages,
          })
          .finalMessage();
      const question: Anthropic.MessageParam = {
        role: 'user',
        content: '[[sim tool=get_weather args={"city": "Lyon"} text="One moment."]]',
      };
      const first = await ask([question]);
      expect(first.stop_reason).toBe('tool_use');
      expect(first.content.map((block) => block.type)).toEqual(['thinking', 'text', 'tool_use']);
      expect(first.content[2]).toMatchObject({ name: 'get_weather', input: { city: 'Lyon' } });
      const call = first.content[2] as Anthropic.ToolUseBlock;
      const result: Anthropic.MessageParam = {
        role: 'user',
        content: [{ type: 'tool_result', tool_use_id: call.id, content: '21 °C' }],
      };
      const second = await ask([question, { role: 'assistant', content: first.content }, result]);
      expect(second.content.at(-1)).toMatchObject({ text: 'One moment.\nThe tool get_weather returned: 21 °C' });
      const forged = [{ type: 'thinking' as const, thinking: 'mine', signature: 'forged' }, ...first.content.slice(1)];
      await expect(ask([question, { role: 'assistant', content: forged }, result])).rejects.toMatchObject({
        status: 400,
      });
    });

    it('charges a cache mark once for writing, then for reading', async () => {
      const ask = (ttl: '5m' | '1h') =>
        client.messages.create({
          model: 'sim-anthropic',
          max_tokens: 100,
          system: [
            {
              type: 'text',
              text: `A system prompt for ${ttl}. `.repeat(20),
              cache_control: { type: 'ephemeral', ttl },
            },
          ],
          messages: [{ role: 'user', content: 'hello' }],
        });
      for (const ttl of ['5m', '1h'] as const) {
        const first = (await ask(ttl)).usage;
        const second = (await ask(ttl)).usage;
        const written = first.cache_creation_input_tokens ?? 0;
        expect(written).toBeGreaterThan(100);
        expect(first.cache_creation).toEqual({
          ephemeral_5m_input_tokens: ttl === '5m' ? written : 0,
          ephemeral_1h_input_tokens: ttl === '1h' ? written : 0,
        });
        expect(second).toMatchObject({ cache_read_input_tokens: written, cache_creation_input_tokens: 0 });
        expect(second.input_tokens).toBe(first.input_tokens);
      }
    });

    it('counts tokens as it bills them', async () => {
      const messages: Anthropic.MessageParam[] = [{ role: 'user', content: 'How many tokens are these?' }];
      const counted = await client.messages.countTokens({ model: 'sim-anthropic', messages });
      const answer = await client.messages.create({ model: 'sim-anthropic', max_tokens: 10, messages });
      expect(answer.usage.input_tokens).toBe(counted.input_tokens);
      expect(answer).toMatchObject({ stop_reason: 'max_tokens', usage: { output_tokens: 10 } });
    });

    it('honours a JSON schema, a stop sequence and an image', async () => {
      const schema = {
        type: 'object',
        properties: { city: { const: 'Lyon' } },
        required: ['city'],
        additionalProperties: false,
      };
      const json = await client.messages.create({
        model: 'sim-anthropic',
        max_tokens: 100,
        output_config: { format: { type: 'json_schema', schema } },
        messages: [{ role: 'user', content: 'where?' }],
      });
      expect(json.content[0]).toMatchObject({ text: '{"city":"Lyon"}' });
      const stopped = await client.messages.create({
        model: 'sim-anthropic',
        max_tokens: 100,
        stop_sequences: ['STOP'],
        messages: [{ role: 'user', content: '[[sim text="go on STOP not this"]]' }],
      });
      expect(stopped).toMatchObject({
        stop_reason: 'stop_sequence',
        stop_sequence: 'STOP',
        content: [{ text: 'go on ' }],
      });
      const image = { type: 'base64' as const, media_type: 'image/png' as const, data: 'aGVsbG8=' };
      const seen = await client.messages.create({
        model: 'sim-anthropic',
        max_tokens: 100,
        messages: [
          {
            role: 'user',
            content: [
              { type: 'image', source: image },
              { type: 'text', text: 'look' },
            ],
          },
        ],
      });
      expect(seen.content[0]).toMatchObject({ text: expect.stringContaining('I see an image (image/png, 5 bytes).') });
    });

    it('lists its models in Anthropic’s shape', async () => {
      const models = await client.models.list();
      expect(models.data.map((model) => model.id)).toEqual(['sim-anthropic']);
    });

    it(`${version === '2023-06-01' ? 'takes' : 'refuses'} sampling parameters`, async () => {
      const response = await fetch(`${simulator.url}/v1/messages`, {
        method: 'POST',
        headers: { 'x-api-key': 'k', 'anthropic-version': version, 'content-type': 'application/json' },
        body: JSON.stringify({
          model: 'sim-anthropic',
          max_tokens: 10,
          temperature: 1,
          messages: [{ role: 'user', content: 'x' }],
        }),
      });
      expect(response.status).toBe(version === '2023-06-01' ? 200 : 400);
    });
  });
}
