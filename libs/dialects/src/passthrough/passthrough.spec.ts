import { describe, expect, it } from '@jest/globals';
import { decodeText, encodeText } from '../framing/bytes.js';
import { createPassthrough, createUsageObserver } from '../registry.js';
import { encodeJson } from '../translation/json.js';

const chunk = (fields: object): string =>
  `data: ${JSON.stringify({ id: 'c', model: 'm', choices: [{ index: 0, delta: {}, finish_reason: null, ...fields }], usage: null })}\n\n`;
const content = (text: string): string => chunk({ delta: { content: text } });
const usageOnly =
  'data: {"id":"c","choices":[],"usage":{"prompt_tokens":5,"completion_tokens":2,"total_tokens":7}}\n\n';

describe('a passthrough', () => {
  it('forwards only whole frames, so an error frame of ours never lands inside a broken one', () => {
    const passthrough = createPassthrough('openai-chat');
    expect(decodeText(passthrough.push(encodeText(`${content('a')}data: {"id":`)))).toBe(content('a'));
    expect(passthrough.result()).toMatchObject({ isComplete: false, error: null });
  });

  it('does not copy what arrived in whole frames', () => {
    const bytes = encodeText(content('a') + content('b'));
    const forwarded = createPassthrough('openai-chat').push(bytes);
    expect(forwarded.buffer).toBe(bytes.buffer);
    expect(forwarded).toHaveLength(bytes.length);
  });

  it.each([
    ['cut JSON', 'data: {"id":"c","choices":[\n\n'],
    ['no JSON', 'data: <html>\n\n'],
  ])('stops before a frame with %s and says so', (_name, frame) => {
    const passthrough = createPassthrough('openai-chat');
    expect(decodeText(passthrough.push(encodeText(content('a') + frame + content('b'))))).toBe(content('a'));
    expect(passthrough.error).toMatchObject({ type: 'malformed', status: 502 });
    expect(passthrough.push(encodeText(content('c')))).toHaveLength(0);
  });

  it('stops before an error of the upstream; the caller renders it once', () => {
    const passthrough = createPassthrough('anthropic');
    const forwarded = passthrough.push(
      encodeText(
        'event: ping\ndata: {"type": "ping"}\n\nevent: error\ndata: {"type":"error","error":{"type":"overloaded_error","message":"busy"}}\n\n',
      ),
    );
    expect(decodeText(forwarded)).toBe('event: ping\ndata: {"type": "ping"}\n\n');
    expect(passthrough.error).toMatchObject({ type: 'overloaded', status: 529 });
  });

  it('is not misled by an answer that talks about usage and errors', () => {
    const passthrough = createPassthrough('openai-chat', { hideUsageChunk: true });
    const text =
      content('x') +
      content('{"usage":{"prompt_tokens":1},"choices":[],"error":{"message":"no"},"finish_reason":"stop"}');
    expect(decodeText(passthrough.push(encodeText(text)))).toBe(text);
    expect(passthrough.result()).toMatchObject({ usage: null, error: null, finish: null });
  });

  it('never hides a chunk that has choices as well as usage', () => {
    const frame = `data: {"choices":[{"index":0,"delta":{"content":"x"},"finish_reason":"stop"}],"usage":{"prompt_tokens":1,"completion_tokens":1}}\n\n`;
    const passthrough = createPassthrough('openai-chat', { hideUsageChunk: true });
    expect(decodeText(passthrough.push(encodeText(frame)))).toBe(frame);
    expect(passthrough.result().usage).toMatchObject({ inputUncached: 1, output: 1 });
  });

  it('finds usage however the JSON is spaced', () => {
    const passthrough = createPassthrough('openai-chat', { hideUsageChunk: true });
    passthrough.push(encodeText(content('x')));
    expect(
      passthrough.push(
        encodeText('data: { "choices" : [ ] , "usage" : { "prompt_tokens" : 5 , "completion_tokens" : 2 } }\r\n\r\n'),
      ),
    ).toHaveLength(0);
    expect(passthrough.result().usage).toMatchObject({ inputUncached: 5, output: 2 });
  });
});

describe('an observer', () => {
  it('sees the first token, not the role chunk before it', () => {
    const observer = createUsageObserver('openai-chat', { stream: true });
    observer.push(encodeText(chunk({ delta: { role: 'assistant', content: '' } })));
    expect(observer.hasFirstToken).toBe(false);
    observer.push(encodeText(content('a')));
    expect(observer.hasFirstToken).toBe(true);
  });

  it('takes usage that comes late and twice as it is', () => {
    const observer = createUsageObserver('openai-chat', { stream: true });
    observer.push(
      encodeText(content('a') + chunk({ finish_reason: 'stop' }) + usageOnly + usageOnly + 'data: [DONE]\n\n'),
    );
    expect(observer.result()).toEqual({
      usage: {
        inputUncached: 5,
        inputCacheRead: 0,
        inputCacheWrite5m: 0,
        inputCacheWrite1h: 0,
        output: 2,
        reasoning: 0,
      },
      usageMismatch: null,
      finish: 'stop',
      error: null,
      isComplete: true,
      id: 'c',
      model: 'm',
    });
  });

  it('says that no usage came', () => {
    const observer = createUsageObserver('openai-chat', { stream: true });
    observer.push(encodeText(content('a') + chunk({ finish_reason: 'length' })));
    expect(observer.result()).toMatchObject({ usage: null, finish: 'length', isComplete: true });
  });

  it('says that a stream was cut off', () => {
    const observer = createUsageObserver('anthropic', { stream: true });
    observer.push(
      encodeText(
        'event: message_start\ndata: {"type":"message_start","message":{"id":"msg_1","usage":{"input_tokens":9,"output_tokens":1}}}\n\n',
      ),
    );
    expect(observer.result()).toMatchObject({
      isComplete: false,
      finish: null,
      usage: { inputUncached: 9 },
      id: 'msg_1',
    });
  });

  it.each([
    [
      'openai-chat',
      {
        id: 'c',
        choices: [{ message: { role: 'assistant', content: 'x' }, finish_reason: 'stop' }],
        usage: { prompt_tokens: 5, completion_tokens: 2 },
      },
    ],
    ['anthropic', { id: 'c', content: [], stop_reason: 'end_turn', usage: { input_tokens: 5, output_tokens: 2 } }],
    ['bedrock-invoke', { id: 'c', content: [], stop_reason: 'end_turn', usage: { input_tokens: 5, output_tokens: 2 } }],
    [
      'bedrock-converse',
      { output: { message: { content: [] } }, stopReason: 'end_turn', usage: { inputTokens: 5, outputTokens: 2 } },
    ],
  ] as const)('reads an answer of %s that was not streamed, in any pieces', (name, body) => {
    const observer = createUsageObserver(name, { stream: false });
    for (const byte of encodeJson(body)) observer.push(new Uint8Array([byte]));
    expect(observer.result()).toMatchObject({
      usage: { inputUncached: 5, output: 2 },
      finish: 'stop',
      isComplete: true,
      error: null,
    });
  });

  it.each(['openai-chat', 'anthropic', 'bedrock-converse', 'bedrock-invoke'] as const)(
    'never throws on an answer of %s that is no answer',
    (name) => {
      for (const body of ['', '<html>', '{}', '[]', 'null', '{"choices":7,"content":7,"output":7}']) {
        const observer = createUsageObserver(name, { stream: false });
        observer.push(encodeText(body));
        expect(observer.result()).toMatchObject({ usage: null, error: { type: 'malformed' } });
      }
    },
  );
});
