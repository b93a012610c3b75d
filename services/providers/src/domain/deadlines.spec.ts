import { describe, expect, it } from '@jest/globals';
import { findPassedDeadline, scaleTimeouts } from './deadlines.js';

const timeouts = { connectMs: 10, firstTokenMs: 100, betweenTokensMs: 50, totalMs: 1_000 };
const times = { startedAt: 0, firstTokenAt: null, lastDataAt: 0, isPaused: false };

describe('findPassedDeadline', () => {
  it('waits for the first token, pings and empty frames notwithstanding', () => {
    expect(findPassedDeadline({ ...times, lastDataAt: 99 }, timeouts, 99)).toBeNull();
    expect(findPassedDeadline({ ...times, lastDataAt: 99 }, timeouts, 100)).toBe('upstream_first_token_timeout');
  });

  it('notices an upstream that falls silent', () => {
    const begun = { ...times, firstTokenAt: 10, lastDataAt: 500 };
    expect(findPassedDeadline(begun, timeouts, 549)).toBeNull();
    expect(findPassedDeadline(begun, timeouts, 550)).toBe('upstream_idle_timeout');
  });

  it('does not take a slow client for a silent upstream', () => {
    expect(
      findPassedDeadline({ ...times, firstTokenAt: 10, lastDataAt: 20, isPaused: true }, timeouts, 900),
    ).toBeNull();
  });

  it('ends every answer in the end', () => {
    expect(findPassedDeadline({ ...times, firstTokenAt: 10, lastDataAt: 999 }, timeouts, 1_000)).toBe(
      'upstream_total_timeout',
    );
  });

  it('scales every limit', () => {
    expect(scaleTimeouts(timeouts, 0.1)).toEqual({ connectMs: 1, firstTokenMs: 10, betweenTokensMs: 5, totalMs: 100 });
  });
});
