import { after, before, beforeEach, afterEach, describe, it } from 'node:test';
import { openBucket, type Bucket, type BusConnection, connectBus } from '@weir/bus';
import { COMPLETE_KEY, kvKey } from '@weir/contracts';
import { eventually, startInfrastructure, type RunningStack } from '@weir/testing';
import { expect } from 'expect';
import { openCatalog, type Catalog } from './catalog.js';
import { keyRecord, modelRecord, priceRecord } from './catalog.fixture.js';

const SOON = { timeoutMs: 10_000, everyMs: 5 };

describe('Catalog over a real broker', () => {
  let stack: RunningStack;
  let control: BusConnection;
  let billing: BusConnection;
  let ingress: BusConnection;
  let bucket: Bucket;
  let prices: Bucket;
  let catalog: Catalog;

  before(async () => {
    stack = await startInfrastructure({ parts: ['nats'] });
    const { nats, internal } = stack.connection;
    const connect = (user: 'control' | 'billing' | 'ingress') =>
      connectBus({
        url: nats.url.replace(/\/\/.*@/, '//'),
        user,
        password: internal.natsUsers[user] ?? '',
        name: user,
        inboxPrefix: `_INBOX_${user}`,
      });
    [control, billing, ingress] = await Promise.all([connect('control'), connect('billing'), connect('ingress')]);
  });
  after(async () => {
    await Promise.all([control, billing, ingress].map((connection) => connection.close()));
    await stack.stop();
  });
  beforeEach(async () => {
    bucket = await openBucket(control, 'catalog', { create: true });
    prices = await openBucket(billing, 'prices', { create: true });
    catalog = await openCatalog({
      connection: ingress,
      buckets: ['catalog', 'prices'],
      clock: Date,
      staleAfterMs: 1_000,
      timeScale: 0.1,
    });
  });
  afterEach(() => catalog.close());

  const complete = (version: number) => bucket.put(COMPLETE_KEY, { kind: 'complete', version, records: 1 });
  const putKey = (id: string, version: number, changes: object = {}) =>
    bucket.put(kvKey('key', id), { ...keyRecord(id, version), ...changes });

  it('is loading until the complete marker has been read, and knows no key is missing only then', async () => {
    await putKey('first', 1);
    await eventually(() => expect(catalog.findKey('hmac-first')).toBeDefined(), SOON);
    expect(catalog.state()).toBe('loading');
    await complete(1);
    await eventually(() => expect(catalog.state()).toBe('ready'), SOON);
    expect(catalog.findKey('hmac-unknown')).toBeUndefined();
  });

  it('has a revoked key revoked within 100 ms, and does not take an older version of it', async () => {
    await complete(2);
    await putKey('second', 5);
    await eventually(() => expect(catalog.findKey('hmac-second')?.state).toBe('active'), SOON);
    const at = performance.now();
    await putKey('second', 6, { state: 'revoked' });
    await eventually(() => expect(catalog.findKey('hmac-second')?.state).toBe('revoked'), SOON);
    expect(performance.now() - at).toBeLessThan(100);
    await putKey('second', 4);
    await bucket.put(kvKey('model', 'm'), modelRecord('m', 1));
    await eventually(() => expect(catalog.findModel('m')).toBeDefined(), SOON);
    expect(catalog.findKey('hmac-second')?.version).toBe(6);
  });

  it('tells its listeners of a change', async () => {
    await complete(3);
    await eventually(() => expect(catalog.state()).toBe('ready'), SOON);
    let changes = 0;
    const remove = catalog.onChange(() => (changes += 1));
    await putKey('third', 1);
    await eventually(() => expect(changes).toBeGreaterThan(0), SOON);
    remove();
  });

  it('finds the price in force', async () => {
    await prices.put(kvKey('price', 'p@1'), priceRecord('p', 'p@1', 100));
    await prices.put(kvKey('price', 'p@2'), priceRecord('p', 'p@2', 200));
    await eventually(() => expect(catalog.price('p@2')).toBeDefined(), SOON);
    expect(catalog.priceFor('p', 150)?.priceVersion).toBe('p@1');
    expect(catalog.priceFor('p', 200)?.priceVersion).toBe('p@2');
    expect(catalog.priceFor('p', 99)).toBeUndefined();
  });
});
