import { describe, expect, it } from '@jest/globals';
import { EMPTY_USAGE } from '@weir/money';
import { concludeAttempt, type AttemptProgress } from './attempt-conclusion.js';
import { faultOf, faultOfCallError } from './upstream-fault.js';

const progress = (over: Partial<AttemptProgress> = {}): AttemptProgress => ({
  isSent: true,
  status: 200,
  hasFirstToken: false,
  bytesGiven: 0,
  bytesReceived: 0,
  isComplete: false,
  usage: null,
  isLast: false,
  ...over,
});
const usage = { ...EMPTY_USAGE, inputUncached: 5, output: 7 };
const begun = { hasFirstToken: true, bytesGiven: 10, bytesReceived: 10 };

describe('concludeAttempt', () => {
  it('takes the provider’s own count of a complete answer, and estimates where it gives none', () => {
    expect(concludeAttempt({ kind: 'complete' }, progress({ ...begun, usage }))).toMatchObject({
      outcome: 'completed',
      errorCode: null,
      usageSource: 'provider',
      health: 'ok',
    });
    expect(concludeAttempt({ kind: 'complete' }, progress(begun))).toMatchObject({ usageSource: 'estimated' });
  });

  it('calls an answer complete whose connection broke after its end, but never estimates it', () => {
    const end = { kind: 'fault', fault: faultOf('upstream_reset') } as const;
    expect(concludeAttempt(end, progress({ ...begun, isComplete: true, usage }))).toMatchObject({
      outcome: 'completed',
      errorCode: null,
      usageSource: 'provider',
    });
    expect(concludeAttempt(end, progress({ ...begun, isComplete: true }))).toMatchObject({ usageSource: 'bounded' });
  });

  it.each([
    ['upstream_unreachable', progress({ isSent: false, status: null }), 'none'],
    ['upstream_connect_timeout', progress({ isSent: false, status: null }), 'none'],
    ['upstream_error', progress({ status: 500 }), 'none'],
    ['upstream_error', progress({ status: 302 }), 'none'],
    ['upstream_rate_limited', progress({ status: 429 }), 'none'],
    ['upstream_reset', progress({ status: null }), 'bounded'],
    ['upstream_reset', progress(), 'bounded'],
    ['upstream_first_token_timeout', progress({ status: null }), 'bounded'],
    ['upstream_overloaded', progress(), 'bounded'],
  ] as const)('tries another target after %s before the first byte; usage: %#', (code, before, usageSource) => {
    expect(concludeAttempt({ kind: 'fault', fault: faultOf(code) }, before)).toEqual({
      outcome: 'failed',
      errorCode: code,
      usageSource,
      isRetried: true,
      health: 'failed',
    });
  });

  it('never tries again once a byte has gone to the client', () => {
    for (const code of ['upstream_reset', 'upstream_overloaded', 'upstream_idle_timeout'] as const) {
      expect(concludeAttempt({ kind: 'fault', fault: faultOf(code) }, progress(begun))).toEqual({
        outcome: 'cut',
        errorCode: code,
        usageSource: 'bounded',
        isRetried: false,
        health: 'failed',
      });
    }
  });

  it('tries nothing where no target is left', () => {
    expect(
      concludeAttempt({ kind: 'fault', fault: faultOf('upstream_error') }, progress({ isLast: true })),
    ).toMatchObject({
      isRetried: false,
    });
  });

  it.each(['upstream_total_timeout', 'upstream_idle_timeout', 'internal'] as const)(
    'does not try again after %s',
    (code) => {
      expect(concludeAttempt({ kind: 'fault', fault: faultOf(code) }, progress())).toMatchObject({ isRetried: false });
    },
  );

  it('fails the client’s own mistakes straight, and does not hold them against the target', () => {
    const fault = faultOfCallError({ type: 'invalid_request', message: 'bad', status: 422 });
    expect(concludeAttempt({ kind: 'fault', fault }, progress({ status: 422 }))).toEqual({
      outcome: 'failed',
      errorCode: 'upstream_rejected',
      usageSource: 'none',
      isRetried: false,
      health: 'rejected',
    });
  });

  it('tries another target where this one does not know the model', () => {
    const fault = faultOfCallError({ type: 'not_found', message: 'no such model', status: 404 });
    expect(concludeAttempt({ kind: 'fault', fault }, progress({ status: 404 }))).toMatchObject({
      isRetried: true,
      health: 'rejected',
    });
  });

  it('bounds what was cancelled after it was sent, charges nothing before, and blames nobody', () => {
    const end = { kind: 'cancelled', code: 'client_gone' } as const;
    expect(concludeAttempt(end, progress({ isSent: false, status: null }))).toMatchObject({
      outcome: 'cancelled',
      usageSource: 'none',
      health: null,
    });
    expect(concludeAttempt(end, progress(begun))).toMatchObject({
      outcome: 'cancelled',
      usageSource: 'bounded',
      isRetried: false,
      health: null,
    });
    expect(concludeAttempt(end, progress({ status: null }))).toMatchObject({ usageSource: 'bounded' });
  });
});
