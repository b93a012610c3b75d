import { describe, expect, it } from '@jest/globals';
import { Freshness } from './freshness.js';

describe('Freshness', () => {
  const create = () => new Freshness(['catalog', 'prices'], 100);

  it('is loading until every bucket was read to its end, and the catalog to its marker', () => {
    const freshness = create();
    for (const bucket of ['catalog', 'prices'] as const) {
      freshness.restarted(bucket);
      freshness.heard(bucket, 0);
    }
    expect(freshness.state(0)).toBe('loading');
    expect(freshness.caughtUp('prices')).toBe(true);
    expect(freshness.caughtUp('catalog')).toBe(false);
    expect(freshness.state(0)).toBe('loading');
    expect(freshness.marked('catalog')).toBe(true);
    expect(freshness.state(0)).toBe('ready');
  });

  it('is stale once any bucket has been silent for too long, and ready again when it is heard', () => {
    const freshness = create();
    for (const bucket of ['catalog', 'prices'] as const) {
      freshness.heard(bucket, 0);
      freshness.caughtUp(bucket);
    }
    freshness.marked('catalog');
    freshness.heard('catalog', 150);
    expect(freshness.state(100)).toBe('ready');
    expect(freshness.state(150)).toBe('stale');
    freshness.heard('prices', 150);
    expect(freshness.state(150)).toBe('ready');
  });

  it('stays ready while a watch starts over, and says when the bucket is whole again', () => {
    const freshness = create();
    for (const bucket of ['catalog', 'prices'] as const) {
      freshness.heard(bucket, 0);
      freshness.caughtUp(bucket);
    }
    freshness.marked('catalog');
    const run = freshness.run('catalog');
    freshness.restarted('catalog');
    expect(freshness.state(50)).toBe('ready');
    expect(freshness.run('catalog')).toBe(run + 1);
    expect(freshness.marked('catalog')).toBe(false);
    expect(freshness.caughtUp('catalog')).toBe(true);
  });
});
