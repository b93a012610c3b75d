import { describe, expect, it } from '@jest/globals';
import { errors } from 'undici';
import { EgressError, mapFault } from './egress-error.js';

const fault = (code?: string) => Object.assign(new Error('text that decides nothing'), { code });

describe('mapFault', () => {
  it.each([
    ['ECONNREFUSED', false, 'unreachable'],
    ['ENOTFOUND', false, 'unreachable'],
    ['ECONNRESET', false, 'unreachable'],
    ['CERT_HAS_EXPIRED', false, 'unreachable'],
    ['UND_ERR_CONNECT_TIMEOUT', false, 'connect_timeout'],
    ['UND_ERR_SOCKET', true, 'reset'],
    ['ECONNRESET', true, 'reset'],
    [undefined, true, 'reset'],
    ['UND_ERR_RES_CONTENT_LENGTH_MISMATCH', true, 'malformed'],
    ['UND_ERR_RES_EXCEEDED_MAX_SIZE', true, 'response_too_large'],
    ['UND_ERR_HEADERS_OVERFLOW', true, 'response_too_large'],
    ['UND_ERR_INVALID_ARG', false, 'invalid_request'],
  ])('maps %s (sent: %s) to %s', (code, isSent, expected) =>
    expect(mapFault(fault(code), isSent, 'host').code).toBe(expected),
  );

  it('knows an answer that is not HTTP by its class', () =>
    expect(mapFault(new errors.HTTPParserError('text'), true, 'host').code).toBe('malformed'));

  it('leaves its own errors as they are', () => {
    const own = new EgressError('address_not_allowed', 'x');
    expect(mapFault(own, false, 'host')).toBe(own);
  });
});
