import { it } from 'node:test';
import { expect } from 'expect';
import { anthropicClient, ask, askStreamed, textOf, usageOf, type Case } from './anthropic-client.js';
import { FORECAST_SCHEMA, PDF_BASE64, PDF_BYTES, PNG_BASE64, PNG_BYTES, longPrompt } from './sample-content.js';
import { numberedText } from './simulated-models.js';

const HELLO = [{ role: 'user' as const, content: 'hello' }];

/** Texts, media, schemas, limits and usage: one call each. */
export function describeAnthropicAnswers(asked: Case): void {
  describeTexts(asked);
  describeMedia(asked);
  describeCaches(asked);

  it('answers with an instance of the JSON schema, plain and streamed', async () => {
    const request = {
      messages: [{ role: 'user' as const, content: 'the forecast' }],
      output_config: { format: { type: 'json_schema' as const, schema: FORECAST_SCHEMA } },
    };
    const whole = textOf((await ask(asked, request)).answer);
    const streamed = textOf((await askStreamed(asked, request)).answer);
    expect(JSON.parse(whole)).toEqual({
      city: expect.any(String),
      degrees: expect.any(Number),
      sky: expect.stringMatching(/^(?:clear|cloudy)$/),
      hours: expect.arrayContaining([{ hour: expect.any(Number), rain: expect.any(Boolean) }]),
    });
    expect(streamed).toBe(whole);
  });
}

function describeTexts(asked: Case): void {
  const { model, version, stack } = asked;

  it('answers at once, with what a message of Anthropic has', async () => {
    const { answer, headers, callId } = await ask(asked, {
      system: [{ type: 'text', text: 'Be brief.' }],
      messages: [
        ...HELLO,
        { role: 'assistant', content: 'Hello!' },
        { role: 'user', content: [{ type: 'text', text: 'how are you? 你好 👋' }] },
      ],
      metadata: { user_id: 'someone' },
    });
    expect(answer).toMatchObject({
      type: 'message',
      role: 'assistant',
      model: model.name,
      stop_reason: 'end_turn',
      stop_sequence: null,
    });
    expect(answer.id).toMatch(/^msg_/);
    expect(textOf(answer)).toContain('You said: “how are you? 你好 👋”');
    expect(headers.get('x-weir-simulated')).toBe('1');
    expect(headers.get('x-request-id')).toBe(callId);
  });

  it('streams the same text in pieces as they come, in the order of the protocol', async () => {
    const messages = [{ role: 'user' as const, content: 'count [[sim chunks=40 delayMs=2 reasoning=0]]' }];
    const { answer, events } = await askStreamed(asked, { messages });
    expect(textOf(answer)).toBe(numberedText(40));
    const types = events.map((event) => event.type).filter((type, index, all) => type !== all[index - 1]);
    const expected = ['message_start', 'content_block_start', 'content_block_delta', 'content_block_stop'];
    expect(types).toEqual([...expected, 'message_delta', 'message_stop']);
    expect(events.filter((event) => event.type === 'content_block_delta')).toHaveLength(40);
    const whole = await ask(asked, { messages });
    expect(textOf(whole.answer)).toBe(numberedText(40));
    expect(usageOf(whole.answer.usage)).toEqual(usageOf(answer.usage));
  });

  it('stops where it is told to, and says why', async () => {
    const stopped = await askStreamed(asked, { messages: HELLO, stop_sequences: ['answer', 'never'] });
    expect(textOf(stopped.answer)).toBe('Simulated ');
    // Chat does not say which of the stops it was, nor that it was one.
    expect(stopped.answer.stop_reason).toBe(model.upstream === 'chat' ? 'end_turn' : 'stop_sequence');
    const cut = await ask(asked, { messages: HELLO, max_tokens: 20 });
    expect(cut.answer.stop_reason).toBe('max_tokens');
    expect(cut.answer.usage.output_tokens).toBe(20);
  });

  it('takes beta features in header and query', async () => {
    const answer = await anthropicClient(stack(), version).beta.messages.create({
      model: model.name,
      max_tokens: 4_000,
      messages: HELLO,
      betas: ['context-1m-2025-08-07'],
    });
    expect(answer.content.at(-1)).toMatchObject({ type: 'text', text: expect.stringContaining('hello') });
  });
}

