import { describe, expect, it } from '@jest/globals';
import { MemoryWatch } from './memory-watch.js';

describe('MemoryWatch', () => {
  it('cancels what runs when the process grows beyond the bound', async () => {
    const watch = new MemoryWatch(16 * 1024 * 1024);
    let release: (() => void) | undefined;
    const cancelled = new Promise<void>((resolve) => (release = watch.guard(resolve)));
    const grown = Buffer.alloc(64 * 1024 * 1024, 1);
    await cancelled;
    release?.();
    expect(grown.length).toBeGreaterThan(0);
  });
});
