import { describe, expect, it } from '@jest/globals';
import { findCallerKey } from './caller-key.js';

describe('findCallerKey', () => {
  it.each([
    ['Authorization', 'Bearer sk-weir-1'],
    ['authorization', 'bearer   sk-weir-1 '],
    ['X-Api-Key', 'sk-weir-1'],
    ['api-key', ' sk-weir-1'],
  ])('reads the key from %s', (name, value) => {
    expect(findCallerKey(['Host', 'x', name, value])).toEqual({ kind: 'key', key: 'sk-weir-1' });
  });

  it('takes the same key in two headers for one key', () => {
    expect(findCallerKey(['authorization', 'Bearer a', 'x-api-key', 'a'])).toEqual({ kind: 'key', key: 'a' });
  });

  it.each([
    [['authorization', 'Bearer a', 'x-api-key', 'b']],
    [['x-api-key', 'a', 'api-key', 'b']],
    // Node would keep the first of these two and say nothing.
    [['authorization', 'Bearer a', 'Authorization', 'Bearer b']],
  ])('refuses to choose between two keys', (headers) => {
    expect(findCallerKey(headers)).toEqual({ kind: 'conflicting' });
  });

  it('finds no key in empty headers', () => {
    expect(findCallerKey(['authorization', 'Bearer ', 'x-api-key', ''])).toEqual({ kind: 'missing' });
    expect(findCallerKey([])).toEqual({ kind: 'missing' });
  });

  it('takes another scheme for a key that will not be found', () => {
    expect(findCallerKey(['authorization', 'Basic abc'])).toEqual({ kind: 'key', key: 'Basic abc' });
  });

  it('cuts what is too long to be a key', () => {
    const found = findCallerKey(['x-api-key', 'k'.repeat(20_000)]);
    expect(found.kind === 'key' && found.key.length).toBe(513);
  });
});