function describeMedia(asked: Case): void {
  const { model, version, stack } = asked;
  const question = { type: 'text' as const, text: 'what is this?' };

  it('sees an image', async () => {
    const source = { type: 'base64' as const, media_type: 'image/png' as const, data: PNG_BASE64 };
    const { answer } = await ask(asked, {
      messages: [{ role: 'user', content: [{ type: 'image', source }, question] }],
    });
    expect(textOf(answer)).toMatch(new RegExp(`I see an image \\([^)]*png, ${PNG_BYTES} bytes\\)`));
    expect(textOf(answer)).toContain('“what is this?”');
  });

  it(`${model.takesImageUrls.anthropic ? 'is given' : 'refuses'} the address of an image`, async () => {
    const url = 'https://example.com/cat.png';
    const image = { type: 'image' as const, source: { type: 'url' as const, url } };
    const messages = [{ role: 'user' as const, content: [image, question] }];
    if (model.takesImageUrls.anthropic) {
      expect(textOf((await ask(asked, { messages })).answer)).toContain(`I see an image (${url}`);
      return;
    }
    const client = anthropicClient(stack(), version);
    const refused = client.messages.create({ model: model.name, max_tokens: 4_000, messages });
    await expect(refused).rejects.toMatchObject({ status: 400, type: 'invalid_request_error' });
  });

  it('reads documents, as data and as text', async () => {
    const pdf = { type: 'base64' as const, media_type: 'application/pdf' as const, data: PDF_BASE64 };
    const text = { type: 'text' as const, media_type: 'text/plain' as const, data: 'the plain report' };
    const { answer } = await askStreamed(asked, {
      messages: [
        {
          role: 'user',
          content: [
            { type: 'document', title: 'report.pdf', source: pdf },
            { type: 'document', title: 'notes', source: text },
            { type: 'text', text: 'sum it up' },
          ],
        },
      ],
    });
    expect(textOf(answer)).toMatch(new RegExp(`I see a document \\([^)]*pdf, ${PDF_BYTES} bytes\\)`));
    // Chat has no documents of text: it is told the text.
    const shown = model.upstream === 'chat' ? /notes:\s+the plain report/ : /I see a document \([^)]*, 16 bytes\)/;
    expect(textOf(answer)).toMatch(shown);
  });
}

function describeCaches(asked: Case): void {
  const { model, version } = asked;

  it('reads the second time from the cache what it was told before, and says so', async () => {
    const text = longPrompt(`${model.name} for Anthropic ${version}`);
    const request = {
      system: [
        { type: 'text' as const, text, cache_control: { type: 'ephemeral' as const, ttl: '1h' as const } },
        { type: 'text' as const, text: longPrompt('more'), cache_control: { type: 'ephemeral' as const } },
      ],
      messages: HELLO,
    };
    const first = await ask(asked, request);
    const second = await askStreamed(asked, request);
    const [before, after] = [usageOf(first.answer.usage), usageOf(second.answer.usage)];
    expect(before.inputCacheRead).toBe(0);
    expect(after.inputCacheRead).toBeGreaterThanOrEqual(1_024);
    expect(after.inputUncached + after.inputCacheRead).toBe(before.inputUncached + before.inputCacheWrite);
    if (model.upstream === 'chat') {
      expect(first.headers.get('x-weir-dropped')).toContain('cache_control');
      return;
    }
    const written = first.answer.usage.cache_creation;
    expect(written?.ephemeral_1h_input_tokens).toBeGreaterThan(1_024);
    expect(written?.ephemeral_5m_input_tokens).toBeGreaterThan(1_024);
    expect(before.inputCacheWrite).toBe(after.inputCacheRead);
  });
}
