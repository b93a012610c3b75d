import type { Block, CallMessage, CallRequest, ReasoningBlock, ToolDefinition } from '@weir/call-model';
import { CallRequest as CallRequestSchema } from '@weir/call-model';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { TargetCapabilities, WireDialect } from './dialect.js';
import { DIALECTS } from './registry.js';

/** What a dialect can carry; what it cannot is not generated here and has its own named test. */
interface Carries {
  readonly cache: boolean;
  readonly signedReasoning: boolean;
  readonly openReasoning: boolean;
  readonly isError: boolean;
  readonly resultImages: boolean;
  readonly severalTexts: boolean;
  readonly systemBlocks: number;
  readonly textDocuments: boolean;
  readonly toolChoices: readonly ('auto' | 'none' | 'required' | 'tool')[];
  readonly parallel: boolean;
  readonly penalties: boolean;
  readonly topK: boolean;
  readonly schemaName: boolean;
  readonly user: boolean;
  readonly metadata: boolean;
  readonly stopMax: number;
}

const CLAUDE: Carries = {
  cache: true,
  signedReasoning: true,
  openReasoning: false,
  isError: true,
  resultImages: true,
  severalTexts: true,
  systemBlocks: 3,
  textDocuments: true,
  toolChoices: ['auto', 'none', 'required', 'tool'],
  parallel: true,
  penalties: false,
  topK: true,
  schemaName: false,
  user: true,
  metadata: false,
  stopMax: 6,
};

const CARRIES: Readonly<Record<WireDialect, Carries>> = {
  anthropic: CLAUDE,
  'bedrock-invoke': CLAUDE,
  'bedrock-converse': {
    ...CLAUDE,
    textDocuments: false,
    toolChoices: ['auto', 'required', 'tool'],
    parallel: false,
    schemaName: true,
    user: false,
    metadata: true,
  },
  'openai-chat': {
    ...CLAUDE,
    cache: false,
    signedReasoning: false,
    openReasoning: true,
    isError: false,
    resultImages: false,
    severalTexts: false,
    systemBlocks: 1,
    textDocuments: false,
    penalties: true,
    topK: false,
    schemaName: true,
    stopMax: 4,
  },
};

const words = fc.string({ minLength: 1, maxLength: 30 }).map((text) => `w${text}w`);
const base64 = fc.uint8Array({ minLength: 1, maxLength: 20 }).map((bytes) => Buffer.from(bytes).toString('base64'));
const toolName = fc.stringMatching(/^[a-zA-Z0-9_-]{1,20}$/);
const jsonObject = fc
  .dictionary(fc.string(), fc.jsonValue({ maxDepth: 2 }), { maxKeys: 4 })
  .map((value) => JSON.parse(JSON.stringify(value)) as Record<string, unknown>);

function optional<T extends string, V>(key: T, value: fc.Arbitrary<V>): fc.Arbitrary<{ [K in T]?: V }> {
  return fc
    .option(value, { nil: undefined })
    .map((item) => (item === undefined ? {} : { [key]: item }) as { [K in T]?: V });
}

function merged<A, B>(first: fc.Arbitrary<A>, second: fc.Arbitrary<B>): fc.Arbitrary<A & B> {
  return fc.tuple(first, second).map(([a, b]) => ({ ...a, ...b }));
}

function cacheOf(carries: Carries) {
  const cache = fc.record({ ttl: fc.constantFrom('5m' as const, '1h' as const) });
  // Rarely: four is the most a request may have.
  return carries.cache
    ? fc.oneof(
        { weight: 30, arbitrary: fc.constant({}) },
        { weight: 1, arbitrary: cache.map((item) => ({ cache: item })) },
      )
    : fc.constant({});
}

function blocks(carries: Carries) {
  const cache = cacheOf(carries);
  const text = merged(
    words.map((item) => ({ type: 'text' as const, text: item })),
    cache,
  );
  const image = merged(
    base64.map((data) => ({
      type: 'image' as const,
      source: { kind: 'base64' as const, mediaType: 'image/png', data },
    })),
    cache,
  );
  const documentSource = carries.textDocuments
    ? fc.oneof(
        base64.map((data) => ({ kind: 'base64' as const, mediaType: 'application/pdf', data })),
        words.map((item) => ({ kind: 'text' as const, text: item })),
      )
    : base64.map((data) => ({ kind: 'base64' as const, mediaType: 'application/pdf', data }));
  const document = merged(
    fc.tuple(documentSource, fc.uuid()).map(([source, name]) => ({ type: 'document' as const, source, name })),
    cache,
  );
  const open = words.map((item): ReasoningBlock => ({ type: 'reasoning', text: item, origin: 'open' }));
  const signed = fc.oneof(
    fc
      .tuple(fc.string(), base64)
      .map(([item, signature]): ReasoningBlock => ({ type: 'reasoning', text: item, signature, origin: 'claude' })),
    base64.map((redacted): ReasoningBlock => ({ type: 'reasoning', text: '', redacted, origin: 'claude' })),
  );
  const reasoning = carries.signedReasoning
    ? fc.array(signed, { maxLength: 2 })
    : fc.array(open, { maxLength: carries.openReasoning ? 1 : 0 });
  return { text, image, document, reasoning };
}

