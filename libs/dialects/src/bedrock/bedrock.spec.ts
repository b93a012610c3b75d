import type { Block, CallMessage, CallRequest, StreamEvent } from '@weir/call-model';
import { describe, expect, it } from '@jest/globals';
import type { TargetCapabilities } from '../dialect.js';
import { decodeText, encodeText } from '../framing/bytes.js';
import { EventStreamDecoder, writeEventStreamMessage } from '../framing/event-stream.js';
import { createInvokeToSse } from '../registry.js';
import { encodeJson } from '../translation/json.js';
import { bedrockConverseDialect as converse } from './converse-dialect.js';
import { bedrockInvokeDialect as invoke } from './invoke-dialect.js';
import { sanitizeDocumentName } from './media-format.js';

const target: TargetCapabilities = { model: 'up', maxOutputTokens: 1000 };

function request(fields: Partial<CallRequest> = {}): CallRequest {
  return {
    model: 'm',
    system: [],
    messages: [say('user', text('hi'))],
    tools: [],
    sampling: {},
    stop: [],
    stream: false,
    ...fields,
  };
}

function write(fields: Partial<CallRequest>, capabilities: Partial<TargetCapabilities> = {}) {
  const written = converse.writeRequest(request(fields), { ...target, ...capabilities });
  if (!written.ok) throw new Error(written.fault.message);
  return { body: JSON.parse(decodeText(written.body)) as WireBody, dropped: written.dropped };
}

/** The wire JSON as assertions read it. */
interface WireBlock {
  readonly text?: string;
  readonly toolUse?: { readonly input: object };
  readonly document?: { readonly name: string; readonly format: string };
}
interface WireBody extends Record<string, unknown> {
  readonly messages: readonly { readonly role: string; readonly content: readonly WireBlock[] }[];
  readonly system?: readonly WireBlock[];
  readonly toolConfig?: { readonly tools: readonly object[] };
  readonly outputConfig?: { readonly textFormat?: object };
}

function say(role: CallMessage['role'], ...content: Block[]): CallMessage {
  return { role, content };
}

function text(value: string): Block {
  return { type: 'text', text: value };
}

function event(type: string, payload: object): Uint8Array {
  return writeEventStreamMessage(
    { ':event-type': type, ':content-type': 'application/json', ':message-type': 'event' },
    encodeJson(payload),
  );
}

function exception(name: string, message: string): Uint8Array {
  return writeEventStreamMessage({ ':exception-type': name, ':message-type': 'exception' }, encodeJson({ message }));
}

function decode(...messages: Uint8Array[]): StreamEvent[] {
  const decoder = converse.createStreamDecoder({ model: 'm' });
  return [...decoder.push(Buffer.concat(messages)), ...decoder.end()];
}

const messageStop = event('messageStop', { stopReason: 'end_turn' });

