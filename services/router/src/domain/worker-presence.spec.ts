import { describe, expect, it } from '@jest/globals';
import { PresenceTable } from './worker-presence.js';

const presence = (workerId: string, accepting = true, providers = ['p']) => ({ workerId, providers, accepting });

describe('PresenceTable', () => {
  it('takes every provider to be served until it has had time to hear of the workers', () => {
    const table = new PresenceTable(3_000, 1_200);
    expect(table.isAccepting('p', 1_199)).toBe(true);
    expect(table.isAccepting('p', 1_200)).toBe(false);
  });

  it('counts accepting workers of the provider, and only while they are heard of', () => {
    const table = new PresenceTable(3_000, 0);
    table.observe(presence('one'), 1_000);
    expect(table.isAccepting('p', 4_000)).toBe(true);
    expect(table.isAccepting('p', 4_001)).toBe(false);
    expect(table.isAccepting('q', 1_000)).toBe(false);
  });

  it('believes a worker that says it is saturated, and another that is not', () => {
    const table = new PresenceTable(3_000, 0);
    table.observe(presence('one'), 0);
    table.observe(presence('one', false), 1);
    expect(table.isAccepting('p', 2)).toBe(false);
    table.observe(presence('two'), 2);
    expect(table.isAccepting('p', 3)).toBe(true);
  });

  it('does not grow with workers that come and go', () => {
    const table = new PresenceTable(3_000, 0);
    for (let i = 0; i < 100; i++) table.observe(presence(`w${i}`), 0);
    table.forgetSilent(30_001);
    table.observe(presence('w'), 30_001);
    expect(table.size(30_001)).toBe(1);
  });
});
