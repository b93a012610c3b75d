import { describe, expect, it } from '@jest/globals';
import { VirtualClock } from './virtual-clock.js';

describe('VirtualClock', () => {
  it('runs what falls due in its order, and what that sets within the span', async () => {
    const clock = new VirtualClock(0);
    const seen: string[] = [];
    clock.setTimeout(() => seen.push(`b at ${clock.now()}`), 20);
    clock.setTimeout(() => {
      seen.push(`a at ${clock.now()}`);
      clock.setTimeout(() => seen.push(`c at ${clock.now()}`), 15);
    }, 10);
    clock.setTimeout(() => seen.push('late'), 31);
    await clock.advance(30);
    expect(seen).toEqual(['a at 10', 'b at 20', 'c at 25']);
    expect(clock.now()).toBe(30);
  });

  it('wakes sleepers, and lets go of those that are told to stop', async () => {
    const clock = new VirtualClock(0);
    const stop = new AbortController();
    const woken = clock.sleep(5).then(() => 'woken');
    const stopped = expect(clock.sleep(5, stop.signal)).rejects.toThrow('stopped');
    stop.abort(new Error('stopped'));
    await clock.advance(5);
    await expect(woken).resolves.toBe('woken');
    await stopped;
  });

  it('forgets a cleared timer', async () => {
    const clock = new VirtualClock(0);
    let hasRun = false;
    clock.clearTimeout(clock.setTimeout(() => (hasRun = true), 1));
    await clock.advance(10);
    expect(hasRun).toBe(false);
  });
});