describe('requests to Converse', () => {
  it('start with a user turn and alternate roles', () => {
    const { body, dropped } = write({
      messages: [say('assistant', text('x')), say('assistant', text('y')), say('user', text('z'))],
    });
    expect(body['messages'].map((message) => message.role)).toEqual(['user', 'assistant', 'user']);
    expect(dropped).toEqual(['messages:opening_user_turn_added']);
  });

  it('put all tool results of one turn into one user message, failures marked', () => {
    const { body } = write({
      messages: [
        say('user', text('a')),
        say(
          'assistant',
          { type: 'tool-call', id: '1', name: 'f', input: '' },
          { type: 'tool-call', id: '2', name: 'f', input: '{}' },
        ),
        say('user', { type: 'tool-result', toolCallId: '1', content: [], isError: true }),
        say('user', { type: 'tool-result', toolCallId: '2', content: [{ type: 'text', text: 'ok' }] }),
      ],
    });
    expect(body['messages'][1]?.content[0]?.toolUse?.input).toEqual({});
    expect(body['messages'][2]?.content).toEqual([
      { toolResult: { toolUseId: '1', content: [{ text: '(no output)' }], status: 'error' } },
      { toolResult: { toolUseId: '2', content: [{ text: 'ok' }] } },
    ]);
  });

  it('keep the tools and instruct where the caller chose none', () => {
    const { body, dropped } = write({ tools: [{ name: 'f', inputSchema: {} }], toolChoice: { mode: 'none' } });
    expect(body.toolConfig?.tools).toHaveLength(1);
    expect(body['toolConfig']).not.toHaveProperty('toolChoice');
    expect(body.system?.at(-1)?.text).toContain('Do not call any tool');
    expect(dropped).toEqual(['tool_choice.none:instructed']);
  });

  it('define the tools a history names where the call brings none', () => {
    const { body, dropped } = write({
      messages: [
        say('user', text('a')),
        say('assistant', { type: 'tool-call', id: '1', name: 'f', input: '{}' }),
        say('user', { type: 'tool-result', toolCallId: '1', content: [] }),
      ],
    });
    expect(body.toolConfig?.tools).toEqual([{ toolSpec: { name: 'f', inputSchema: { json: { type: 'object' } } } }]);
    expect(dropped).toEqual(['tools:defined_from_history']);
  });

  it('refuse image URLs: Converse takes bytes and nothing here fetches', () => {
    const image: Block = { type: 'image', source: { kind: 'url', url: 'https://example.com/a.png' } };
    const written = converse.writeRequest(request({ messages: [say('user', image)] }), target);
    expect(written).toMatchObject({ ok: false, fault: { code: 'invalid_request' } });
  });

  it('refuse image types Converse does not know', () => {
    const image: Block = { type: 'image', source: { kind: 'base64', mediaType: 'image/tiff', data: 'AA==' } };
    expect(converse.writeRequest(request({ messages: [say('user', image)] }), target)).toMatchObject({ ok: false });
  });

  it('give documents names Converse allows, each once, and words beside them', () => {
    const document = (name: string): Block => ({
      type: 'document',
      name,
      source: { kind: 'base64', mediaType: 'application/pdf', data: 'AA==' },
    });
    const { body, dropped } = write({ messages: [say('user', document('Q3_report.pdf'), document('Q3/report.pdf'))] });
    const [first, second, words] = body['messages'][0]?.content ?? [];
    expect([first?.document?.name, second?.document?.name]).toEqual(['Q3-report-pdf', 'Q3-report-pdf (2)']);
    expect(first?.document?.format).toBe('pdf');
    expect(words).toEqual({ text: 'See the attached document.' });
    expect(dropped).toEqual(['messages.document:text_added']);
  });

  it.each([
    ['a  b\tc', 'a b c'],
    ['报告', 'document'],
    ['(x) [y]-z', '(x) [y]-z'],
    ['', 'document'],
  ])('turn the document name %j into %j', (name, allowed) => {
    expect(sanitizeDocumentName(name)).toBe(allowed);
  });

  it('write the JSON schema as a string into textFormat', () => {
    const { body } = write({ responseFormat: { type: 'json-schema', name: 'n', schema: { type: 'object' } } });
    expect(body.outputConfig?.textFormat).toEqual({
      type: 'json_schema',
      structure: { jsonSchema: { schema: '{"type":"object"}', name: 'n' } },
    });
  });

  it('keep signed reasoning for Claude only', () => {
    const messages = [
      say('user', text('a')),
      say('assistant', { type: 'reasoning', text: 't', signature: 's', origin: 'claude' }, text('b')),
      say('user', text('c')),
    ];
    const claude = write({ messages }, { reasoning: 'thinking' });
    expect(claude.body['messages'][1]?.content[0]).toEqual({
      reasoningContent: { reasoningText: { text: 't', signature: 's' } },
    });
    const other = write({ messages }, { reasoning: 'none' });
    expect(other.body['messages'][1]?.content).toEqual([{ text: 'b' }]);
    expect(other.dropped).toEqual(['reasoning:foreign_signature']);
  });

  it('ask Claude for thinking in the fields Converse passes on, other models by effort', () => {
    const reasoning = { mode: 'unspecified' as const, effort: 'medium' };
    expect(
      write({ reasoning, maxOutputTokens: 9000 }, { reasoning: 'thinking', maxOutputTokens: 9000 }).body[
        'additionalModelRequestFields'
      ],
    ).toEqual({
      thinking: { type: 'enabled', budget_tokens: 8192 },
    });
    expect(write({ reasoning }, { reasoning: 'effort' }).body).toMatchObject({ outputConfig: { effort: 'medium' } });
  });

  it('write cache points after their block, at most four', () => {
    const cached = (value: string): Block => ({ type: 'text', text: value, cache: { ttl: '5m' } });
    const { body, dropped } = write({ messages: [say('user', ...['a', 'b', 'c', 'd', 'e'].map(cached))] });
    expect(body['messages'][0]?.content.map((block) => Object.keys(block)[0])).toEqual([
      'text',
      'text',
      'cachePoint',
      'text',
      'cachePoint',
      'text',
      'cachePoint',
      'text',
      'cachePoint',
    ]);
    expect(dropped).toEqual(['cache_control:more_than_4']);
  });

  it.each([
    [{ choices: 2 }, 'n'],
    [{ logprobs: true }, 'logprobs'],
  ])('refuse %j', (fields, param) => {
    expect(converse.writeRequest(request(fields), target)).toMatchObject({ ok: false, fault: { param } });
  });

  it('list what Converse has no field for', () => {
    const { dropped } = write({
      sampling: { seed: 1, frequencyPenalty: 1, topK: 2 },
      parallelToolCalls: false,
      user: 'u',
    });
    expect(dropped).toEqual([
      'frequency_penalty:not_supported',
      'seed:not_supported',
      'top_k:not_supported',
      'parallel_tool_calls:not_supported',
      'user:not_supported',
    ]);
  });
});

