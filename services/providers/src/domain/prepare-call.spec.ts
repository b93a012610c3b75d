import { describe, expect, it } from '@jest/globals';
import type { CallEnvelopeV1, Deployment } from '@weir/contracts';
import { prepareCall, type PreparedCall } from './prepare-call.js';
import { upstreamDialect } from './upstream-dialect.js';

const deployment = (adapter: Deployment['adapter'], upstreamModel: string): Deployment => ({
  id: 'd',
  provider: 'p',
  adapter,
  upstreamModel,
  region: 'local',
  priority: 0,
  weight: 1,
  price: 'x',
  contextWindow: 1_000,
  maxOutputTokens: 100,
  capabilities: { samplingAccepted: true, reasoning: 'none', images: false, tools: true },
});
const envelope = (dialect: CallEnvelopeV1['dialect'], stream: boolean, headers: Record<string, string> = {}) =>
  ({
    callId: '0197a000-0000-7000-8000-000000000001',
    dialect,
    stream,
    headers,
    apiVersion: null,
    modelRequested: 'alias',
    model: 'm',
  }) as unknown as CallEnvelopeV1;

function prepare(
  dialect: CallEnvelopeV1['dialect'],
  target: Deployment,
  text: string,
  headers: Record<string, string> = {},
) {
  return prepareCall({
    envelope: envelope(dialect, text.includes('"stream":true'), headers),
    deployment: target,
    upstream: upstreamDialect(target.adapter, target.upstreamModel, dialect),
    body: Buffer.from(text),
  });
}

function prepared(...input: Parameters<typeof prepare>): PreparedCall {
  const preparation = prepare(...input);
  if (!preparation.ok) throw new Error(preparation.fault.message);
  return preparation.prepared;
}
const textOf = (bytes: Uint8Array) => Buffer.from(bytes).toString('utf8');
const openai = deployment('openai-compatible', 'gpt-up');
const anthropic = deployment('anthropic', 'claude-up');
const claude = deployment('bedrock', 'us.anthropic.claude-x-v1:0');

/** Everything a client gets when the upstream's bytes arrive in pieces of this size. */
function run(call: PreparedCall, upstream: string, pieceBytes: number): string {
  const pipe = call.createPipe(true);
  const bytes = Buffer.from(upstream);
  let text = '';
  for (let at = 0; at < bytes.length; at += pieceBytes) text += textOf(pipe.push(bytes.subarray(at, at + pieceBytes)));
  return text + textOf(pipe.end());
}

describe('prepareCall, same dialect', () => {
  it('changes the model’s name and not another byte', () => {
    const odd =
      '{ "messages" : [{"role":"user","content":"caf\\u00e9 \\ud83d"}],\n\t"unknown_field": {"a":1.0e2}, "model":"alias" }';
    const call = prepared('openai-chat', openai, odd);
    expect(textOf(call.body)).toBe(odd.replace('"alias"', '"gpt-up"'));
    expect(call).toMatchObject({ isSameDialect: true, dropped: [] });
    const messages = '{"model":"alias","max_tokens":5,"messages":[],"thinking":{"type":"adaptive"},"future":[1,2,3]}';
    expect(textOf(prepared('anthropic', anthropic, messages).body)).toBe(messages.replace('"alias"', '"claude-up"'));
  });

  const usageChunk = 'data: {"choices":[],"usage":{"prompt_tokens":3,"completion_tokens":2,"total_tokens":5}}\n\n';
  const stream = `data: {"id":"1","choices":[{"delta":{"content":"hi"}}]}\n\ndata: {"id":"1","choices":[{"delta":{},"finish_reason":"stop"}]}\n\n${usageChunk}data: [DONE]\n\n`;

  it('asks a Chat stream for its usage, and keeps the chunk from a client that did not', () => {
    const call = prepared('openai-chat', openai, '{"model":"alias","stream":true,"messages":[{}]}');
    expect(JSON.parse(textOf(call.body))).toMatchObject({ stream_options: { include_usage: true } });
    const pipe = call.createPipe(true);
    expect(textOf(pipe.push(Buffer.from(stream)))).toBe(stream.replace(usageChunk, ''));
    expect(pipe.result()).toMatchObject({ isComplete: true, usage: { inputUncached: 3, output: 2 } });
  });

  it('shows it to one that did', () => {
    const call = prepared(
      'openai-chat',
      openai,
      '{"model":"alias","stream":true,"stream_options":{"include_usage":true},"messages":[{}]}',
    );
    expect(textOf(call.createPipe(true).push(Buffer.from(stream)))).toBe(stream);
  });

  it('forwards the same bytes wherever they are cut', () => {
    const call = prepared('openai-chat', openai, '{"model":"alias","stream":true,"messages":[{}]}');
    for (let size = 1; size < 40; size++) expect(run(call, stream, size)).toBe(stream.replace(usageChunk, ''));
  });
});

describe('prepareCall, Claude on Bedrock from an Anthropic client', () => {
  const body = '{"model":"alias","stream":true,"max_tokens":5,"messages":[{"role":"user","content":"x"}],"future":1}';

  it('takes model and stream out of the body, which are in the path, and leaves the rest', () => {
    const call = prepared('anthropic', claude, body);
    expect(JSON.parse(textOf(call.body))).toEqual({
      anthropic_version: 'bedrock-2023-05-31',
      max_tokens: 5,
      messages: [{ role: 'user', content: 'x' }],
      future: 1,
    });
  });

  it('carries the betas that Bedrock knows and lists the others as dropped', () => {
    const call = prepared('anthropic', claude, body, { 'anthropic-beta': 'context-1m-2025-08-07,unheard-of' });
    expect(JSON.parse(textOf(call.body))).toMatchObject({ anthropic_beta: ['context-1m-2025-08-07'] });
    expect(call.dropped).toEqual(['anthropic-beta.unheard-of:unknown to Bedrock']);
  });
});

