import { describe, expect, it } from '@jest/globals';
import type { Deployment } from '@weir/contracts';
import { chooseTarget, type ChoiceInput } from './choose-target.js';
import type { Availability } from './target-health.js';

const deployment = (id: string, over: Partial<Deployment> = {}): Deployment => ({
  id,
  provider: 'p',
  adapter: 'openai-compatible',
  upstreamModel: id,
  region: 'local',
  priority: 0,
  weight: 1,
  price: 'x',
  contextWindow: 1_000,
  maxOutputTokens: 100,
  capabilities: { samplingAccepted: true, reasoning: 'none', images: true, tools: true },
  ...over,
});

function choose(deployments: Deployment[], over: Partial<ChoiceInput> = {}, states: Record<string, Availability> = {}) {
  return chooseTarget({
    deployments,
    attempted: new Set(),
    pinned: new Set(deployments.map(({ id }) => id)),
    region: 'local',
    availability: (id) => states[id] ?? 'healthy',
    isAccepting: () => true,
    random: () => 0,
    ...over,
  });
}
const idOf = (choice: ReturnType<typeof choose>) => (choice.kind === 'target' ? choice.deployment.id : choice.kind);

describe('chooseTarget', () => {
  it('takes the lowest priority, and the next only when that has been tried', () => {
    const both = [deployment('b', { priority: 1 }), deployment('a')];
    expect(idOf(choose(both))).toBe('a');
    expect(idOf(choose(both, { attempted: new Set(['a']) }))).toBe('b');
    expect(idOf(choose(both, { attempted: new Set(['a', 'b']) }))).toBe('exhausted');
  });

  it('shares the calls of one priority by weight', () => {
    const three = [deployment('a', { weight: 1 }), deployment('b', { weight: 3 }), deployment('c', { weight: 0 })];
    const drawn = Array.from({ length: 8 }, (_, i) => idOf(choose(three, { random: () => i / 8 })));
    expect(drawn).toEqual(['a', 'a', 'b', 'b', 'b', 'b', 'b', 'b']);
  });

  it('uses targets of weight 0 where there is nothing else', () => {
    expect(idOf(choose([deployment('a', { weight: 0 })]))).toBe('a');
  });

  it('says whether anything is left after the target', () => {
    expect(choose([deployment('a'), deployment('b')])).toMatchObject({ isLast: false });
    expect(choose([deployment('a')])).toMatchObject({ isLast: true });
    expect(choose([deployment('a'), deployment('b')], {}, { b: 'open' })).toMatchObject({ isLast: true });
  });

  it('skips open and resting targets', () => {
    const both = [deployment('a'), deployment('b', { priority: 1 })];
    expect(idOf(choose(both, {}, { a: 'open' }))).toBe('b');
    expect(idOf(choose(both, {}, { a: 'resting' }))).toBe('b');
  });

  it('sends a due probe to an open target before its healthy peers, but never down to a lower priority', () => {
    expect(choose([deployment('a'), deployment('b')], {}, { b: 'probe' })).toMatchObject({
      deployment: { id: 'b' },
      isProbe: true,
    });
    expect(choose([deployment('a'), deployment('b', { priority: 1 })], {}, { b: 'probe' })).toMatchObject({
      deployment: { id: 'a' },
      isProbe: false,
    });
  });

  it('does not take a model away from everybody because its only target is open', () => {
    expect(choose([deployment('a')], {}, { a: 'open' })).toMatchObject({
      deployment: { id: 'a' },
      isProbe: false,
      isLast: true,
    });
  });

  it('does not fall back to an open target after a failure elsewhere', () => {
    const both = [deployment('a'), deployment('b')];
    expect(choose(both, { attempted: new Set(['a']) }, { b: 'open' })).toEqual({ kind: 'unavailable', resting: [] });
  });

  it('leaves a resting target alone even where it is the only one', () => {
    expect(choose([deployment('a')], {}, { a: 'resting' })).toEqual({ kind: 'unavailable', resting: ['a'] });
  });

  it('skips targets whose provider has no accepting worker', () => {
    const both = [deployment('a'), deployment('b', { provider: 'q', priority: 1 })];
    expect(idOf(choose(both, { isAccepting: (provider) => provider === 'q' }))).toBe('b');
    expect(idOf(choose(both, { isAccepting: () => false }))).toBe('no-worker');
  });

  it('reaches only deployments of its region whose price was pinned at admission', () => {
    const mixed = [deployment('far', { region: 'elsewhere' }), deployment('new'), deployment('b', { priority: 5 })];
    expect(idOf(choose(mixed, { pinned: new Set(['far', 'b']) }))).toBe('b');
  });
});