describe('requests to InvokeModel', () => {
  it('carry Claude’s body with anthropic_version, without model and stream', () => {
    const written = invoke.writeRequest(request({ stream: true }), target);
    if (!written.ok) throw new Error(written.fault.message);
    expect(JSON.parse(decodeText(written.body))).toEqual({
      anthropic_version: 'bedrock-2023-05-31',
      max_tokens: 1000,
      messages: [{ role: 'user', content: [{ type: 'text', text: 'hi' }] }],
    });
  });

  it('take model and stream from the path', () => {
    const body = encodeJson({
      anthropic_version: 'bedrock-2023-05-31',
      max_tokens: 5,
      messages: [{ role: 'user', content: 'x' }],
    });
    expect(invoke.parseRequest(body, { model: 'us.claude', stream: true })).toMatchObject({
      ok: true,
      dropped: [],
      request: { model: 'us.claude', stream: true },
    });
  });
});

describe('ConverseStream', () => {
  it('tells tools apart by block index although blocks interleave', () => {
    const start = (index: number, name: string) =>
      event('contentBlockStart', { contentBlockIndex: index, start: { toolUse: { toolUseId: name, name } } });
    const input = (index: number, value: string) =>
      event('contentBlockDelta', { contentBlockIndex: index, delta: { toolUse: { input: value } } });
    const out = decode(
      event('messageStart', { role: 'assistant' }),
      start(1, 'f'),
      start(4, 'g'),
      input(4, 'b'),
      input(1, 'a'),
      messageStop,
    );
    expect(out.filter((item) => item.type === 'tool-call-delta')).toEqual([
      { type: 'tool-call-delta', block: 1, fragment: 'b' },
      { type: 'tool-call-delta', block: 0, fragment: 'a' },
    ]);
    expect(out.filter((item) => item.type === 'tool-call-end')).toHaveLength(2);
  });

  it('keeps a thinking block that has only a signature', () => {
    const out = decode(
      event('contentBlockDelta', { contentBlockIndex: 0, delta: { reasoningContent: { signature: 'sig' } } }),
      event('contentBlockStop', { contentBlockIndex: 0 }),
      messageStop,
    );
    expect(out).toContainEqual({ type: 'reasoning-end', block: 0, signature: 'sig' });
  });

  it('takes usage from metadata, which is last', () => {
    const out = decode(messageStop, event('metadata', { usage: { inputTokens: 3, outputTokens: 4, totalTokens: 7 } }));
    expect(out.map((item) => item.type)).toEqual(['finish', 'usage']);
  });

  it.each([
    ['throttlingException', 'rate_limit', 429],
    ['modelStreamErrorException', 'api', 424],
    ['serviceUnavailableException', 'overloaded', 503],
    ['validationException', 'invalid_request', 400],
    ['brandNewException', 'api', 500],
  ])('turns the exception %s after HTTP 200 into a typed error', (name, type, status) => {
    expect(decode(event('messageStart', {}), exception(name, 'why')).at(-1)).toEqual({
      type: 'error',
      error: { type, status, message: 'why', code: name },
    });
  });

  it('ignores unknown events', () => {
    expect(decode(event('somethingNew', { a: 1 }), messageStop).map((item) => item.type)).toEqual(['finish']);
  });

  it('turns a damaged message into a typed error', () => {
    const bytes = event('messageStart', { role: 'assistant' });
    bytes[20] = (bytes[20] ?? 0) ^ 1;
    expect(decode(bytes)).toMatchObject([{ type: 'error', error: { type: 'malformed', status: 502 } }]);
  });
});

