import type { CallRequest } from '@weir/call-model';
import { describe, expect, it } from '@jest/globals';
import type { TargetCapabilities } from '../dialect.js';
import { decodeText, encodeText } from '../framing/bytes.js';
import { encodeJson } from '../translation/json.js';
import { openAiChatDialect as chat } from './dialect.js';

/** The wire JSON as assertions read it. */
interface WireMessage extends Record<string, unknown> {
  readonly tool_calls?: readonly { readonly id: string }[];
  readonly tool_call_id?: string;
}
interface WireBody extends Record<string, unknown> {
  readonly messages: readonly WireMessage[];
}

const target: TargetCapabilities = { model: 'up', maxOutputTokens: 1000 };
const user = { role: 'user', content: 'hi' };

function parse(fields: object): CallRequest {
  const parsed = chat.parseRequest(encodeJson({ model: 'm', messages: [user], ...fields }));
  if (!parsed.ok) throw new Error(parsed.fault.message);
  return parsed.request;
}

function faultOf(fields: object) {
  const parsed = chat.parseRequest(encodeJson({ model: 'm', messages: [user], ...fields }));
  return parsed.ok ? undefined : parsed.fault;
}

function write(request: CallRequest, capabilities: Partial<TargetCapabilities> = {}) {
  const written = chat.writeRequest(request, { ...target, ...capabilities });
  if (!written.ok) throw new Error(written.fault.message);
  return { body: JSON.parse(decodeText(written.body)) as WireBody, dropped: written.dropped };
}

describe('Chat requests', () => {
  it('hoist leading system and developer messages only; later ones stay in place', () => {
    const request = parse({
      messages: [
        { role: 'system', content: 'a' },
        { role: 'developer', content: [{ type: 'text', text: 'b' }] },
        user,
        { role: 'system', content: 'c' },
      ],
    });
    expect(request.system.map((block) => block.text)).toEqual(['a', 'b']);
    expect(request.messages.map((message) => message.role)).toEqual(['user', 'system']);
  });

  it('take data URLs apart and leave http URLs alone', () => {
    const image = (url: string) =>
      parse({ messages: [{ role: 'user', content: [{ type: 'image_url', image_url: { url } }] }] }).messages[0]
        ?.content[0];
    expect(image('data:image/png;base64,AAAA')).toMatchObject({
      source: { kind: 'base64', mediaType: 'image/png', data: 'AAAA' },
    });
    expect(image('https://example.com/a.png')).toMatchObject({
      source: { kind: 'url', url: 'https://example.com/a.png' },
    });
  });

  it.each(['file:///etc/passwd', 'data:image/png,notbase64', 'data:image/png;base64,***', 'gopher://x'])(
    'refuse the image URL %s',
    (url) => {
      expect(
        faultOf({ messages: [{ role: 'user', content: [{ type: 'image_url', image_url: { url } }] }] }),
      ).toMatchObject({ param: 'messages[0].content[0].image_url.url' });
    },
  );

  it('keep DeepSeek reasoning_content of the history as unsigned reasoning', () => {
    const request = parse({
      messages: [user, { role: 'assistant', content: 'x', reasoning_content: 'because' }, user],
    });
    expect(request.messages[1]?.content[0]).toEqual({ type: 'reasoning', text: 'because', origin: 'open' });
  });

  it('take a signature back only in the form they were given it, and never take another model’s for Claude’s', () => {
    const reasoning = (detail: object) =>
      parse({
        messages: [
          user,
          {
            role: 'assistant',
            content: 'x',
            reasoning_details: [{ type: 'reasoning.text', text: 't', signature: 's', ...detail }],
          },
        ],
      }).messages[1]?.content[0];
    expect(reasoning({ format: 'anthropic-claude-v1' })).toEqual({
      type: 'reasoning',
      text: 't',
      signature: 's',
      origin: 'claude',
    });
    expect(reasoning({ format: 'other-v1' })).toEqual({ type: 'reasoning', text: 't', origin: 'open' });
  });

  it('list every field the neutral model has no place for', () => {
    const parsed = chat.parseRequest(
      encodeJson({ model: 'm', messages: [user], store: true, service_tier: 'flex', brand_new: 1, logit_bias: null }),
    );
    expect(parsed.ok && parsed.dropped).toEqual([
      'store:not_carried',
      'service_tier:not_carried',
      'brand_new:not_carried',
    ]);
  });

  it.each([
    [
      { messages: [{ role: 'user', content: [{ type: 'text', text: 4 }] }] },
      'messages[0].content[0].text',
      'must be a string',
    ],
    [{ messages: [{ role: 'user' }] }, 'messages[0].content', 'this field is required'],
    [{ messages: [{ role: 'robot', content: '' }] }, 'messages[0].role', 'is not a known value'],
    [{ messages: [] }, 'messages', 'must not be empty'],
    [{ temperature: 'hot' }, 'temperature', 'must be a number'],
    [{ temperature: 3 }, 'temperature', 'must be at most 2'],
    [{ max_tokens: 0 }, 'max_tokens', 'must be at least 1'],
    [{ stream: 'yes' }, 'stream', 'must be a boolean'],
    [{ tools: [{ type: 'function', function: {} }] }, 'tools[0].function.name', 'this field is required'],
    [
      { tools: [{ type: 'function', function: { name: 'f', parameters: [] } }] },
      'tools[0].function.parameters',
      'must be an object',
    ],
    [{ messages: undefined, input: 'x' }, 'messages', 'Responses API'],
  ])('explain %j in words that name the field', (fields, param, words) => {
    const fault = faultOf(fields);
    expect(fault).toMatchObject({ code: 'invalid_request', param });
    expect(fault?.message).toContain(words);
  });

  it('refuse invalid UTF-8 and malformed JSON with a typed fault', () => {
    expect(chat.parseRequest(new Uint8Array([0x22, 0xff]))).toMatchObject({
      ok: false,
      fault: { code: 'invalid_request', param: null },
    });
    expect(chat.parseRequest(encodeText('{'))).toMatchObject({ ok: false });
    expect(chat.parseRequest(encodeText('[]'))).toMatchObject({ ok: false });
  });
});

