import { describe, expect, it } from '@jest/globals';
import { backoffMs, countDeaths } from './backoff.js';

describe('backoff', () => {
  it('doubles from 0.2 s to 5 s and stays there', () => {
    expect([1, 2, 3, 4, 5, 6, 100].map(backoffMs)).toEqual([200, 400, 800, 1600, 3200, 5000, 5000]);
  });

  it('starts anew for a child that had recovered', () => {
    expect(countDeaths(7, 1_000)).toBe(8);
    expect(countDeaths(7, 30_000)).toBe(1);
  });
});
