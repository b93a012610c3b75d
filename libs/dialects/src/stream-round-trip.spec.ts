import {
  collectResponse,
  type CallResponse,
  type FinishReason,
  type OutputBlock,
  type StreamEvent,
  type Usage,
} from '@weir/call-model';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { StreamDecoder, WireDialect } from './dialect.js';
import { mapChatFinish, mapFinishToChat } from './openai-chat/finish.js';
import { mapConverseFinish, mapFinishToConverse } from './bedrock/finish.js';
import { mapAnthropicFinish, mapFinishToAnthropic } from './anthropic/finish.js';
import { createInvokeToSse, createPassthrough, DIALECTS } from './registry.js';

const FINISHES: readonly FinishReason[] = [
  'stop',
  'stop-sequence',
  'length',
  'context-length',
  'tool-calls',
  'content-filter',
  'refusal',
  'pause',
  'malformed',
];

const count = fc.nat(1_000_000);
const usage: fc.Arbitrary<Usage> = fc.record({
  inputUncached: count,
  inputCacheRead: count,
  inputCacheWrite5m: count,
  inputCacheWrite1h: count,
  output: count,
  reasoning: count,
});

const text = fc.string({ unit: 'binary', minLength: 1, maxLength: 12 }).map((value) => Buffer.from(value).toString());
const base64 = fc.uint8Array({ minLength: 1, maxLength: 12 }).map((bytes) => Buffer.from(bytes).toString('base64'));
const toolCall = fc
  .tuple(fc.uuid(), fc.stringMatching(/^[a-z_]{1,12}$/), fc.jsonValue({ maxDepth: 1 }))
  .map(([id, name, value]): OutputBlock => ({ type: 'tool-call', id, name, input: JSON.stringify({ value }) }));
const textBlock = text.map((value): OutputBlock => ({ type: 'text', text: value }));
const reasoning = fc.oneof(
  text.map((value): OutputBlock => ({ type: 'reasoning', text: value, origin: 'open' })),
  fc
    .tuple(fc.oneof(text, fc.constant('')), base64)
    .map(([value, signature]): OutputBlock => ({ type: 'reasoning', text: value, signature, origin: 'claude' })),
  base64.map((redacted): OutputBlock => ({ type: 'reasoning', text: '', redacted, origin: 'claude' })),
);

/** Reasoning, text and calls as models give them; no two texts in a row, because Chat cannot keep them apart. */
const response: fc.Arbitrary<CallResponse> = fc
  .tuple(
    fc.option(reasoning, { nil: undefined }),
    fc.option(textBlock, { nil: undefined }),
    fc.array(toolCall, { maxLength: 3 }),
    fc.constantFrom(...FINISHES),
    usage,
  )
  .map(([thought, words, calls, finish, counted]) => ({
    id: 'abc',
    model: 'm',
    content: [thought, words, ...calls].filter((block) => block !== undefined),
    finish,
    usage: counted,
  }));

function pieces(value: string, size: number): string[] {
  const parts: string[] = [];
  for (let at = 0; at < value.length; at += size) parts.push(value.slice(at, at + size));
  return parts;
}

/** The events of one block, its content in pieces of this size. */
function eventsOf(content: OutputBlock, block: number, size: number): StreamEvent[] {
  switch (content.type) {
    case 'text':
      return [
        { type: 'text-start', block },
        ...Array.from(content.text).map((part): StreamEvent => ({ type: 'text-delta', block, text: part })),
        { type: 'text-end', block },
      ];
    case 'tool-call':
      return [
        { type: 'tool-call-start', block, id: content.id, name: content.name },
        ...pieces(content.input, size).map((fragment): StreamEvent => ({ type: 'tool-call-delta', block, fragment })),
        { type: 'tool-call-end', block },
      ];
    case 'reasoning':
      return [
        { type: 'reasoning-start', block },
        ...Array.from(content.text).map((part): StreamEvent => ({ type: 'reasoning-delta', block, text: part })),
        {
          type: 'reasoning-end',
          block,
          ...(content.signature === undefined ? {} : { signature: content.signature }),
          ...(content.redacted === undefined ? {} : { redacted: content.redacted }),
        },
      ];
  }
}

/** Parallel calls take turns, one event each, as OpenAI streams them. */
function interleave(lists: readonly StreamEvent[][]): StreamEvent[] {
  const events: StreamEvent[] = [];
  for (let index = 0; lists.some((list) => index < list.length); index += 1) {
    for (const list of lists) if (list[index]) events.push(list[index] as StreamEvent);
  }
  return events;
}