describe('Chat requests to an upstream', () => {
  it('split tool results into one message each, before the rest of the turn', () => {
    const request: CallRequest = {
      ...parse({}),
      messages: [
        {
          role: 'user',
          content: [
            { type: 'tool-result', toolCallId: 'a', content: [{ type: 'text', text: '1' }] },
            { type: 'tool-result', toolCallId: 'b', content: [], isError: true },
            { type: 'text', text: 'go on' },
          ],
        },
      ],
    };
    const { body, dropped } = write(request);
    expect(body['messages']).toEqual([
      { role: 'tool', tool_call_id: 'a', content: '1' },
      { role: 'tool', tool_call_id: 'b', content: '' },
      { role: 'user', content: 'go on' },
    ]);
    expect(dropped).toEqual(['tool_result.is_error:not_supported']);
  });

  it('list images in tool results as lost, because Chat has no place for them', () => {
    const image = { type: 'image' as const, source: { kind: 'base64' as const, mediaType: 'image/png', data: 'AA==' } };
    const request: CallRequest = {
      ...parse({}),
      messages: [{ role: 'user', content: [{ type: 'tool-result', toolCallId: 'a', content: [image] }] }],
    };
    expect(write(request).dropped).toEqual(['tool_result.image:not_supported']);
  });

  it('always ask for usage in a stream, except of upstreams that refuse the field', () => {
    const request = parse({ stream: true });
    expect(write(request).body['stream_options']).toEqual({ include_usage: true });
    expect(write(request, { streamUsage: false }).body).not.toHaveProperty('stream_options');
  });

  it('send reasoning_content on every tool turn of a DeepSeek model, empty where the client dropped it', () => {
    const call = { id: 'c', type: 'function', function: { name: 'f', arguments: '{}' } };
    const request = parse({
      messages: [
        user,
        { role: 'assistant', content: null, tool_calls: [call] },
        { role: 'tool', tool_call_id: 'c', content: '1' },
      ],
    });
    expect(write(request, { reasoning: 'thinking' }).body['messages'][1]).toMatchObject({ reasoning_content: '' });
    expect(write(request, { reasoning: 'effort' }).body['messages'][1]).not.toHaveProperty('reasoning_content');
  });

  it('never send Claude’s signed reasoning to another model', () => {
    const request: CallRequest = {
      ...parse({}),
      messages: [
        {
          role: 'assistant',
          content: [
            { type: 'reasoning', text: 't', signature: 's', origin: 'claude' },
            { type: 'text', text: 'x' },
          ],
        },
      ],
    };
    const { body, dropped } = write(request, { reasoning: 'thinking' });
    expect(JSON.stringify(body)).not.toContain('"s"');
    expect(dropped).toEqual(['reasoning:foreign_signature']);
  });

  it('bound the answer by the model’s maximum where the caller gave no bound or a larger one', () => {
    expect(write(parse({})).body['max_tokens']).toBe(1000);
    expect(write(parse({ max_tokens: 5000 })).body['max_tokens']).toBe(1000);
    expect(write(parse({ max_tokens: 5 }), { reasoning: 'effort' }).body['max_completion_tokens']).toBe(5);
  });

  it('leave sampling out where the model refuses it, and say so', () => {
    const { body, dropped } = write(parse({ temperature: 0.5, top_p: 0.9, seed: 1 }), { samplingAccepted: false });
    expect(body).toMatchObject({ seed: 1 });
    expect(body).not.toHaveProperty('temperature');
    expect(dropped).toEqual(['temperature:not_accepted_by_model', 'top_p:not_accepted_by_model']);
  });

  it('map an id that is too long the same way in the call and in its result', () => {
    const id = 'x'.repeat(64);
    const request: CallRequest = {
      ...parse({}),
      messages: [
        { role: 'assistant', content: [{ type: 'tool-call', id, name: 'f', input: '{}' }] },
        { role: 'user', content: [{ type: 'tool-result', toolCallId: id, content: [] }] },
      ],
    };
    const [assistant, tool] = write(request).body.messages;
    expect(assistant?.tool_calls?.[0]?.id).toBe(tool?.tool_call_id);
    expect(tool?.tool_call_id?.length).toBeLessThanOrEqual(40);
  });

  it('give a tool name that is too long back in the answer as the caller wrote it', () => {
    const name = `mcp__server__${'long_'.repeat(20)}`;
    const written = chat.writeRequest(parse({ tools: [{ type: 'function', function: { name } }] }), target);
    if (!written.ok) throw new Error('refused');
    const sent =
      (JSON.parse(decodeText(written.body)) as { tools: { function: { name: string } }[] }).tools[0]?.function.name ??
      '';
    expect(sent).toMatch(/^[a-zA-Z0-9_-]{1,64}$/);
    const answer = encodeJson({
      choices: [
        { message: { role: 'assistant', tool_calls: [{ id: 'c', function: { name: sent, arguments: '{}' } }] } },
      ],
    });
    expect(chat.parseResponse(answer, written.context)).toMatchObject({ response: { content: [{ name }] } });
  });
});
