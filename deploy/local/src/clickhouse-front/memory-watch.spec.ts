import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { MemoryWatch } from './memory-watch.js';

const MIB = 1024 * 1024;

describe('MemoryWatch', () => {
  beforeEach(() => {
    jest.useFakeTimers();
  });
  afterEach(() => {
    jest.useRealTimers();
  });

  // The process's own size also shrinks when it likes, by a collection or by the system: the figures are given.
  it('cancels what runs when the process grows beyond the bound', () => {
    let resident = 100 * MIB;
    const watch = new MemoryWatch(16 * MIB, () => resident);
    let cancelled = 0;
    const release = watch.guard(() => (cancelled += 1));
    resident += 16 * MIB;
    jest.advanceTimersByTime(300);
    expect(cancelled).toBe(0);
    resident += 1;
    jest.advanceTimersByTime(300);
    expect(cancelled).toBe(1);
    release();
  });
});
