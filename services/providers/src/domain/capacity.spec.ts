import { describe, expect, it } from '@jest/globals';
import { isProviderFull, isSaturated } from './capacity.js';

const policy = { callsMax: 100, bodyBytesMax: 1_000, loopDelayMsMax: 500 };
const idle = { calls: 0, bodyBytes: 0, loopDelayMs: 0 };

describe('isSaturated', () => {
  it.each([{ calls: 100 }, { bodyBytes: 1_000 }, { loopDelayMs: 500 }])('saturates at %j', (over) => {
    expect(isSaturated(false, { ...idle, ...over }, policy)).toBe(true);
  });

  it('accepts again well below the limit, so that it does not flap', () => {
    expect(isSaturated(true, { ...idle, calls: 85 }, policy)).toBe(true);
    expect(isSaturated(true, { ...idle, calls: 79 }, policy)).toBe(false);
    expect(isSaturated(false, { ...idle, calls: 99 }, policy)).toBe(false);
  });
});

describe('isProviderFull', () => {
  it('is full when every connection is in use, also with a single one', () => {
    expect(isProviderFull(false, 1, 1)).toBe(true);
    expect(isProviderFull(true, 0, 1)).toBe(false);
    expect(isProviderFull(true, 9, 10)).toBe(true);
    expect(isProviderFull(true, 7, 10)).toBe(false);
  });
});
