import { describe, expect, it } from '@jest/globals';
import {
  availability,
  reduceHealth,
  UNKNOWN_HEALTH,
  type HealthEvent,
  type HealthPolicy,
  type TargetHealth,
} from './target-health.js';

const policy: HealthPolicy = {
  failuresToOpen: 3,
  failureRatio: 0.5,
  windowMs: 10_000,
  probeAfterMs: 1_000,
  probeAfterMaxMs: 8_000,
  restMaxMs: 60_000,
};
const failed = (at: number, retryAfterMs: number | null = null): HealthEvent => ({
  kind: 'failed',
  at,
  retryAfterMs,
  jitter: 0,
});
const ok = (at: number, count = 1): HealthEvent => ({ kind: 'ok', at, count });
const run = (...events: HealthEvent[]): TargetHealth =>
  events.reduce((state, event) => reduceHealth(state, event, policy), UNKNOWN_HEALTH);

describe('reduceHealth', () => {
  it('never takes a target out for one error, nor for two', () => {
    expect(availability(run(failed(0)), 1)).toBe('healthy');
    expect(availability(run(failed(0), failed(1)), 2)).toBe('healthy');
  });

  it('opens at the third failure within the window', () => {
    expect(availability(run(failed(0), failed(1), failed(2)), 3)).toBe('open');
  });

  it('forgets failures that have left the window', () => {
    expect(availability(run(failed(0), failed(1), failed(10_500)), 10_501)).toBe('healthy');
  });

  it('keeps a busy target of which only a small share fails', () => {
    expect(availability(run(ok(0, 500), failed(1), failed(2), failed(3), failed(4)), 5)).toBe('healthy');
    expect(availability(run(ok(0, 3), failed(1), failed(2), failed(3)), 5)).toBe('open');
  });

  it('lets one probe through after the wait, and the next only after another wait', () => {
    const open = run(failed(0), failed(0), failed(0));
    expect(availability(open, 999)).toBe('open');
    expect(availability(open, 1_000)).toBe('probe');
    const probing = reduceHealth(open, { kind: 'probe-sent', at: 1_000, jitter: 0 }, policy);
    expect(availability(probing, 1_001)).toBe('open');
    expect(availability(probing, 2_000)).toBe('probe');
  });

  it('closes with a good probe and starts counting anew', () => {
    const closed = run(failed(0), failed(0), failed(0), { kind: 'probe-sent', at: 1_000, jitter: 0 }, ok(1_100));
    expect(availability(closed, 1_101)).toBe('healthy');
    expect(availability(reduceHealth(closed, failed(1_200), policy), 1_201)).toBe('healthy');
  });

  it('doubles the wait with each failed probe, up to its maximum', () => {
    let state = run(failed(0), failed(0), failed(0));
    let at = 0;
    const waits: number[] = [];
    for (let i = 0; i < 6; i++) {
      waits.push(state.probeAt - at);
      at = state.probeAt;
      state = reduceHealth(state, { kind: 'probe-sent', at, jitter: 0 }, policy);
      state = reduceHealth(state, failed(at), policy);
    }
    expect(waits).toEqual([1_000, 2_000, 4_000, 8_000, 8_000, 8_000]);
  });

  it('does not lengthen the wait for calls that were under way when it opened', () => {
    const open = run(failed(0), failed(0), failed(0));
    const after = [failed(10), failed(20), failed(30)].reduce(
      (state, event) => reduceHealth(state, event, policy),
      open,
    );
    expect(after.probeAt).toBe(open.probeAt);
  });

  it('spreads the probes of several routers by their jitter', () => {
    const open = (jitter: number) =>
      [0, 1, 2].reduce(
        (state, at) => reduceHealth(state, { kind: 'failed', at, retryAfterMs: null, jitter }, policy),
        UNKNOWN_HEALTH,
      );
    expect(open(0).probeAt).toBe(1_002);
    expect(open(1).probeAt).toBe(1_502);
  });

  it('rests as long as the provider asked, although one error opens nothing', () => {
    const state = run(failed(0, 5_000));
    expect(availability(state, 4_999)).toBe('resting');
    expect(availability(state, 5_000)).toBe('healthy');
  });

  it('rests at most as long as the policy allows, whatever the provider asked', () => {
    const state = run(failed(0, 86_400_000));
    expect(availability(state, 59_999)).toBe('resting');
    expect(availability(state, 60_000)).toBe('healthy');
  });

  it('does not end a rest for an answer that had begun before it', () => {
    expect(availability(run(failed(0, 5_000), ok(10)), 20)).toBe('resting');
  });
});
