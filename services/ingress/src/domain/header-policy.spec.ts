import { describe, expect, it } from '@jest/globals';
import { answerHeaders, apiVersionOf, traceparentOf, upstreamHeaders } from './header-policy.js';

const facts = { callId: 'id', simulated: false, dropped: [] };

describe('headers that go upstream', () => {
  it('are those of the protocol, as an open list, and never a key or an account', () => {
    const headers = {
      authorization: 'Bearer k',
      'x-api-key': 'k',
      host: 'evil',
      'x-forwarded-host': 'evil',
      'anthropic-version': '2023-06-01',
      'anthropic-beta': ['a', 'b'],
      'anthropic-anything-new': 'x',
      'openai-organization': 'org',
      'openai-beta': 'y',
    };
    expect(upstreamHeaders(headers, 'anthropic')).toEqual({
      'anthropic-version': '2023-06-01',
      'anthropic-beta': 'a, b',
      'anthropic-anything-new': 'x',
    });
    expect(upstreamHeaders(headers, 'openai-chat')).toEqual({ 'openai-beta': 'y' });
  });

  it('are bounded, and hold nothing that could end a header', () => {
    const many = Object.fromEntries(Array.from({ length: 100 }, (_, n) => [`anthropic-${n}`, 'x']));
    expect(Object.keys(upstreamHeaders(many, 'anthropic')).length).toBe(32);
    expect(upstreamHeaders({ 'anthropic-beta': 'a\r\nx: y' }, 'anthropic')).toEqual({});
    expect(upstreamHeaders({ 'anthropic-beta': 'x'.repeat(17_000) }, 'anthropic')).toEqual({});
  });
});

describe('headers of an answer', () => {
  it('keep what the protocol defines and replace ids by ours', () => {
    const upstream = {
      'content-type': 'text/event-stream',
      'set-cookie': 'a=b',
      server: 'x',
      'request-id': 'theirs',
      'openai-organization': 'their-org',
      'openai-processing-ms': '5',
      'x-ratelimit-remaining-tokens': '9',
      'content-length': '3',
    };
    expect(answerHeaders(upstream, facts)).toEqual({
      'content-type': 'text/event-stream',
      'openai-processing-ms': '5',
      'x-ratelimit-remaining-tokens': '9',
      'request-id': 'id',
      'x-request-id': 'id',
    });
  });

  it('say that an answer is simulated and what was dropped', () => {
    const headers = answerHeaders(
      {},
      { callId: 'id', simulated: true, dropped: ['top_k:unsupported', 'naïve\r\nx: y'] },
    );
    expect(headers['x-weir-simulated']).toBe('1');
    expect(headers['x-weir-dropped']).toBe('top_k:unsupported, na?ve??x: y');
  });

  it('stay short however much was dropped', () => {
    const dropped = Array.from({ length: 1_000 }, (_, n) => `field${n}:reason`);
    expect(answerHeaders({}, { ...facts, dropped })['x-weir-dropped']?.length).toBe(2_048);
  });

  it('drop a value that could end a header', () => {
    expect(answerHeaders({ 'content-type': 'a\r\nset-cookie: b' }, facts)['content-type']).toBeUndefined();
  });
});

describe('what a client says of itself', () => {
  it('is taken only in the form its standard gives it', () => {
    const valid = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
    expect(traceparentOf({ traceparent: valid })).toBe(valid);
    expect(traceparentOf({ traceparent: `${valid}\r\nx` })).toBeNull();
    expect(traceparentOf({ traceparent: '00-00000000000000000000000000000000-b7ad6b7169203331-01' })).toBeNull();
    expect(apiVersionOf({ 'anthropic-version': '2026-10-21' }, 'anthropic')).toBe('2026-10-21');
    expect(apiVersionOf({ 'anthropic-version': '2026-10-21' }, 'openai-chat')).toBeNull();
    expect(apiVersionOf({}, 'anthropic')).toBeNull();
  });
});
