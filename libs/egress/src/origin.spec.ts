import { describe, expect, it } from '@jest/globals';
import { parseUpstreamUrl, socketHost } from './origin.js';

describe('parseUpstreamUrl', () => {
  it.each([
    ['http://2130706433/', '127.0.0.1'],
    ['http://0177.0.0.1/', '127.0.0.1'],
    ['http://0x7f.1/', '127.0.0.1'],
    ['http://127.1/', '127.0.0.1'],
    ['http://127.0.0.1./', '127.0.0.1'],
    ['http://[::ffff:7f00:1]/', '::ffff:7f00:1'],
    ['https://api.example.com/v1', 'api.example.com'],
  ])('reads %s as the host %s, which is then what is judged', (url, host) =>
    expect(socketHost(parseUpstreamUrl(url))).toBe(host),
  );

  it.each([
    'https://localhost./v1',
    'https://api.example.com.',
    'ftp://example.com',
    'file:///etc/passwd',
    'https://user:secret@example.com',
    'https://',
    'not a url',
  ])('refuses %s', (url) =>
    expect(() => parseUpstreamUrl(url)).toThrow(expect.objectContaining({ code: 'invalid_url' })),
  );

  it('keeps what it refuses out of its message where it may be a secret', () => {
    expect(() => parseUpstreamUrl('https://user:secret@example.com')).toThrow(/^example\.com: user info in a URL$/);
  });
});
