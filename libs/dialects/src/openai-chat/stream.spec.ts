import type { StreamEvent } from '@weir/call-model';
import { describe, expect, it } from '@jest/globals';
import { decodeText, encodeText } from '../framing/bytes.js';
import { openAiChatDialect as chat } from './dialect.js';

/** A chunk as assertions read it. */
interface WireChunk extends Record<string, unknown> {
  readonly choices: readonly { readonly index: number; readonly delta: { readonly tool_calls?: readonly object[] } }[];
}

function chunks(events: readonly StreamEvent[], streamUsage = false): WireChunk[] {
  const encoder = chat.createStreamEncoder({ streamUsage, createdAtSeconds: 1 });
  const text = [...events.map((event) => encoder.encode(event)), encoder.end()].map(decodeText).join('');
  return text
    .split('\n\n')
    .filter((frame) => frame !== '' && frame !== 'data: [DONE]')
    .map((frame) => JSON.parse(frame.slice('data: '.length)) as WireChunk);
}

function decode(...frames: (object | string)[]): StreamEvent[] {
  const decoder = chat.createStreamDecoder();
  const text = frames.map((frame) => `data: ${typeof frame === 'string' ? frame : JSON.stringify(frame)}\n\n`).join('');
  return [...decoder.push(encodeText(text)), ...decoder.end()];
}

function delta(fields: object, finish: string | null = null) {
  return { id: 'c1', model: 'm', choices: [{ index: 0, delta: fields, finish_reason: finish }] };
}

const start: StreamEvent = { type: 'message-start', id: 'i', model: 'm' };

describe('Chat streams to a client', () => {
  it('count tool calls from 0 whatever the blocks’ numbers, and send id and name once', () => {
    const out = chunks([
      start,
      { type: 'text-start', block: 0 },
      { type: 'text-delta', block: 0, text: 'x' },
      { type: 'text-end', block: 0 },
      { type: 'tool-call-start', block: 3, id: 'a', name: 'f' },
      { type: 'tool-call-start', block: 7, id: 'b', name: 'g' },
      { type: 'tool-call-delta', block: 7, fragment: '{"b":' },
      { type: 'tool-call-delta', block: 3, fragment: '{}' },
      { type: 'tool-call-delta', block: 7, fragment: '1}' },
      { type: 'finish', reason: 'tool-calls' },
    ]);
    const calls = out.flatMap((chunk) => chunk.choices[0]?.delta.tool_calls ?? []);
    expect(calls).toEqual([
      { index: 0, id: 'a', type: 'function', function: { name: 'f', arguments: '' } },
      { index: 1, id: 'b', type: 'function', function: { name: 'g', arguments: '' } },
      { index: 1, function: { arguments: '{"b":' } },
      { index: 0, function: { arguments: '{}' } },
      { index: 1, function: { arguments: '1}' } },
    ]);
    expect(out.every((chunk) => chunk.choices[0]?.index === 0)).toBe(true);
  });

  it('give a call without input the arguments {}', () => {
    const out = chunks([
      start,
      { type: 'tool-call-start', block: 0, id: 'a', name: 'f' },
      { type: 'tool-call-end', block: 0 },
    ]);
    expect(out.at(-1)?.choices[0]?.delta).toEqual({ tool_calls: [{ index: 0, function: { arguments: '{}' } }] });
  });

  it('show usage only to a client that asked, in a last chunk without choices', () => {
    const usage = {
      inputUncached: 1,
      inputCacheRead: 2,
      inputCacheWrite5m: 0,
      inputCacheWrite1h: 0,
      output: 3,
      reasoning: 4,
    };
    const events: StreamEvent[] = [start, { type: 'finish', reason: 'stop' }, { type: 'usage', usage }];
    expect(chunks(events).some((chunk) => 'usage' in chunk)).toBe(false);
    expect(chunks(events, true).at(-1)).toMatchObject({
      choices: [],
      usage: { prompt_tokens: 3, completion_tokens: 7, total_tokens: 10 },
    });
  });

  it('stream reasoning as reasoning_content and its signature as an opaque extension', () => {
    const out = chunks([
      start,
      { type: 'reasoning-start', block: 0 },
      { type: 'reasoning-delta', block: 0, text: 'hm' },
      { type: 'reasoning-end', block: 0, signature: 'sig' },
    ]);
    expect(out.slice(1).map((chunk) => chunk.choices[0]?.delta)).toEqual([
      { reasoning_content: 'hm' },
      {
        reasoning_details: [
          { type: 'reasoning.text', text: 'hm', signature: 'sig', format: 'anthropic-claude-v1', index: 0 },
        ],
      },
    ]);
  });

  it('end in an error frame without [DONE]', () => {
    const encoder = chat.createStreamEncoder({});
    encoder.encode(start);
    const frame = decodeText(
      encoder.encode({ type: 'error', error: { type: 'overloaded', status: 529, message: 'busy' } }),
    );
    expect(JSON.parse(frame.slice('data: '.length))).toMatchObject({
      error: { message: 'busy', type: 'server_error' },
    });
    expect(encoder.end()).toHaveLength(0);
    expect(encoder.encode({ type: 'finish', reason: 'stop' })).toHaveLength(0);
  });
});

describe('Chat streams from an upstream', () => {
  it('end without [DONE] well where a finish reason was given', () => {
    expect(decode(delta({ content: 'x' }), delta({}, 'stop')).at(-1)).toEqual({ type: 'finish', reason: 'stop' });
  });

  it('take usage that comes twice as totals, not as a sum', () => {
    const usage = (output: number) => ({
      id: 'c',
      choices: [],
      usage: { prompt_tokens: 5, completion_tokens: output, total_tokens: 5 + output },
    });
    const events = decode(delta({ content: 'x' }, 'stop'), usage(3), usage(3), '[DONE]');
    expect(events.filter((event) => event.type === 'usage').at(-1)).toMatchObject({ usage: { output: 3 } });
  });

  it('turn a malformed frame into one typed error and then say nothing more', () => {
    const events = decode(delta({ content: 'x' }), '{"broken', delta({}, 'stop'));
    expect(events.at(-1)).toMatchObject({ type: 'error', error: { type: 'malformed', status: 502 } });
    expect(events.filter((event) => event.type === 'finish')).toHaveLength(0);
  });

  it('turn an error frame into a typed error', () => {
    expect(decode({ error: { message: 'slow down', type: 'rate_limit_error', code: 'rate_limit_exceeded' } })).toEqual([
      { type: 'error', error: { type: 'rate_limit', status: 429, message: 'slow down', code: 'rate_limit_exceeded' } },
    ]);
  });

  it('tell tool calls apart where the server leaves the index out', () => {
    const call = (id: string | undefined, args: string) =>
      delta({ tool_calls: [{ id, function: { name: id && 'f', arguments: args } }] });
    const events = decode(call('a', '{'), call(undefined, '}'), call('b', '{}'), delta({}, 'tool_calls'));
    expect(events.filter((event) => event.type === 'tool-call-delta').map((event) => event.block)).toEqual([0, 0, 1]);
  });

  it('ignore unknown fields, comments and pings', () => {
    const decoder = chat.createStreamDecoder();
    expect(decoder.push(encodeText(': keep-alive\n\ndata:\n\n'))).toEqual([]);
    expect(
      decode({ object: 'something.else', id: 'x' }, delta({ novelty: 1 }, 'stop')).map((event) => event.type),
    ).toEqual(['message-start', 'finish']);
  });
});