interface StreamShape {
  readonly size: number;
  readonly isInterleaved: boolean;
  readonly isUsageLast: boolean;
}

function streamOf(answer: CallResponse, shape: StreamShape): StreamEvent[] {
  const lists = answer.content.map((content, block) => eventsOf(content, block, shape.size));
  const calls = lists.filter((_list, index) => answer.content[index]?.type === 'tool-call');
  const others = lists.filter((_list, index) => answer.content[index]?.type !== 'tool-call');
  const counted: StreamEvent[] = answer.usage ? [{ type: 'usage', usage: answer.usage }] : [];
  return [
    { type: 'message-start', id: answer.id, model: answer.model },
    ...(shape.isUsageLast ? [] : counted),
    ...others.flat(),
    ...(shape.isInterleaved ? interleave(calls) : calls.flat()),
    { type: 'finish', reason: answer.finish },
    ...(shape.isUsageLast ? counted : []),
  ];
}

function encode(name: WireDialect, events: readonly StreamEvent[]): Uint8Array {
  const encoder = DIALECTS[name].createStreamEncoder({ streamUsage: true, createdAtSeconds: 1 });
  return Buffer.concat([...events.map((event) => encoder.encode(event)), encoder.end()]);
}

function cut(bytes: Uint8Array, cuts: readonly number[]): Uint8Array[] {
  const bounds = [0, ...cuts.map((at) => at % (bytes.length + 1)).sort((a, b) => a - b), bytes.length];
  return bounds.slice(1).map((end, index) => bytes.subarray(bounds[index], end));
}

function decode(decoder: StreamDecoder, parts: readonly Uint8Array[]): StreamEvent[] {
  return [...parts.flatMap((part) => decoder.push(part)), ...decoder.end()];
}

/** What each dialect has no way to say. */
const EXPECTED: Readonly<Record<WireDialect, (answer: CallResponse) => CallResponse>> = {
  anthropic: (answer) => ({
    ...answer,
    id: 'msg_abc',
    finish: mapAnthropicFinish(mapFinishToAnthropic(answer.finish)),
  }),
  'bedrock-invoke': (answer) => ({
    ...answer,
    id: 'msg_abc',
    finish: mapAnthropicFinish(mapFinishToAnthropic(answer.finish)),
  }),
  'bedrock-converse': (answer) => ({
    ...answer,
    id: '',
    finish: mapConverseFinish(mapFinishToConverse(answer.finish)),
    usage: answer.usage && { ...answer.usage, output: answer.usage.output + answer.usage.reasoning, reasoning: 0 },
  }),
  'openai-chat': (answer) => ({
    ...answer,
    id: 'chatcmpl-abc',
    finish: mapChatFinish(mapFinishToChat(answer.finish)),
    usage: answer.usage && {
      ...answer.usage,
      inputCacheWrite5m: answer.usage.inputCacheWrite5m + answer.usage.inputCacheWrite1h,
      inputCacheWrite1h: 0,
    },
  }),
};

const shape = fc.record({
  size: fc.integer({ min: 1, max: 9 }),
  isInterleaved: fc.boolean(),
  isUsageLast: fc.boolean(),
});
const cuts = fc.array(fc.nat(), { maxLength: 60 });

