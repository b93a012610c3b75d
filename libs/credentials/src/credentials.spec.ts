import { describe, expect, it } from '@jest/globals';
import { createKey, hmacKey, open, parseKey, seal, UnsealError } from './index.js';

describe('keys', () => {
  it('parses what it created and refuses any single changed character', () => {
    const { id, key } = createKey();
    expect(parseKey(key)).toEqual({ id });
    for (let at = 0; at < key.length; at++) {
      const other = key[at] === 'a' ? 'b' : 'a';
      const changed = key.slice(0, at) + other + key.slice(at + 1);
      expect(parseKey(changed)).toBeUndefined();
    }
  });

  it('gives equal-prefix siblings different HMACs, and another pepper another HMAC', () => {
    const { key } = createKey();
    expect(hmacKey(key, 'p')).not.toBe(hmacKey(`${key}x`, 'p'));
    expect(hmacKey(key, 'p')).not.toBe(hmacKey(key, 'q'));
  });
});

describe('sealing', () => {
  it('opens only with its master key, for its owner, unaltered', () => {
    const sealed = seal('secret', 'master', 'openai|https://api.openai.com');
    expect(open(sealed, 'master', 'openai|https://api.openai.com')).toBe('secret');
    expect(() => open(sealed, 'other', 'openai|https://api.openai.com')).toThrow(UnsealError);
    expect(() => open(sealed, 'master', 'openai|https://evil.example')).toThrow(UnsealError);
    expect(() =>
      open(`${sealed.slice(0, -1)}${sealed.endsWith('A') ? 'Q' : 'A'}`, 'master', 'openai|https://api.openai.com'),
    ).toThrow(UnsealError);
    expect(() => open('v2.AAAA', 'master', 'x')).toThrow(UnsealError);
  });
});