/** User, assistant, user, …; calls of an assistant turn are all answered at the start of the next one. */
function messagesOf(carries: Carries): fc.Arbitrary<CallMessage[]> {
  const { text, image, document, reasoning } = blocks(carries);
  const userContent = fc
    .tuple(text, fc.array(fc.oneof(text, image, document), { maxLength: 3 }))
    .map(([first, rest]): Block[] => [first, ...rest]);
  const resultContent = carries.resultImages
    ? fc.array(fc.oneof(text, image), { minLength: 1, maxLength: 2 })
    : text.map((item) => [item]);
  const call = fc.tuple(fc.uuid(), toolName, jsonObject, resultContent, fc.boolean());
  const turn = fc.tuple(
    reasoning,
    fc.array(text, { minLength: 1, maxLength: carries.severalTexts ? 2 : 1 }),
    fc.array(call, { maxLength: 3 }),
    userContent,
  );
  return fc.tuple(userContent, fc.array(turn, { maxLength: 3 })).map(([first, turns]) => {
    const messages: CallMessage[] = [{ role: 'user', content: first }];
    for (const [thoughts, texts, calls, answer] of turns) {
      const toolCalls: Block[] = calls.map(([id, name, input]) => ({
        type: 'tool-call',
        id,
        name,
        input: JSON.stringify(input),
      }));
      const results: Block[] = calls.map(([id, , , content, isError]) => ({
        type: 'tool-result',
        toolCallId: id,
        content: content.map((part) => ({ ...part, cache: undefined })),
        ...(isError && carries.isError ? { isError } : {}),
      }));
      messages.push(
        { role: 'assistant', content: [...thoughts, ...texts, ...toolCalls] },
        { role: 'user', content: [...results, ...answer] },
      );
    }
    return messages;
  });
}

function toolsOf(carries: Carries): fc.Arbitrary<ToolDefinition[]> {
  const schema = jsonObject.map((properties) => ({ type: 'object', properties }));
  const tool = fc.tuple(
    toolName,
    schema,
    optional('description', words),
    optional('strict', fc.boolean()),
    cacheOf(carries),
  );
  return fc.uniqueArray(tool, { minLength: 1, maxLength: 3, selector: ([name]) => name }).map((tools) =>
    tools.map(([name, inputSchema, description, strict, cache]) => ({
      name,
      inputSchema,
      ...description,
      ...strict,
      ...cache,
    })),
  );
}

function requestOf(carries: Carries): fc.Arbitrary<CallRequest> {
  const tools = toolsOf(carries);
  const choice = fc
    .tuple(fc.constantFrom(...carries.toolChoices), tools, fc.boolean())
    .map(([mode, list, isSequential]) => ({
      tools: list,
      toolChoice: mode === 'tool' ? { mode, name: list[0]?.name ?? '' } : { mode },
      ...(carries.parallel && isSequential && mode !== 'none' ? { parallelToolCalls: false } : {}),
    }));
  const number = fc.integer({ min: 0, max: 100 }).map((value) => value / 100);
  const sampling = fc.oneof(
    optional('temperature', number),
    optional('topP', number),
    carries.topK ? optional('topK', fc.nat(100)) : fc.constant({}),
    carries.penalties ? optional('frequencyPenalty', number) : fc.constant({}),
    carries.penalties ? optional('seed', fc.nat()) : fc.constant({}),
  );
  const format = fc
    .tuple(jsonObject, carries.schemaName ? words.map((name) => ({ name })) : fc.constant({}))
    .map(([schema, name]) => ({ type: 'json-schema' as const, schema, ...name }));
  return fc
    .tuple(
      fc.array(words, { maxLength: carries.systemBlocks }),
      messagesOf(carries),
      choice,
      sampling,
      fc.array(words, { maxLength: carries.stopMax }),
      optional('responseFormat', format),
      carries.user ? optional('user', words) : fc.constant({}),
      carries.metadata ? optional('metadata', fc.dictionary(toolName, words)) : fc.constant({}),
      fc.boolean(),
    )
    .map(([system, messages, toolFields, samplingFields, stop, responseFormat, user, metadata, stream]) => ({
      model: 'm',
      system: system.map((text) => ({ type: 'text' as const, text })),
      messages,
      ...toolFields,
      maxOutputTokens: 512,
      sampling: samplingFields,
      stop,
      ...responseFormat,
      ...user,
      ...metadata,
      stream,
    }));
}

/** Chat gives each tool result a message of its own; neighbours of one role mean the same as one message. */
function joinTurns(request: CallRequest): CallRequest {
  const messages: CallMessage[] = [];
  for (const message of request.messages) {
    const last = messages.at(-1);
    if (last?.role === message.role) last.content.push(...message.content);
    else messages.push({ role: message.role, content: [...message.content] });
  }
  return { ...request, messages };
}

function countCache(request: CallRequest): number {
  return JSON.stringify(request).split('"cache":').length - 1;
}

describe.each(Object.entries(CARRIES) as [WireDialect, Carries][])('%s requests', (name, carries) => {
  const target: TargetCapabilities = { model: 'm', maxOutputTokens: 4096, reasoning: 'thinking' };

  it('come back from the wire as they were, with nothing dropped', () => {
    fc.assert(
      fc.property(requestOf(carries), (request) => {
        fc.pre(countCache(request) <= 4);
        const dialect = DIALECTS[name];
        const written = dialect.writeRequest(request, target);
        if (!written.ok) throw new Error(written.fault.message);
        expect(written.dropped).toEqual([]);
        const parsed = dialect.parseRequest(written.body, { model: 'm', stream: request.stream });
        if (!parsed.ok) throw new Error(parsed.fault.message);
        expect(parsed.dropped).toEqual([]);
        const { streamUsage: _streamUsage, ...again } = joinTurns(parsed.request);
        expect(CallRequestSchema.parse(again)).toEqual(CallRequestSchema.parse(joinTurns(request)));
      }),
    );
  });
});