describe.each(Object.keys(EXPECTED) as WireDialect[])('%s streams', (name) => {
  const dialect = DIALECTS[name];

  it('mean the same after encoding, cutting anywhere and decoding', () => {
    fc.assert(
      fc.property(response, shape, cuts, (answer, streamShape, at) => {
        const bytes = encode(name, streamOf(answer, streamShape));
        const events = decode(dialect.createStreamDecoder({ model: 'm' }), cut(bytes, at));
        expect(collectResponse(events)).toEqual(EXPECTED[name](answer));
      }),
      { numRuns: 120 },
    );
  });

  it('decode to the very same events at every cut and byte by byte', () => {
    fc.assert(
      fc.property(response, shape, cuts, (answer, streamShape, at) => {
        const bytes = encode(name, streamOf(answer, streamShape));
        const whole = decode(dialect.createStreamDecoder({ model: 'm' }), [bytes]);
        expect(decode(dialect.createStreamDecoder({ model: 'm' }), cut(bytes, at))).toEqual(whole);
        expect(
          decode(
            dialect.createStreamDecoder({ model: 'm' }),
            [...bytes].map((byte) => new Uint8Array([byte])),
          ),
        ).toEqual(whole);
      }),
      { numRuns: 12 },
    );
  });

  it('cut off before the finish end in one typed error, wherever that is', () => {
    fc.assert(
      fc.property(response, fc.nat(), (answer, at) => {
        const unfinished = streamOf(answer, { size: 3, isInterleaved: true, isUsageLast: false }).filter(
          (event) => event.type !== 'finish',
        );
        const bytes = encode(name, unfinished);
        const events = decode(dialect.createStreamDecoder(), [bytes.subarray(0, at % (bytes.length + 1))]);
        expect(events.filter((event) => event.type === 'error')).toHaveLength(1);
        expect(events.at(-1)).toMatchObject({ type: 'error', error: { type: 'incomplete', status: 502 } });
      }),
    );
  });

  it('never make the decoder throw, whatever the bytes', () => {
    fc.assert(
      fc.property(
        response,
        fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 8 }),
        fc.uint8Array(),
        (answer, damage, tail) => {
          const bytes = new Uint8Array(
            Buffer.concat([encode(name, streamOf(answer, { size: 2, isInterleaved: false, isUsageLast: true })), tail]),
          );
          for (const [at, byte] of damage) bytes[at % bytes.length] = byte;
          const events = decode(dialect.createStreamDecoder(), [bytes]);
          expect(events.findIndex((event) => event.type === 'error')).toBe(
            events.some((event) => event.type === 'error') ? events.length - 1 : -1,
          );
        },
      ),
      { numRuns: 120 },
    );
  });

  it('tell the observer the same usage and finish as the decoder', () => {
    fc.assert(
      fc.property(response, shape, cuts, (answer, streamShape, at) => {
        const observer = dialect.createUsageObserver({ stream: true });
        for (const part of cut(encode(name, streamOf(answer, streamShape)), at)) observer.push(part);
        const expected = EXPECTED[name](answer);
        expect(observer.result()).toMatchObject({
          usage: expected.usage,
          finish: expected.finish,
          isComplete: true,
          error: null,
        });
        const hasOutput = answer.content.some((block) => block.type !== 'reasoning' || block.text !== '');
        if (hasOutput) expect(observer.hasFirstToken).toBe(true);
      }),
    );
  });
});

describe('passthrough', () => {
  it.each(['openai-chat', 'anthropic'] as const)('forwards every byte of %s unchanged, in whole frames', (name) => {
    fc.assert(
      fc.property(response, shape, cuts, (answer, streamShape, at) => {
        const bytes = encode(name, streamOf(answer, streamShape));
        const passthrough = createPassthrough(name);
        const forwarded = cut(bytes, at).map((part) => Buffer.from(passthrough.push(part)));
        expect(Buffer.concat(forwarded).equals(bytes)).toBe(true);
        for (const part of forwarded) if (part.length > 0) expect(part.subarray(-2).toString()).toBe('\n\n');
      }),
    );
  });

  it('hides the usage-only chunk, and nothing else, from a Chat client that did not ask for it', () => {
    fc.assert(
      fc.property(response, shape, cuts, (answer, streamShape, at) => {
        const bytes = encode('openai-chat', streamOf(answer, streamShape));
        const frames = bytes.toString().split(/(?<=\n\n)/);
        const passthrough = createPassthrough('openai-chat', { hideUsageChunk: true });
        const forwarded = Buffer.concat(cut(bytes, at).map((part) => passthrough.push(part))).toString();
        expect(forwarded).toBe(frames.filter((frame) => !frame.includes('"choices":[],"usage":{')).join(''));
        expect(passthrough.result().usage).toEqual(EXPECTED['openai-chat'](answer).usage);
      }),
    );
  });

  it("turns InvokeModel's stream into the SSE an Anthropic upstream would have sent, byte for byte", () => {
    fc.assert(
      fc.property(response, shape, cuts, (answer, streamShape, at) => {
        const events = streamOf(answer, streamShape);
        const toSse = createInvokeToSse();
        const sse = Buffer.concat(cut(encode('bedrock-invoke', events), at).map((part) => toSse.push(part)));
        expect(sse.toString()).toBe(Buffer.from(encode('anthropic', events)).toString());
        expect(toSse.result()).toMatchObject({ usage: EXPECTED.anthropic(answer).usage, isComplete: true });
      }),
    );
  });
});