describe('createInvokeToSse', () => {
  const chunk = (inner: string) => event('chunk', { bytes: Buffer.from(inner).toString('base64') });

  it('passes the inner JSON bytes on unchanged', () => {
    const inner = '{"type":"content_block_delta", "index":0,"delta":{"type":"text_delta","text":"\\u5830 1.0e+2"}}';
    expect(decodeText(createInvokeToSse().push(chunk(inner)))).toBe(`event: content_block_delta\ndata: ${inner}\n\n`);
  });

  it('finds the type wherever it stands', () => {
    expect(decodeText(createInvokeToSse().push(chunk('{"index":0,"type":"content_block_stop"}')))).toContain(
      'event: content_block_stop\n',
    );
  });

  it('stops at an exception and says what it was; the caller renders it', () => {
    const toSse = createInvokeToSse();
    const sent = toSse.push(
      Buffer.concat([chunk('{"type":"ping"}'), exception('throttlingException', 'slow'), chunk('{"type":"ping"}')]),
    );
    expect(decodeText(sent)).toBe('event: ping\ndata: {"type":"ping"}\n\n');
    expect(toSse.error).toMatchObject({ type: 'rate_limit', status: 429 });
    expect(toSse.push(chunk('{"type":"ping"}'))).toHaveLength(0);
  });

  it.each([
    ['a chunk without bytes', event('chunk', {})],
    ['an event without type', chunk('{"a":1}')],
    ['foreign bytes', encodeText('HTTP/1.1 502 Bad Gateway\r\n\r\n')],
  ])('turns %s into a typed error', (_name, bytes) => {
    const toSse = createInvokeToSse();
    expect(toSse.push(bytes)).toHaveLength(0);
    expect(toSse.error).toMatchObject({ type: 'malformed' });
  });
});

describe('Bedrock streams to a client', () => {
  it('end in an exception message on which the AWS SDK throws', () => {
    for (const dialect of [converse, invoke]) {
      const encoder = dialect.createStreamEncoder({});
      const bytes = encoder.encode({ type: 'error', error: { type: 'rate_limit', status: 429, message: 'slow' } });
      const [message] = new EventStreamDecoder().push(bytes);
      expect(message?.headers).toMatchObject({
        ':message-type': 'exception',
        ':exception-type': 'throttlingException',
      });
      expect(encoder.end()).toHaveLength(0);
    }
  });
});
