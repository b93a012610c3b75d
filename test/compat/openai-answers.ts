import { it } from 'node:test';
import { expect } from 'expect';
import { ask, askStreamed, messageOf, openaiClient, usageOf, type UseStack } from './openai-client.js';
import { FORECAST_SCHEMA, PDF_BYTES, PDF_DATA_URL, PNG_BYTES, PNG_DATA_URL, longPrompt } from './sample-content.js';
import { numberedText, type SimulatedModel } from './simulated-models.js';

/** Texts, media, schemas, limits and usage: one call each. */
export function describeOpenAiAnswers(model: SimulatedModel, stack: UseStack): void {
  const { name } = model;
  describeTexts(name, stack);
  describeMedia(model, stack);

  it('answers with an instance of the JSON schema, plain and streamed', async () => {
    const request = {
      model: name,
      messages: [{ role: 'user' as const, content: 'the forecast' }],
      response_format: {
        type: 'json_schema' as const,
        json_schema: { name: 'forecast', strict: true, schema: FORECAST_SCHEMA },
      },
    };
    const whole = messageOf((await ask(stack(), request)).answer).content ?? '';
    const streamed = messageOf((await askStreamed(stack(), request)).answer).content;
    expect(JSON.parse(whole)).toEqual({
      city: expect.any(String),
      degrees: expect.any(Number),
      sky: expect.stringMatching(/^(?:clear|cloudy)$/),
      hours: expect.arrayContaining([{ hour: expect.any(Number), rain: expect.any(Boolean) }]),
    });
    expect(streamed).toBe(whole);
  });

  it('reads the second time from the cache what it was told before, and says so', async () => {
    const text = longPrompt(`${name} for OpenAI`);
    const marked = { type: 'text' as const, text, cache_control: { type: 'ephemeral' } };
    const content = model.upstream === 'chat' ? text : [marked];
    const request = {
      model: name,
      messages: [
        { role: 'system' as const, content },
        { role: 'user' as const, content: 'hello' },
      ],
    };
    const first = usageOf((await ask(stack(), request)).answer.usage);
    const second = usageOf((await askStreamed(stack(), request)).answer.usage);
    expect(first.inputCacheRead).toBe(0);
    expect(first.inputCacheWrite > 1_024).toBe(model.upstream !== 'chat');
    expect(second.inputCacheRead).toBeGreaterThanOrEqual(1_024);
    expect(second.inputUncached + second.inputCacheRead).toBe(first.inputUncached + first.inputCacheWrite);
  });
}

