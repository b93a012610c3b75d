import Anthropic from '@anthropic-ai/sdk';
import { collectResponse, type StreamEvent } from '@weir/call-model';
import { expect } from 'expect';
import { test } from 'node:test';
import OpenAI from 'openai';
import type { WireDialect } from './dialect.js';
import { DIALECTS } from './registry.js';

/*
 * The official clients read what the encoders write: if their accumulators end with the same answer, the frames are right.
 * No network: the clients get a `fetch` that answers with our bytes.
 */

const usage = {
  inputUncached: 11,
  inputCacheRead: 5,
  inputCacheWrite5m: 3,
  inputCacheWrite1h: 0,
  output: 7,
  reasoning: 4,
};

/** Reasoning, text and two parallel calls whose fragments take turns, with usage after the finish. */
const stream: readonly StreamEvent[] = [
  { type: 'message-start', id: 'abc', model: 'm' },
  { type: 'reasoning-start', block: 0 },
  { type: 'reasoning-delta', block: 0, text: 'let me ' },
  { type: 'reasoning-delta', block: 0, text: 'see' },
  { type: 'reasoning-end', block: 0, signature: 'c2ln' },
  { type: 'text-start', block: 1 },
  { type: 'text-delta', block: 1, text: 'I ask ' },
  { type: 'text-delta', block: 1, text: '堰 twice' },
  { type: 'text-end', block: 1 },
  { type: 'tool-call-start', block: 2, id: 'call_a', name: 'weather' },
  { type: 'tool-call-start', block: 3, id: 'call_b', name: 'time' },
  { type: 'tool-call-delta', block: 3, fragment: '{"zone":' },
  { type: 'tool-call-delta', block: 2, fragment: '{"city":"Wuhan"}' },
  { type: 'tool-call-delta', block: 3, fragment: '"UTC"}' },
  { type: 'tool-call-end', block: 2 },
  { type: 'tool-call-end', block: 3 },
  { type: 'finish', reason: 'tool-calls' },
  { type: 'usage', usage },
];

const failing: readonly StreamEvent[] = [
  ...stream.slice(0, 3),
  { type: 'error', error: { type: 'overloaded', status: 529, message: 'the model is busy' } },
];

function encode(name: WireDialect, events: readonly StreamEvent[]): Uint8Array {
  const encoder = DIALECTS[name].createStreamEncoder({ streamUsage: true });
  return Buffer.concat([...events.map((event) => encoder.encode(event)), encoder.end()]);
}

/** A fetch that answers once with these bytes, a few at a time. */
function answerWith(
  bytes: Uint8Array,
  contentType: string,
  status = 200,
  headers: Record<string, string> = {},
): typeof fetch {
  return () => {
    let at = 0;
    const body = new ReadableStream<Uint8Array>({
      pull(controller) {
        if (at >= bytes.length) controller.close();
        else controller.enqueue(bytes.slice(at, (at += 7)));
      },
    });
    return Promise.resolve(new Response(body, { status, headers: { ...headers, 'content-type': contentType } }));
  };
}

function openai(fetch: typeof globalThis.fetch): OpenAI {
  return new OpenAI({ apiKey: 'k', baseURL: 'http://weir.test/v1', maxRetries: 0, fetch });
}

function anthropic(fetch: typeof globalThis.fetch): Anthropic {
  return new Anthropic({ apiKey: 'k', baseURL: 'http://weir.test', maxRetries: 0, fetch });
}

const chatRequest = {
  model: 'm',
  messages: [{ role: 'user' as const, content: 'hi' }],
  stream_options: { include_usage: true },
};
const messagesRequest = { model: 'm', max_tokens: 10, messages: [{ role: 'user' as const, content: 'hi' }] };

