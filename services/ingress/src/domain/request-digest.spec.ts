import { createHash } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { digestRequest } from './request-digest.js';

describe('digestRequest', () => {
  it.each([0, 10, 3 * 1024 * 1024 + 1])('is SHA-256 over salt and %d bytes of body', async (length) => {
    const body = Buffer.alloc(length, 'b');
    const { digest, salt } = await digestRequest(body);
    const expected = createHash('sha256').update(Buffer.from(salt, 'base64url')).update(body).digest('base64url');
    expect(digest).toBe(expected);
  });

  it('salts each request anew', async () => {
    const salts = new Set(
      await Promise.all(Array.from({ length: 600 }, async () => (await digestRequest(Buffer.alloc(1))).salt)),
    );
    expect(salts.size).toBe(600);
    expect(Buffer.from([...salts][0] ?? '', 'base64url')).toHaveLength(16);
  });
});