function describeTexts(name: string, stack: UseStack): void {
  it('answers at once, with what an answer of OpenAI has', async () => {
    const { answer, headers, callId } = await ask(stack(), {
      model: name,
      messages: [
        { role: 'system', content: 'Be brief.' },
        { role: 'developer', content: 'Be kind.' },
        { role: 'user', content: 'hello' },
        { role: 'assistant', content: 'Hello!' },
        { role: 'user', content: 'how are you? 你好 👋' },
      ],
    });
    expect(answer).toMatchObject({ object: 'chat.completion', model: name });
    expect(answer.id).toMatch(/^chatcmpl-/);
    expect(answer.choices).toHaveLength(1);
    expect(answer.choices[0]).toMatchObject({ index: 0, finish_reason: 'stop' });
    expect(messageOf(answer)).toMatchObject({ role: 'assistant', refusal: null });
    expect(messageOf(answer).content).toContain('You said: “how are you? 你好 👋”');
    expect(headers.get('x-weir-simulated')).toBe('1');
    expect(headers.get('request-id')).toBe(callId);
    expect(answer.usage?.total_tokens).toBe(
      (answer.usage?.prompt_tokens ?? 0) + (answer.usage?.completion_tokens ?? 0),
    );
  });

  it('streams the same text in pieces as they come, and its usage at the end', async () => {
    const messages = [{ role: 'user' as const, content: 'count [[sim chunks=40 delayMs=2]]' }];
    const { answer, chunks } = await askStreamed(stack(), { model: name, messages });
    expect(messageOf(answer).content).toBe(numberedText(40));
    expect(answer.choices[0]?.finish_reason).toBe('stop');
    const spoken = chunks.filter((chunk) => chunk.choices[0]?.delta.content);
    expect(spoken).toHaveLength(40);
    expect(new Set(chunks.map((chunk) => chunk.id)).size).toBe(1);
    expect(chunks[0]?.choices[0]?.delta.role).toBe('assistant');
    expect(chunks.at(-1)).toMatchObject({ choices: [], usage: { completion_tokens: answer.usage?.completion_tokens } });
    const whole = await ask(stack(), { model: name, messages });
    expect(messageOf(whole.answer).content).toBe(numberedText(40));
    expect(usageOf(whole.answer.usage).output).toBe(usageOf(answer.usage).output);
  });

  it('streams no usage to a client that did not ask for it, and still records it', async () => {
    const { data, request_id } = await openaiClient(stack())
      .chat.completions.create({ model: name, messages: [{ role: 'user', content: 'hello' }], stream: true })
      .withResponse();
    const chunks = [];
    for await (const chunk of data) chunks.push(chunk);
    expect(chunks.filter((chunk) => chunk.usage != null || chunk.choices.length === 0)).toEqual([]);
    expect(chunks.at(-1)?.choices[0]?.finish_reason).toBe('stop');
    stack().settlement.expect(request_id, { attempt: { usage_source: 'provider', outcome: 'completed' } });
  });

  it('stops where it is told to, and says why', async () => {
    const messages = [{ role: 'user' as const, content: 'hello' }];
    const stopped = await ask(stack(), { model: name, messages, stop: ['answer', 'never'] });
    expect(messageOf(stopped.answer).content).toBe('Simulated ');
    expect(stopped.answer.choices[0]?.finish_reason).toBe('stop');
    const cut = await askStreamed(stack(), { model: name, messages, max_completion_tokens: 20 });
    expect(cut.answer.choices[0]?.finish_reason).toBe('length');
    expect(cut.answer.usage?.completion_tokens).toBe(20);
    // eslint-disable-next-line @typescript-eslint/no-deprecated -- most clients still send it
    const old = await ask(stack(), { model: name, messages, max_tokens: 20, temperature: 0.5, top_p: 0.9 });
    expect(old.answer.choices[0]?.finish_reason).toBe('length');
  });
}

function describeMedia(model: SimulatedModel, stack: UseStack): void {
  const picture = (url: string) => ({
    model: model.name,
    messages: [
      {
        role: 'user' as const,
        content: [
          { type: 'text' as const, text: 'what is this?' },
          { type: 'image_url' as const, image_url: { url } },
        ],
      },
    ],
  });

  it('sees an image in a data URL', async () => {
    const { answer } = await ask(stack(), picture(PNG_DATA_URL));
    expect(messageOf(answer).content).toMatch(new RegExp(`I see an image \\([^)]*png, ${PNG_BYTES} bytes\\)`));
    expect(messageOf(answer).content).toContain('“what is this?”');
  });

  it(`${model.takesImageUrls.openai ? 'is given' : 'refuses'} the address of an image`, async () => {
    const address = 'https://example.com/cat.png';
    if (model.takesImageUrls.openai) {
      const { answer } = await ask(stack(), picture(address));
      expect(messageOf(answer).content).toContain(`I see an image (${address}`);
      return;
    }
    const refused = openaiClient(stack()).chat.completions.create(picture(address));
    await expect(refused).rejects.toMatchObject({ status: 400, type: 'invalid_request_error', param: 'messages' });
  });

  it('reads a document', async () => {
    const { answer } = await askStreamed(stack(), {
      model: model.name,
      messages: [
        {
          role: 'user',
          content: [
            { type: 'file', file: { filename: 'report.pdf', file_data: PDF_DATA_URL } },
            { type: 'text', text: 'sum it up' },
          ],
        },
      ],
    });
    expect(messageOf(answer).content).toMatch(new RegExp(`I see a document \\([^)]*pdf, ${PDF_BYTES} bytes\\)`));
  });
}
