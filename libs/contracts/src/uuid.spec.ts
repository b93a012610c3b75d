import { describe, expect, it } from '@jest/globals';
import { CallId } from './ids.js';
import { uuidv7 } from './uuid.js';

describe('uuidv7', () => {
  it('is a valid version 7 UUID that states its time', () => {
    const id = uuidv7(4_000_000_000_000);
    expect(CallId.safeParse(id).success).toBe(true);
    expect(id[14]).toBe('7');
    expect(Number.parseInt(id.replaceAll('-', '').slice(0, 12), 16)).toBe(4_000_000_000_000);
  });

  it('keeps ids of one process in order, also past the counter of one millisecond and when the clock steps back', () => {
    const ids = Array.from({ length: 10_000 }, (_, n) => uuidv7(5_000_000_000_000 - (n % 3)));
    expect([...ids].sort()).toEqual(ids);
    expect(new Set(ids).size).toBe(ids.length);
  });
});
