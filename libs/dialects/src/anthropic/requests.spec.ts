import type { Block, CallMessage, CallRequest } from '@weir/call-model';
import { describe, expect, it } from '@jest/globals';
import type { TargetCapabilities } from '../dialect.js';
import { decodeText } from '../framing/bytes.js';
import { encodeJson } from '../translation/json.js';
import { anthropicDialect as anthropic } from './dialect.js';

/** The wire JSON as assertions read it. */
interface WireBlock {
  readonly type: string;
  readonly id?: string;
  readonly text?: string;
  readonly input?: object;
  readonly tool_use_id?: string;
  readonly cache_control?: object;
}
interface WireBody extends Record<string, unknown> {
  readonly messages: readonly { readonly role: string; readonly content: readonly WireBlock[] }[];
  readonly system?: readonly WireBlock[];
  readonly tools?: readonly object[];
  readonly output_config?: { readonly effort?: string };
}

const target: TargetCapabilities = { model: 'up', maxOutputTokens: 1000 };

function request(fields: Partial<CallRequest> = {}): CallRequest {
  return {
    model: 'm',
    system: [],
    messages: [{ role: 'user', content: [{ type: 'text', text: 'hi' }] }],
    tools: [],
    sampling: {},
    stop: [],
    stream: false,
    ...fields,
  };
}

function write(fields: Partial<CallRequest>, capabilities: Partial<TargetCapabilities> = {}) {
  const written = anthropic.writeRequest(request(fields), { ...target, ...capabilities });
  if (!written.ok) throw new Error(written.fault.message);
  return { body: JSON.parse(decodeText(written.body)) as WireBody, dropped: written.dropped };
}

function say(role: CallMessage['role'], ...content: Block[]): CallMessage {
  return { role, content };
}

const text = (value: string): Block => ({ type: 'text', text: value });