describe('prepareCall, across dialects', () => {
  const chat =
    '{"model":"alias","stream":true,"messages":[{"role":"system","content":"s"},{"role":"user","content":"x"}],"seed":7}';
  const stream = [
    'event: message_start\ndata: {"type":"message_start","message":{"id":"msg_1","type":"message","role":"assistant","model":"claude-up","content":[],"usage":{"input_tokens":9,"output_tokens":1}}}\n\n',
    'event: content_block_start\ndata: {"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}\n\n',
    'event: content_block_delta\ndata: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"héllo"}}\n\n',
    'event: content_block_stop\ndata: {"type":"content_block_stop","index":0}\n\n',
    'event: message_delta\ndata: {"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":4}}\n\n',
    'event: message_stop\ndata: {"type":"message_stop"}\n\n',
  ].join('');

  it('writes the upstream’s own request, with the bound it requires, and lists what it cannot carry', () => {
    const call = prepared('openai-chat', anthropic, chat);
    expect(JSON.parse(textOf(call.body))).toMatchObject({ model: 'claude-up', max_tokens: 100, stream: true });
    expect(call.dropped.some((item) => item.startsWith('seed'))).toBe(true);
    expect(call.isSameDialect).toBe(false);
  });

  it('gives the client the same answer wherever the upstream’s bytes are cut', () => {
    const steady = (text: string) => text.replaceAll(/"created":\d+/g, '"created":0');
    const call = prepared('openai-chat', anthropic, chat);
    const whole = steady(run(call, stream, stream.length));
    expect(whole).toContain('héllo');
    expect(whole.trimEnd().endsWith('data: [DONE]')).toBe(true);
    for (let size = 1; size < 60; size += 1) expect(steady(run(call, stream, size))).toBe(whole);
  });

  it('reports what the stream said', () => {
    const pipe = prepared('openai-chat', anthropic, chat).createPipe(true);
    pipe.push(Buffer.from(stream));
    expect(pipe.hasFirstToken).toBe(true);
    expect(pipe.result()).toMatchObject({ isComplete: true, finish: 'stop', usage: { inputUncached: 9, output: 4 } });
  });

  it('keeps an upstream’s error back, for ingress to show in the client’s dialect', () => {
    const pipe = prepared('openai-chat', anthropic, chat).createPipe(true);
    const error = 'event: error\ndata: {"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}\n\n';
    expect(textOf(pipe.push(Buffer.from(error)))).not.toContain('Overloaded');
    expect(pipe.error).toMatchObject({ type: 'overloaded' });
    expect(pipe.result().isComplete).toBe(false);
  });

  it('refuses what the target cannot do, before anything is sent', () => {
    const image =
      '{"model":"alias","messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"data:image/png;base64,AA=="}}]}]}';
    expect(prepare('openai-chat', anthropic, image)).toMatchObject({ ok: false, fault: { code: 'invalid_request' } });
  });

  it('names an answer whose format has no id', () => {
    const nova = deployment('bedrock', 'amazon.nova-pro-v1:0');
    const pipe = prepared(
      'openai-chat',
      nova,
      '{"model":"alias","messages":[{"role":"user","content":"x"}]}',
    ).createPipe(false);
    const answer = {
      output: { message: { role: 'assistant', content: [{ text: 'hi' }] } },
      stopReason: 'end_turn',
      usage: { inputTokens: 1, outputTokens: 1, totalTokens: 2 },
    };
    pipe.push(Buffer.from(JSON.stringify(answer)));
    expect((JSON.parse(textOf(pipe.end())) as { id: string }).id).toContain('0197a000-0000-7000-8000-000000000001');
  });
});

describe('a whole answer in the client’s own dialect', () => {
  const call = () => prepared('openai-chat', openai, '{"model":"alias","messages":[{}]}');

  it('is given in one piece, unchanged', () => {
    const pipe = call().createPipe(false);
    const body =
      '{"id":"1", "choices":[{"message":{"content":"hi"},"finish_reason":"stop"}],"usage":{"prompt_tokens":3,"completion_tokens":2,"total_tokens":5}}';
    expect(pipe.push(Buffer.from(body.slice(0, 40)))).toHaveLength(0);
    expect(pipe.push(Buffer.from(body.slice(40)))).toHaveLength(0);
    expect(textOf(pipe.end())).toBe(body);
    expect(pipe.result()).toMatchObject({ usage: { inputUncached: 3, output: 2 } });
  });

  it('flows through when it is large, and is not kept for its usage when it is huge', () => {
    const pipe = call().createPipe(false);
    const chunk = Buffer.alloc(256 * 1024, 'x');
    expect(pipe.push(chunk)).toHaveLength(0);
    expect(pipe.push(chunk)).toHaveLength(0);
    expect(pipe.push(chunk)).toHaveLength(3 * chunk.length);
    for (let i = 0; i < 40; i++) expect(pipe.push(chunk)).toHaveLength(chunk.length);
    expect(pipe.result()).toMatchObject({ usage: null, error: null });
  });

  it('is malformed where it cannot be read', () => {
    const pipe = call().createPipe(false);
    pipe.push(Buffer.from('<html>'));
    pipe.end();
    expect(pipe.result().error).toMatchObject({ type: 'malformed' });
  });
});
