import { describe, expect, it } from '@jest/globals';
import { ROUTE_PATHS, dialectOf, findRoute, normalisePath } from './routes.js';

describe('routes', () => {
  it.each([
    ['', '/chat/completions'],
    ['/v1', '/chat/completions'],
    ['/openai', '/chat/completions'],
    ['/openai/v1', '/chat/completions'],
  ])('knows the OpenAI base URL %s', (base, path) => {
    expect(findRoute(base + path)).toBe('chat-completions');
    expect(findRoute(`${base}/${path}/`)).toBe('chat-completions');
    expect(ROUTE_PATHS['chat-completions']).toContain(base + path);
  });

  it.each(['', '/v1', '/anthropic', '/anthropic/v1'])(
    'knows the Anthropic base URL %s, to which clients append /v1',
    (base) => {
      expect(findRoute(`${base}/v1/messages?beta=true`)).toBe('messages');
      expect(ROUTE_PATHS.messages).toContain(`${base}/v1/messages`);
    },
  );

  it('takes ids of models with colons and slashes', () => {
    expect(findRoute('/v1/models/anthropic.claude-v2:1')).toBe('model');
    expect(findRoute('/openai/v1/models/meta/llama-3')).toBe('model');
    expect(findRoute('/v1/models/')).toBe('models');
  });

  it.each([
    '/v1/responses',
    '/v1/chat',
    '/anthropic/chat/completions',
    '/admin',
    '/v1/messages/batches',
    '/openai/messages',
  ])('does not know %s', (path) => {
    expect(findRoute(path)).toBeUndefined();
  });

  it('does not decode a path a second time', () => {
    expect(findRoute('/v1%2fchat/completions')).toBeUndefined();
    expect(normalisePath('//v1///models//?limit=1#x')).toBe('/v1/models');
    expect(normalisePath('')).toBe('/');
  });
});

describe('the dialect of a caller', () => {
  it('is that of the route, whatever the headers', () => {
    expect(dialectOf('/v1/chat/completions', { 'anthropic-version': '2023-06-01' })).toBe('openai-chat');
    expect(dialectOf('/v1/messages', {})).toBe('anthropic');
  });

  it('is told by the base URL, then by the headers, where the route belongs to both', () => {
    expect(dialectOf('/anthropic/v1/models', {})).toBe('anthropic');
    expect(dialectOf('/openai/v1/models', { 'x-api-key': 'k' })).toBe('openai-chat');
    expect(dialectOf('/v1/models', { 'x-api-key': 'k' })).toBe('anthropic');
    expect(dialectOf('/v1/models', { 'anthropic-version': '2026-10-21' })).toBe('anthropic');
    expect(dialectOf('/v1/models', { 'api-key': 'k' })).toBe('openai-chat');
  });

  it('is guessed from an unknown path', () => {
    expect(dialectOf('/v1/messages/batches', {})).toBe('anthropic');
    expect(dialectOf('/v1/responses', {})).toBe('openai-chat');
  });
});
