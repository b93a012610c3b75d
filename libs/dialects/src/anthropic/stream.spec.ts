import type { StreamEvent } from '@weir/call-model';
import { describe, expect, it } from '@jest/globals';
import { decodeText, encodeText } from '../framing/bytes.js';
import { anthropicDialect as anthropic } from './dialect.js';

/** A stream event as assertions read it. */
interface WireEvent extends Record<string, unknown> {
  readonly type: string;
  readonly index?: number;
  readonly delta?: { readonly type?: string };
}

function events(stream: readonly StreamEvent[]): WireEvent[] {
  const encoder = anthropic.createStreamEncoder({});
  const sse = [...stream.map((event) => encoder.encode(event)), encoder.end()].map(decodeText).join('');
  return sse
    .split('\n\n')
    .filter(Boolean)
    .map((frame) => JSON.parse(frame.slice(frame.indexOf('data: ') + 6)) as WireEvent);
}

function decode(...items: object[]): StreamEvent[] {
  const decoder = anthropic.createStreamDecoder();
  const sse = items
    .map((item) => `event: ${String((item as { type?: string }).type)}\ndata: ${JSON.stringify(item)}\n\n`)
    .join('');
  return [...decoder.push(encodeText(sse)), ...decoder.end()];
}

const start: StreamEvent = { type: 'message-start', id: 'i', model: 'm' };
const messageStart = {
  type: 'message_start',
  message: { id: 'msg_1', model: 'm', usage: { input_tokens: 5, output_tokens: 1 } },
};
const messageDelta = { type: 'message_delta', delta: { stop_reason: 'end_turn' }, usage: { output_tokens: 7 } };

describe('Anthropic streams to a client', () => {
  it('are strictly sequential: parallel calls that arrive interleaved wait for the open one', () => {
    const out = events([
      start,
      { type: 'tool-call-start', block: 0, id: 'a', name: 'f' },
      { type: 'tool-call-start', block: 1, id: 'b', name: 'g' },
      { type: 'tool-call-delta', block: 1, fragment: '{"b"' },
      { type: 'tool-call-delta', block: 0, fragment: '{}' },
      { type: 'tool-call-delta', block: 1, fragment: ':1}' },
      { type: 'tool-call-end', block: 0 },
      { type: 'tool-call-end', block: 1 },
      { type: 'finish', reason: 'tool-calls' },
    ]);
    const shape = out.map(
      (event) => `${event.type}${event['index'] === undefined ? '' : ` ${String(event['index'])}`}`,
    );
    expect(shape).toEqual([
      'message_start',
      'content_block_start 0',
      'content_block_delta 0',
      'content_block_stop 0',
      'content_block_start 1',
      'content_block_delta 1',
      'content_block_delta 1',
      'content_block_stop 1',
      'message_delta',
      'message_stop',
    ]);
  });

  it('let the open call through at once: only the others wait', () => {
    const encoder = anthropic.createStreamEncoder({});
    encoder.encode(start);
    encoder.encode({ type: 'tool-call-start', block: 0, id: 'a', name: 'f' });
    encoder.encode({ type: 'tool-call-start', block: 1, id: 'b', name: 'g' });
    expect(decodeText(encoder.encode({ type: 'tool-call-delta', block: 0, fragment: '{' }))).toContain(
      'input_json_delta',
    );
    expect(encoder.encode({ type: 'tool-call-delta', block: 1, fragment: '{' })).toHaveLength(0);
  });

  it('close blocks the upstream never ended', () => {
    const out = events([
      start,
      { type: 'text-start', block: 0 },
      { type: 'text-delta', block: 0, text: 'x' },
      { type: 'reasoning-start', block: 1 },
      { type: 'finish', reason: 'length' },
    ]);
    expect(out.filter((event) => event['type'] === 'content_block_stop')).toHaveLength(1);
    expect(out.at(-2)).toMatchObject({ delta: { stop_reason: 'max_tokens' } });
  });

  it('wait with message_delta for usage that comes after the finish', () => {
    const usage = {
      inputUncached: 1,
      inputCacheRead: 2,
      inputCacheWrite5m: 3,
      inputCacheWrite1h: 4,
      output: 5,
      reasoning: 6,
    };
    const out = events([start, { type: 'finish', reason: 'stop' }, { type: 'usage', usage }]);
    expect(out.at(-2)).toMatchObject({
      type: 'message_delta',
      usage: { input_tokens: 1, cache_read_input_tokens: 2, cache_creation_input_tokens: 7, output_tokens: 11 },
    });
  });

  it('give unsigned reasoning an empty signature and never a made-up one', () => {
    const out = events([
      start,
      { type: 'reasoning-start', block: 0 },
      { type: 'reasoning-delta', block: 0, text: 'hm' },
      { type: 'reasoning-end', block: 0 },
    ]);
    expect(out[1]).toMatchObject({ content_block: { type: 'thinking', signature: '' } });
    expect(JSON.stringify(out)).not.toContain('signature_delta');
  });

  it('pass a signature without text on as a thinking block', () => {
    const out = events([
      start,
      { type: 'reasoning-start', block: 0 },
      { type: 'reasoning-end', block: 0, signature: 'sig' },
    ]);
    expect(out.slice(1).map((event) => event['delta']?.type ?? event['type'])).toEqual([
      'content_block_start',
      'signature_delta',
      'content_block_stop',
    ]);
  });

  it('never finish an answer that the upstream did not', () => {
    expect(events([start, { type: 'text-start', block: 0 }]).map((event) => event['type'])).toEqual([
      'message_start',
      'content_block_start',
    ]);
  });
});

describe('Anthropic streams from an upstream', () => {
  it('ignore pings, unknown events, unknown deltas and blocks of server tools', () => {
    const out = decode(
      messageStart,
      { type: 'ping' },
      { type: 'brand_new' },
      {
        type: 'content_block_start',
        index: 0,
        content_block: { type: 'server_tool_use', id: 's', name: 'web_search', input: {} },
      },
      { type: 'content_block_delta', index: 0, delta: { type: 'input_json_delta', partial_json: '{}' } },
      { type: 'content_block_stop', index: 0 },
      { type: 'content_block_start', index: 1, content_block: { type: 'text', text: '' } },
      { type: 'content_block_delta', index: 1, delta: { type: 'citations_delta', citation: {} } },
      { type: 'content_block_delta', index: 1, delta: { type: 'text_delta', text: 'x' } },
      { type: 'content_block_stop', index: 1 },
      messageDelta,
      { type: 'message_stop' },
    );
    expect(out.map((event) => event.type)).toEqual([
      'message-start',
      'usage',
      'text-start',
      'text-delta',
      'text-end',
      'usage',
      'finish',
    ]);
  });

  it('turn an error event into a typed error', () => {
    expect(
      decode(messageStart, { type: 'error', error: { type: 'overloaded_error', message: 'busy' } }).at(-1),
    ).toEqual({
      type: 'error',
      error: { type: 'overloaded', status: 529, message: 'busy', code: 'overloaded_error' },
    });
  });

  it('count output as the last total, not as a sum', () => {
    const out = decode(
      messageStart,
      messageDelta,
      { ...messageDelta, usage: { output_tokens: 9 } },
      { type: 'message_stop' },
    );
    expect(out.filter((event) => event.type === 'usage').at(-1)).toMatchObject({
      usage: { inputUncached: 5, output: 9 },
    });
    expect(out.filter((event) => event.type === 'finish')).toHaveLength(1);
  });
});
