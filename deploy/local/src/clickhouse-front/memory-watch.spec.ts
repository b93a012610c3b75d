import { describe, expect, it } from '@jest/globals';
import { MemoryWatch } from './memory-watch.js';

const MIB = 1024 * 1024;

describe('MemoryWatch', () => {
  // The process's own size also shrinks when it likes, by a collection or by the system: the figures are given.
  it('cancels what runs when the process grows beyond the bound', async () => {
    let resident = 100 * MIB;
    const watch = new MemoryWatch(16 * MIB, () => resident);
    let isCancelled = false;
    let release: (() => void) | undefined;
    const cancelled = new Promise<void>((resolve) => {
      release = watch.guard(() => {
        isCancelled = true;
        resolve();
      });
    });
    resident += 16 * MIB;
    await new Promise((resolve) => setTimeout(resolve, 250));
    expect(isCancelled).toBe(false);
    resident += 1;
    await cancelled;
    release?.();
  });
});
