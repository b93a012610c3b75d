import { describe, expect, it } from '@jest/globals';
import { CallErrorType } from '@weir/call-model';
import { isErrorCode } from '@weir/contracts';
import { faultOf, faultOfCallError, mapFaultToFailure } from './upstream-fault.js';

const shown = { status: 429, contentType: 'application/json', body: '{"error":{}}' };

describe('faultOfCallError', () => {
  it.each(CallErrorType.options)('has a code of the registry for %s', (type) => {
    expect(isErrorCode(faultOfCallError({ type, message: 'x', status: 500 }).code)).toBe(true);
  });

  it('keeps the provider’s status and words only for the client’s own mistakes', () => {
    expect(faultOfCallError({ type: 'too_large', message: 'too long', status: 413 })).toMatchObject({
      code: 'upstream_rejected',
      status: 413,
      message: 'too long',
    });
    expect(faultOfCallError({ type: 'api', message: 'stack trace', status: 500 })).toMatchObject({
      code: 'upstream_error',
      status: null,
      message: null,
    });
  });

  it('keeps Retry-After', () => {
    expect(faultOfCallError({ type: 'rate_limit', message: 'x', status: 429, retryAfterSeconds: 7 })).toMatchObject({
      retryAfterSeconds: 7,
    });
  });

  it('cuts a provider’s message that is endless', () => {
    expect(
      faultOfCallError({ type: 'invalid_request', message: 'x'.repeat(100_000), status: 400 }).message,
    ).toHaveLength(2_000);
  });
});

describe('mapFaultToFailure', () => {
  it('passes an upstream’s error body on unmodified', () => {
    expect(mapFaultToFailure(faultOf('upstream_rate_limited'), shown).upstream).toBe(shown);
  });

  it('never shows what a provider says of our credentials: it quotes parts of the key', () => {
    expect(mapFaultToFailure(faultOf('upstream_auth'), { ...shown, status: 401 }).upstream).toBeNull();
  });
});