describe('requests to Anthropic', () => {
  it('always state max_tokens, from the model where the caller gave none', () => {
    expect(write({}).body['max_tokens']).toBe(1000);
    expect(write({ maxOutputTokens: 5 }).body['max_tokens']).toBe(5);
    expect(write({ maxOutputTokens: 5000 }).body['max_tokens']).toBe(1000);
  });

  it('join all tool results of a turn into one user message, results first', () => {
    const { body } = write({
      messages: [
        say('user', text('a')),
        say(
          'assistant',
          { type: 'tool-call', id: '1', name: 'f', input: '' },
          { type: 'tool-call', id: '2', name: 'f', input: '{"x":1}' },
        ),
        say('user', { type: 'tool-result', toolCallId: '1', content: [text('r1') as never] }),
        say('user', text('and')),
        say('user', { type: 'tool-result', toolCallId: '2', content: [] }),
      ],
    });
    expect(body['messages'].map((message) => message.role)).toEqual(['user', 'assistant', 'user']);
    expect(body['messages'][2]?.content.map((block) => block.type)).toEqual(['tool_result', 'tool_result', 'text']);
    expect(body['messages'][1]?.content.map((block) => block.input)).toEqual([{}, { x: 1 }]);
  });

  it('wrap a system message in mid-conversation, or keep it where the model takes one', () => {
    const messages = [say('user', text('a')), say('system', text('new rule')), say('user', text('b'))];
    const wrapped = write({ messages });
    expect(wrapped.body['messages']).toHaveLength(1);
    expect(wrapped.body['messages'][0]?.content[1]?.text).toBe('<system>\nnew rule\n</system>');
    expect(wrapped.dropped).toEqual(['messages.system:wrapped_in_user_turn']);
    expect(
      write({ messages }, { systemMidConversation: true }).body['messages'].map((message) => message.role),
    ).toEqual(['user', 'system', 'user']);
  });

  it('drop unsigned and foreign reasoning, keep signed and sealed reasoning untouched, forge nothing', () => {
    const { body, dropped } = write({
      messages: [
        say('user', text('a')),
        say(
          'assistant',
          { type: 'reasoning', text: 'open', origin: 'open' },
          { type: 'reasoning', text: 'foreign', signature: 'x', origin: 'open' },
          { type: 'reasoning', text: '', signature: 'only-signature', origin: 'claude' },
          { type: 'reasoning', text: '', redacted: 'sealed', origin: 'claude' },
          text('b'),
        ),
        say('user', text('c')),
      ],
    });
    expect(body['messages'][1]?.content).toEqual([
      { type: 'thinking', thinking: '', signature: 'only-signature' },
      { type: 'redacted_thinking', data: 'sealed' },
      { type: 'text', text: 'b' },
    ]);
    expect(dropped).toEqual(['reasoning:unsigned']);
  });

  it('leave empty texts out and start with a user turn', () => {
    const { body, dropped } = write({
      messages: [say('assistant', text('x')), say('user', text('  ')), say('user', text('y'))],
    });
    expect(body['messages']).toEqual([
      { role: 'user', content: [{ type: 'text', text: 'Continue.' }] },
      { role: 'assistant', content: [{ type: 'text', text: 'x' }] },
      { role: 'user', content: [{ type: 'text', text: 'y' }] },
    ]);
    expect(dropped).toEqual(['messages:opening_user_turn_added']);
  });

  it.each([
    ['choices', { choices: 2 }, 'n'],
    ['logprobs', { logprobs: true }, 'logprobs'],
  ])('refuse %s with a reason instead of answering less than was asked', (_name, fields, param) => {
    const written = anthropic.writeRequest(request(fields), target);
    expect(written).toMatchObject({ ok: false, fault: { code: 'invalid_request', param } });
  });

  it('refuse images and tools for a model without them', () => {
    const image: Block = { type: 'image', source: { kind: 'url', url: 'https://x/y.png' } };
    expect(
      anthropic.writeRequest(request({ messages: [say('user', image)] }), { ...target, images: false }),
    ).toMatchObject({ ok: false });
    expect(
      anthropic.writeRequest(request({ tools: [{ name: 'f', inputSchema: {} }] }), { ...target, tools: false }),
    ).toMatchObject({ ok: false });
  });

  it.each([
    ['API version 2026-10-21', { apiVersion: '2026-10-21' }, 'not_accepted_on_2026-10-21'],
    ['a model that takes none', { samplingAccepted: false }, 'not_accepted_by_model'],
  ])('leave sampling out for %s', (_name, capabilities, reason) => {
    const { body, dropped } = write({ sampling: { temperature: 1, topK: 3 } }, capabilities);
    expect(body).not.toHaveProperty('temperature');
    expect(dropped).toEqual([`temperature:${reason}`, `top_k:${reason}`]);
  });

  it('send sampling on API version 2023-06-01, limited to Claude’s range', () => {
    const { body, dropped } = write(
      { sampling: { temperature: 1.5, topP: 0.5, seed: 1 } },
      { apiVersion: '2023-06-01' },
    );
    expect(body['temperature']).toBe(1);
    expect(dropped).toEqual(['seed:not_supported', 'temperature:limited_to_1', 'top_p:conflicts_with_temperature']);
  });

  it('put a JSON schema into output_config.format and stop into stop_sequences', () => {
    const { body, dropped } = write({
      responseFormat: { type: 'json-schema', schema: { type: 'object' } },
      stop: ['END', ' '],
    });
    expect(body['output_config']).toEqual({ format: { type: 'json_schema', schema: { type: 'object' } } });
    expect(body['stop_sequences']).toEqual(['END']);
    expect(dropped).toEqual(['stop:whitespace_only']);
  });

  it('instruct instead, keeping the caller’s tools, where a schema is not enforced or JSON mode is asked for', () => {
    const tools = [{ name: 'f', inputSchema: {} }];
    const emulated = write(
      { tools, responseFormat: { type: 'json-schema', schema: { title: 'T' } } },
      { structuredOutput: false },
    );
    expect(emulated.body['tools']).toHaveLength(1);
    expect(emulated.body.system?.at(-1)?.text).toContain('{"title":"T"}');
    expect(write({ responseFormat: { type: 'json-object' } }).dropped).toEqual([
      'response_format.json_object:instructed',
    ]);
  });

  it('carry the parallel switch inside tool_choice', () => {
    const tools = [{ name: 'f', inputSchema: {} }];
    expect(write({ tools, parallelToolCalls: false }).body['tool_choice']).toEqual({
      type: 'auto',
      disable_parallel_tool_use: true,
    });
    expect(write({ tools, toolChoice: { mode: 'required' }, parallelToolCalls: false }).body['tool_choice']).toEqual({
      type: 'any',
      disable_parallel_tool_use: true,
    });
    expect(write({ tools, toolChoice: { mode: 'none' } }).body['tool_choice']).toEqual({ type: 'none' });
  });

  it.each([
    [
      { reasoning: 'effort' as const },
      { mode: 'unspecified' as const, effort: 'minimal' },
      { type: 'adaptive' },
      'low',
    ],
    [
      { reasoning: 'effort' as const },
      { mode: 'budget' as const, budgetTokens: 5000 },
      { type: 'adaptive' },
      undefined,
    ],
    [
      { reasoning: 'thinking' as const, maxOutputTokens: 64_000 },
      { mode: 'unspecified' as const, effort: 'high' },
      { type: 'enabled', budget_tokens: 16_384 },
      undefined,
    ],
    [
      { reasoning: 'thinking' as const, maxOutputTokens: 4096 },
      { mode: 'budget' as const, budgetTokens: 9000 },
      { type: 'enabled', budget_tokens: 4095 },
      undefined,
    ],
    [
      { reasoning: 'thinking' as const, maxOutputTokens: 1000 },
      { mode: 'unspecified' as const, effort: 'low' },
      undefined,
      undefined,
    ],
    [{ reasoning: 'none' as const }, { mode: 'unspecified' as const, effort: 'low' }, undefined, undefined],
    [{ reasoning: 'effort' as const }, { mode: 'off' as const }, undefined, undefined],
  ])('ask a model of %j for %j', (capabilities, reasoning, thinking, effort) => {
    const { body } = write({ reasoning }, capabilities);
    expect(body['thinking']).toEqual(thinking);
    expect(body['output_config']?.effort).toBe(effort);
  });

  it('ask for no thinking where Claude would refuse it', () => {
    const reasoning = { mode: 'unspecified' as const, effort: 'high' };
    const thinking = { reasoning: 'thinking' as const, maxOutputTokens: 64_000 };
    const forced = write(
      { reasoning, tools: [{ name: 'f', inputSchema: {} }], toolChoice: { mode: 'required' } },
      thinking,
    );
    expect(forced.dropped).toEqual(['reasoning_effort:conflicts_with_tool_choice']);
    const call: Block = { type: 'tool-call', id: '1', name: 'f', input: '{}' };
    const result: Block = { type: 'tool-result', toolCallId: '1', content: [] };
    const turn = write(
      { reasoning, messages: [say('user', text('a')), say('assistant', call), say('user', result)] },
      thinking,
    );
    expect(turn.dropped).toEqual(['reasoning_effort:no_signed_reasoning_in_tool_turn']);
    expect(turn.body).not.toHaveProperty('thinking');
  });

  it('copy cache breakpoints, at most four, the last ones', () => {
    const cached = (value: string): Block => ({ type: 'text', text: value, cache: { ttl: '1h' } });
    const { body, dropped } = write({ messages: [say('user', ...['a', 'b', 'c', 'd', 'e', 'f'].map(cached))] });
    expect(body['messages'][0]?.content.map((block) => 'cache_control' in block)).toEqual([
      false,
      false,
      true,
      true,
      true,
      true,
    ]);
    expect(body['messages'][0]?.content[5]?.cache_control).toEqual({ type: 'ephemeral', ttl: '1h' });
    expect(dropped).toEqual(['cache_control:more_than_4']);
  });

  it('map ids to the characters Claude takes, alike in call and result', () => {
    const id = 'call:1/ü';
    const { body } = write({
      messages: [
        say('user', text('a')),
        say('assistant', { type: 'tool-call', id, name: 'f', input: '{}' }),
        say('user', { type: 'tool-result', toolCallId: id, content: [] }),
      ],
    });
    expect(body['messages'][1]?.content[0]?.id).toMatch(/^[a-zA-Z0-9_-]{1,64}$/);
    expect(body['messages'][2]?.content[0]?.tool_use_id).toBe(body['messages'][1]?.content[0]?.id);
  });

  it('wrap arguments that are no JSON object instead of ending the conversation', () => {
    const call = (input: string): Block => ({ type: 'tool-call', id: input, name: 'f', input });
    const { body, dropped } = write({
      messages: [say('user', text('a')), say('assistant', call('{"x":'), call('[1]'))],
    });
    expect(body['messages'][1]?.content.map((block) => block.input)).toEqual([
      { invalid_json: '{"x":' },
      { value: [1] },
    ]);
    expect(dropped).toEqual([
      'tool_calls.arguments:invalid_json_wrapped',
      'tool_calls.arguments:not_an_object_wrapped',
    ]);
  });
});

