import { describe, expect, it } from '@jest/globals';
import { lingerFor } from './linger.js';

describe('lingerFor', () => {
  it('keeps a batch open the longer the more events come, within its bounds', () => {
    expect(lingerFor(0, 1_000)).toBe(200);
    expect(lingerFor(500, 1_000)).toBeCloseTo(600);
    expect(lingerFor(1_000, 1_000)).toBe(1_000);
    expect(lingerFor(50_000, 1_000)).toBe(1_000);
  });
});
