import { describe, expect, it } from '@jest/globals';
import type { AttemptSummary, CallEnvelopeV1, Deployment, ModelRecord } from '@weir/contracts';
import { decideRoute, type RouteContext } from './decide-route.js';

const deployment = (id: string, priority: number): Deployment => ({
  id,
  provider: 'p',
  adapter: 'openai-compatible',
  upstreamModel: `up-${id}`,
  region: 'local',
  priority,
  weight: 1,
  price: 'x',
  contextWindow: 1_000,
  maxOutputTokens: 100,
  capabilities: { samplingAccepted: true, reasoning: 'none', images: true, tools: true },
});
const model: ModelRecord = {
  kind: 'model',
  version: 1,
  name: 'm',
  displayName: 'M',
  createdAt: 0,
  deployments: [deployment('a', 0), deployment('b', 1), deployment('c', 2)],
};
const envelope = (over: Partial<CallEnvelopeV1> = {}): CallEnvelopeV1 =>
  ({
    region: 'local',
    dispatchBy: 2_000,
    prices: ['a', 'b', 'c'].map((deploymentId) => ({ deploymentId, priceVersion: 'x@1' })),
    attempts: [],
    lastFailure: null,
    ...over,
  }) as CallEnvelopeV1;
const context = (over: Partial<RouteContext> = {}): RouteContext => ({
  now: 1_000,
  model,
  isCatalogReady: true,
  attemptsMax: 4,
  availability: () => 'healthy',
  restUntil: () => 0,
  isAccepting: () => true,
  random: () => 0,
  ...over,
});
const tried = (...ids: string[]): AttemptSummary[] => ids.map((deploymentId) => ({ deploymentId }) as AttemptSummary);
const lastFailure = { code: 'upstream_error', message: 'x', status: 500, retryAfterSeconds: null, upstream: null };

describe('decideRoute', () => {
  it('sends nothing, not even an answer, after dispatchBy', () => {
    expect(decideRoute(envelope(), context({ now: 2_001 }))).toEqual({ kind: 'late' });
  });

  it('names the target and whether another follows', () => {
    expect(decideRoute(envelope(), context())).toEqual({
      kind: 'forward',
      isProbe: false,
      target: { deploymentId: 'a', provider: 'p', adapter: 'openai-compatible', upstreamModel: 'up-a', isLast: false },
    });
  });

  it('goes on after the attempts so far, and hands over the last error when none is left', () => {
    expect(decideRoute(envelope({ attempts: tried('a') }), context())).toMatchObject({ target: { deploymentId: 'b' } });
    expect(decideRoute(envelope({ attempts: tried('a', 'b', 'c'), lastFailure }), context())).toEqual({
      kind: 'fail',
      failure: lastFailure,
    });
  });

  it('stops at the most attempts a call may have', () => {
    const limited = context({ attemptsMax: 2 });
    expect(decideRoute(envelope({ attempts: tried('a'), lastFailure }), limited)).toMatchObject({
      target: { deploymentId: 'b', isLast: true },
    });
    expect(decideRoute(envelope({ attempts: tried('a', 'b'), lastFailure }), limited)).toMatchObject({ kind: 'fail' });
  });

  it.each([
    [
      'a catalog that has not been read',
      { isCatalogReady: false },
      { code: 'catalog_not_ready', retryAfterSeconds: 1 },
    ],
    ['a model that is gone', { model: undefined }, { code: 'no_target', retryAfterSeconds: null }],
    ['no accepting worker', { isAccepting: () => false }, { code: 'no_worker', retryAfterSeconds: 1 }],
    [
      'targets that all rest',
      { availability: () => 'resting' as const, restUntil: (id: string) => (id === 'b' ? 4_200 : 9_000) },
      { code: 'upstream_rate_limited', retryAfterSeconds: 4 },
    ],
  ])('refuses with a typed error for %s', (_, over, failure) => {
    expect(decideRoute(envelope(), context(over as Partial<RouteContext>))).toMatchObject({ kind: 'fail', failure });
  });
});