test('the OpenAI client accumulates a Chat stream to the answer that was sent', async () => {
  const client = openai(answerWith(encode('openai-chat', stream), 'text/event-stream'));
  const completion = await client.chat.completions.stream(chatRequest).finalChatCompletion();
  expect(completion.usage).toMatchObject({
    prompt_tokens: 19,
    completion_tokens: 11,
    total_tokens: 30,
    prompt_tokens_details: { cached_tokens: 5 },
  });
  const [choice] = completion.choices;
  expect(choice?.finish_reason).toBe('tool_calls');
  expect(choice?.message.content).toBe('I ask 堰 twice');
  expect(choice?.message.tool_calls?.map((call) => [call.id, call.function.name, call.function.arguments])).toEqual([
    ['call_a', 'weather', '{"city":"Wuhan"}'],
    ['call_b', 'time', '{"zone":"UTC"}'],
  ]);
});

test('the Anthropic client accumulates a Messages stream to the answer that was sent', async () => {
  const client = anthropic(answerWith(encode('anthropic', stream), 'text/event-stream'));
  const message = await client.messages.stream(messagesRequest).finalMessage();
  expect(message.stop_reason).toBe('tool_use');
  expect(message.usage).toMatchObject({
    input_tokens: 11,
    cache_read_input_tokens: 5,
    cache_creation_input_tokens: 3,
    output_tokens: 11,
  });
  expect(message.content).toMatchObject([
    { type: 'thinking', thinking: 'let me see', signature: 'c2ln' },
    { type: 'text', text: 'I ask 堰 twice' },
    { type: 'tool_use', id: 'call_a', name: 'weather', input: { city: 'Wuhan' } },
    { type: 'tool_use', id: 'call_b', name: 'time', input: { zone: 'UTC' } },
  ]);
});

test('the OpenAI client throws its APIError on an error inside a stream', async () => {
  const client = openai(answerWith(encode('openai-chat', failing), 'text/event-stream'));
  await expect(client.chat.completions.stream(chatRequest).finalChatCompletion()).rejects.toThrow(OpenAI.APIError);
});

test('the Anthropic client throws its APIError on an error inside a stream', async () => {
  const client = anthropic(answerWith(encode('anthropic', failing), 'text/event-stream'));
  await expect(client.messages.stream(messagesRequest).finalMessage()).rejects.toThrow(Anthropic.APIError);
});

test('both clients read a whole answer', async () => {
  const response = collectResponse(stream);
  if (!response) throw new Error('the stream did not finish');
  const completion = await openai(
    answerWith(DIALECTS['openai-chat'].writeResponse(response), 'application/json'),
  ).chat.completions.create({
    ...chatRequest,
    stream_options: null,
  });
  expect(completion.choices[0]?.message.tool_calls).toHaveLength(2);
  const message = await anthropic(
    answerWith(DIALECTS.anthropic.writeResponse(response), 'application/json'),
  ).messages.create(messagesRequest);
  expect(message.content.map((block) => block.type)).toEqual(['thinking', 'text', 'tool_use', 'tool_use']);
});

test('both clients type a rendered error by its status and read its request id', async () => {
  const error = {
    status: 429,
    type: 'rate_limit' as const,
    code: 'rate_limited',
    message: 'slow down',
    requestId: 'r-1',
    isRetryable: false,
  };
  const chat = DIALECTS['openai-chat'].renderError(error);
  const chatCall = openai(answerWith(chat.body, 'application/json', chat.status, chat.headers)).chat.completions.create(
    { ...chatRequest, stream_options: null },
  );
  await expect(chatCall).rejects.toMatchObject({ status: 429, type: 'rate_limit_error', requestID: 'r-1' });
  await expect(chatCall).rejects.toThrow(OpenAI.RateLimitError);
  const rendered = DIALECTS.anthropic.renderError(error);
  const messagesCall = anthropic(
    answerWith(rendered.body, 'application/json', rendered.status, rendered.headers),
  ).messages.create(messagesRequest);
  await expect(messagesCall).rejects.toMatchObject({ status: 429, requestID: 'r-1' });
  await expect(messagesCall).rejects.toThrow(Anthropic.RateLimitError);
});
