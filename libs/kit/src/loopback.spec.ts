import { describe, expect, it } from '@jest/globals';
import { isLoopback } from './loopback.js';

describe('isLoopback', () => {
  it.each(['127.0.0.1', '127.8.0.9', '::1', 'localhost'])('knows %s', (host) => {
    expect(isLoopback(host)).toBe(true);
  });

  it.each(['0.0.0.0', '::', '10.0.0.7', 'weir.example', '128.0.0.1', ''])('does not take %s for it', (host) => {
    expect(isLoopback(host)).toBe(false);
  });
});
