import { CallErrorType } from '@weir/call-model';
import { describe, expect, it } from '@jest/globals';
import type { DialectError, WireDialect } from './dialect.js';
import { decodeText, encodeText } from './framing/bytes.js';
import { DIALECTS } from './registry.js';
import { findRetryAfterSeconds } from './translation/error-types.js';
import { encodeJson } from './translation/json.js';

const error: DialectError = {
  status: 429,
  type: 'rate_limit',
  code: 'budget_exceeded',
  message: 'no money',
  requestId: 'r-1',
  isRetryable: false,
  retryAfterSeconds: 1.2,
};

function bodyOf(name: WireDialect, fields: Partial<DialectError> = {}): unknown {
  return JSON.parse(decodeText(DIALECTS[name].renderError({ ...error, ...fields }).body));
}

describe('rendered errors', () => {
  it('have the shape each client library expects', () => {
    expect(bodyOf('openai-chat', { param: 'model' })).toEqual({
      error: { message: 'no money', type: 'rate_limit_error', param: 'model', code: 'rate_limit_exceeded' },
    });
    expect(bodyOf('anthropic')).toEqual({
      type: 'error',
      error: { type: 'rate_limit_error', message: 'no money' },
      request_id: 'r-1',
    });
    expect(bodyOf('bedrock-converse')).toEqual({ message: 'no money' });
  });

  it('are named as the error registry says where it says so', () => {
    const appearance = { openai: { type: 'insufficient_quota', code: 'budget_exceeded' }, anthropic: 'billing_error' };
    expect(bodyOf('openai-chat', { appearance })).toMatchObject({
      error: { type: 'insufficient_quota', code: 'budget_exceeded' },
    });
    expect(bodyOf('anthropic', { appearance })).toMatchObject({ error: { type: 'billing_error' } });
  });

  it('show Weir’s own code to OpenAI clients where the registry gives none', () => {
    expect(
      bodyOf('openai-chat', { appearance: { openai: { type: 'invalid_request_error', code: null }, anthropic: 'x' } }),
    ).toMatchObject({ error: { code: 'budget_exceeded' } });
  });

  it('carry the code by which Anthropic’s clients stop using threads', () => {
    expect(bodyOf('anthropic', { code: 'threads_not_held', type: 'invalid_request', status: 400 })).toMatchObject({
      error: { type: 'invalid_request_error', details: { error_code: 'thread_unsupported_request' } },
    });
  });

  it('tell clients not to repeat a refusal, and when to come back', () => {
    const { headers, status } = DIALECTS['openai-chat'].renderError(error);
    expect(status).toBe(429);
    expect(headers).toMatchObject({
      'x-should-retry': 'false',
      'retry-after': '2',
      'x-request-id': 'r-1',
      'content-type': 'application/json',
    });
  });

  it('carry the request id in each dialect’s own header', () => {
    expect(DIALECTS.anthropic.renderError(error).headers['request-id']).toBe('r-1');
    expect(DIALECTS['bedrock-converse'].renderError(error).headers).toMatchObject({
      'x-amzn-requestid': 'r-1',
      'x-amzn-errortype': 'ThrottlingException',
    });
  });

  it.each(Object.keys(DIALECTS) as WireDialect[])(
    '%s can show every type of error, whole and inside a stream',
    (name) => {
      for (const type of CallErrorType.options) {
        expect(DIALECTS[name].renderError({ ...error, type }).body.length).toBeGreaterThan(0);
        const decoder = DIALECTS[name].createStreamDecoder();
        expect(decoder.push(DIALECTS[name].renderStreamError({ ...error, type }))).toMatchObject([
          { type: 'error', error: { message: 'no money' } },
        ]);
      }
    },
  );
});

describe('upstream errors', () => {
  const parse = (name: WireDialect, status: number, body: unknown, headers = {}) =>
    DIALECTS[name].parseError(status, headers, encodeJson(body));

  it.each([
    [429, { error: { message: 'm', code: 'rate_limit_exceeded' } }, 'rate_limit'],
    [429, { error: { message: 'm', code: 'insufficient_quota', type: 'insufficient_quota' } }, 'billing'],
    [400, { error: { message: 'm', code: 'context_length_exceeded' } }, 'context_length'],
    [400, { error: { message: 'm', type: 'invalid_request_error' } }, 'invalid_request'],
    [401, { error: { message: 'm', code: 'invalid_api_key' } }, 'authentication'],
    [402, { error: { message: 'Insufficient Balance' } }, 'billing'],
    [404, { error: { message: 'm', code: 'model_not_found' } }, 'not_found'],
    [422, { message: 'm' }, 'invalid_request'],
    [500, { error: { message: 'm' } }, 'api'],
    [503, { error: { message: 'm' } }, 'overloaded'],
  ])('of Chat, HTTP %i %j is %s', (status, body, type) => {
    expect(parse('openai-chat', status, body)).toMatchObject({ status, type });
  });

  it.each([
    [400, 'invalid_request_error', 'invalid_request'],
    [401, 'authentication_error', 'authentication'],
    [403, 'permission_error', 'permission'],
    [413, 'request_too_large', 'too_large'],
    [429, 'rate_limit_error', 'rate_limit'],
    [500, 'api_error', 'api'],
    [529, 'overloaded_error', 'overloaded'],
    [503, 'api_error', 'overloaded'],
  ])('of Anthropic, HTTP %i %s is %s', (status, kind, type) => {
    expect(parse('anthropic', status, { type: 'error', error: { type: kind, message: 'm' } })).toMatchObject({
      status,
      type,
      code: kind,
      message: 'm',
    });
  });

  it.each([
    [429, 'ThrottlingException', 'rate_limit'],
    [400, 'ValidationException:http://internal.amazon.com/coral/', 'invalid_request'],
    [403, 'AccessDeniedException', 'permission'],
    [429, 'ModelNotReadyException', 'overloaded'],
    [408, 'ModelTimeoutException', 'timeout'],
  ])('of Bedrock, HTTP %i %s is %s', (status, name, type) => {
    expect(parse('bedrock-converse', status, { message: 'm' }, { 'x-amzn-errortype': name })).toMatchObject({
      status,
      type,
      message: 'm',
    });
    expect(parse('bedrock-invoke', status, { message: 'm', __type: `com.amazon#${name.split(':')[0]}` })).toMatchObject(
      { status, type },
    );
  });

  it.each(Object.keys(DIALECTS) as WireDialect[])('of %s that are no JSON are told apart by status', (name) => {
    expect(DIALECTS[name].parseError(502, {}, encodeText('<html>Bad Gateway</html>'))).toMatchObject({
      status: 502,
      type: 'api',
    });
    expect(DIALECTS[name].parseError(503, {}, new Uint8Array(0))).toMatchObject({ type: 'overloaded' });
  });

  it.each([
    [{ 'retry-after': '7' }, 7],
    [{ 'retry-after-ms': '1500', 'retry-after': '7' }, 1.5],
    [{ 'retry-after': 'Thu, 01 Jan 1970 00:00:30 GMT' }, 20],
    [{ 'retry-after': 'Thu, 01 Jan 1970 00:00:05 GMT' }, 0],
    [{ 'retry-after': 'soon' }, undefined],
    [{}, undefined],
  ])('with %j ask to wait %s seconds', (headers, seconds) => {
    expect(findRetryAfterSeconds(headers, 10_000)).toBe(seconds);
  });
});