describe('requests from Anthropic clients', () => {
  const base = { model: 'm', max_tokens: 5, messages: [{ role: 'user', content: 'hi' }] };

  it('know an empty signature for unsigned reasoning', () => {
    const parsed = anthropic.parseRequest(
      encodeJson({
        ...base,
        messages: [{ role: 'assistant', content: [{ type: 'thinking', thinking: 't', signature: '' }] }],
      }),
    );
    expect(parsed).toMatchObject({
      request: { messages: [{ content: [{ type: 'reasoning', text: 't', origin: 'open' }] }] },
    });
  });

  it('list server tools, unknown blocks and unknown fields as dropped', () => {
    const parsed = anthropic.parseRequest(
      encodeJson({
        ...base,
        container: 'c',
        tools: [{ type: 'web_search_20260318', name: 'web_search' }],
        messages: [
          {
            role: 'user',
            content: [
              { type: 'search_result', source: 's' },
              { type: 'text', text: 'x' },
            ],
          },
        ],
      }),
    );
    expect(parsed.ok && parsed.dropped).toEqual([
      'container:not_carried',
      'messages.content.search_result:not_carried',
      'tools.web_search_20260318:not_carried',
    ]);
  });

  it.each([
    [{ max_tokens: undefined }, 'max_tokens'],
    [
      { messages: [{ role: 'user', content: [{ type: 'tool_result', content: 'x' }] }] },
      'messages[0].content[0].tool_use_id',
    ],
    [
      {
        messages: [
          {
            role: 'user',
            content: [{ type: 'image', source: { type: 'base64', media_type: 'image/png', data: '!' } }],
          },
        ],
      },
      'messages[0].content[0].source.data',
    ],
    [{ system: [{ type: 'text' }] }, 'system[0].text'],
    [{ temperature: 2 }, 'temperature'],
  ])('name the field at fault in %j', (fields, param) => {
    expect(anthropic.parseRequest(encodeJson({ ...base, ...fields }))).toMatchObject({ ok: false, fault: { param } });
  });
});
