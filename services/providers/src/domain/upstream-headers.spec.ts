import { describe, expect, it } from '@jest/globals';
import type { CallEnvelopeV1 } from '@weir/contracts';
import { anthropicVersion, forwardedHeaders, shownHeaders, upstreamRequestId } from './upstream-headers.js';

const envelope = (
  dialect: CallEnvelopeV1['dialect'],
  headers: Record<string, string>,
  apiVersion: string | null = null,
) => ({ dialect, headers, apiVersion }) as CallEnvelopeV1;

describe('forwardedHeaders', () => {
  const headers = {
    'anthropic-beta': 'tomorrow-2027-01-01',
    'anthropic-future': 'x',
    'openai-beta': 'y',
    'openai-organization': 'org-elsewhere',
    'openai-project': 'proj-elsewhere',
    authorization: 'Bearer client',
    'x-api-key': 'client',
    host: 'evil.example',
  };

  it('forwards Anthropic’s headers as an open list, to Anthropic', () => {
    expect(forwardedHeaders(envelope('anthropic', headers), 'anthropic')).toEqual({
      'anthropic-beta': 'tomorrow-2027-01-01',
      'anthropic-future': 'x',
    });
  });

  it('never lets a caller choose the account that is billed, nor forwards its key', () => {
    expect(forwardedHeaders(envelope('openai-chat', headers), 'openai-chat')).toEqual({ 'openai-beta': 'y' });
  });

  it('forwards nothing across dialects', () => {
    expect(forwardedHeaders(envelope('anthropic', headers), 'openai-chat')).toEqual({});
    expect(forwardedHeaders(envelope('openai-chat', headers), 'anthropic')).toEqual({});
    expect(forwardedHeaders(envelope('anthropic', headers), 'bedrock-invoke')).toEqual({});
  });
});

describe('anthropicVersion', () => {
  it('is the client’s own, or the one every model knows', () => {
    expect(anthropicVersion(envelope('anthropic', {}, '2026-10-21'))).toBe('2026-10-21');
    expect(anthropicVersion(envelope('anthropic', { 'anthropic-version': '2026-10-21' }))).toBe('2026-10-21');
    expect(anthropicVersion(envelope('anthropic', {}))).toBe('2023-06-01');
    expect(anthropicVersion(envelope('openai-chat', {}, '2026-10-21'))).toBe('2023-06-01');
  });
});

describe('shownHeaders', () => {
  it('shows limits and protocol headers, and nothing that names our account', () => {
    expect(
      shownHeaders({
        'anthropic-ratelimit-requests-remaining': '9',
        'x-ratelimit-remaining-requests': '8',
        'openai-processing-ms': '12',
        'openai-organization': 'our-company',
        'anthropic-organization-id': 'our-company',
        'set-cookie': 'a=b',
        server: 'x',
        'content-length': '10',
      }),
    ).toEqual({
      'anthropic-ratelimit-requests-remaining': '9',
      'x-ratelimit-remaining-requests': '8',
      'openai-processing-ms': '12',
    });
  });

  it('finds the request’s id whatever the provider calls it', () => {
    expect(upstreamRequestId({ 'x-amzn-requestid': 'a' })).toBe('a');
    expect(upstreamRequestId({ 'request-id': 'b' })).toBe('b');
    expect(upstreamRequestId({})).toBeNull();
  });
});
