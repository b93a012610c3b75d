import { after, afterEach, before, beforeEach, describe, it } from 'node:test';
import { eventually, FaultProxy } from '@weir/testing';
import { expect } from 'expect';
import { Broker } from '../broker.fixture.js';
import type { BusConnection } from '../connection/bus-connection.js';
import { BucketMissingError, openBucket, type Bucket, type BucketWatch } from './bucket.js';

const SOON = { timeoutMs: 10_000, everyMs: 5 };

/** Mirrors a bucket, and notes what else the watch said. */
class Mirror implements BucketWatch {
  readonly values = new Map<string, unknown>();
  readonly starts: string[] = [];
  heartbeats = 0;
  caughtUp = 0;
  private readonly abort = new AbortController();
  readonly signal = this.abort.signal;

  onEntry(key: string, value: unknown): void {
    if (value === undefined) this.values.delete(key);
    else this.values.set(key, value);
  }
  onHeartbeat(): void {
    this.heartbeats += 1;
  }
  onCaughtUp(): void {
    this.caughtUp += 1;
  }
  onRestart(created: string): void {
    this.starts.push(created);
    this.values.clear();
  }
  stop(): void {
    this.abort.abort();
  }
}

describe('Bucket over a real broker', () => {
  let broker: Broker;
  let control: BusConnection;
  let ingress: BusConnection;
  let writer: Bucket;
  let reader: Bucket;
  let mirror: Mirror;

  before(async () => {
    broker = await Broker.start();
    control = await broker.connect('control');
    ingress = await broker.connect('ingress');
  });
  after(() => broker.stop());
  beforeEach(async () => {
    broker.errors.length = 0;
    writer = await openBucket(control, 'catalog', { create: true });
    reader = await openBucket(ingress, 'catalog', { timeScale: 0.1 });
    mirror = new Mirror();
  });
  afterEach(() => mirror.stop());

  const set = (key: string, n: number) => writer.put(key, { n });

  it('gives every key first, then changes as they come, deletions too', async () => {
    await set('key.a', 1);
    await set('key.b', 1);
    await set('key.a', 2);
    reader.watch(mirror);
    await eventually(() => expect(mirror.caughtUp).toBe(1), SOON);
    expect(Object.fromEntries(mirror.values)).toMatchObject({ 'key.a': { n: 2 }, 'key.b': { n: 1 } });
    await set('key.c', 3);
    await writer.delete('key.b');
    await eventually(() => expect([...mirror.values.keys()].sort()).toEqual(['key.a', 'key.c']), SOON);
    expect(mirror.starts.length).toBe(1);
    expect(await reader.get('key.c')).toMatchObject({ value: { n: 3 } });
    expect(await reader.get('key.b')).toBeUndefined();
    expect(await reader.get('key.none')).toBeUndefined();
    expect(broker.errors).toEqual([]);
  });

  it('shows a change within 100 ms', async () => {
    reader.watch(mirror);
    await eventually(() => expect(mirror.caughtUp).toBe(1), SOON);
    const at = performance.now();
    await set('key.fast', 1);
    await eventually(() => expect(mirror.values.has('key.fast')).toBe(true), SOON);
    expect(performance.now() - at).toBeLessThan(100);
  });

  it('is heard at least once a second while nothing changes', async () => {
    reader.watch(mirror);
    await eventually(() => expect(mirror.caughtUp).toBe(1), SOON);
    const before = mirror.heartbeats;
    await eventually(() => expect(mirror.heartbeats).toBeGreaterThan(before + 5), SOON);
    expect(mirror.starts.length).toBe(1);
  });

  it('starts over after 3 s of silence, and misses nothing of what happened meanwhile', async () => {
    const proxy = await FaultProxy.open({ port: broker.port });
    const behind = await broker.connect('ingress', proxy.port);
    const quiet = await openBucket(behind, 'catalog', { timeScale: 0.1 });
    quiet.watch(mirror);
    await eventually(() => expect(mirror.caughtUp).toBe(1), SOON);
    proxy.pause();
    const heard = mirror.heartbeats;
    await set('key.unseen', 7);
    await expect(
      eventually(() => expect(mirror.heartbeats).toBeGreaterThan(heard + 1), { timeoutMs: 500 }),
    ).rejects.toThrow();
    proxy.continue();
    await eventually(() => expect(mirror.values.get('key.unseen')).toEqual({ n: 7 }), SOON);
    await eventually(() => expect(mirror.starts.length).toBeGreaterThan(1), SOON);
    await behind.close();
    await proxy.close();
  });

  it('follows a bucket that is rebuilt after the broker has lost its disk', async () => {
    await set('key.old', 1);
    reader.watch(mirror);
    await eventually(() => expect(mirror.values.has('key.old')).toBe(true), SOON);
    await broker.kill();
    await broker.wipe();
    await broker.run();
    await eventually(() => expect(control.isConnected).toBe(true), SOON);
    await expect(set('key.new', 1)).rejects.toThrow(BucketMissingError);
    await expect(reader.get('key.new')).rejects.toThrow(BucketMissingError);
    expect(await writer.ensure()).toBe(true);
    expect(await writer.ensure()).toBe(false);
    await set('key.new', 1);
    await eventually(() => expect([...mirror.values.keys()]).toEqual(['key.new']), SOON);
    expect(new Set(mirror.starts).size).toBe(2);
  });

  it('keeps trying while the bucket is missing', async () => {
    const prices = await openBucket(ingress, 'prices', { timeScale: 0.1 });
    prices.watch(mirror);
    await expect(eventually(() => expect(mirror.caughtUp).toBe(1), { timeoutMs: 300 })).rejects.toThrow();
    const billing = await broker.connect('billing');
    const made = await openBucket(billing, 'prices', { create: true });
    await made.put('price.x', { n: 1 });
    await eventually(() => expect(mirror.values.get('price.x')).toEqual({ n: 1 }), SOON);
  });

  it('lets no service read a bucket that is not its own', async () => {
    const credentials = await openBucket(control, 'credentials', { create: true });
    await credentials.put('credential.x', { sealed: 'secret' });
    const forbidden = await openBucket(ingress, 'credentials', { timeScale: 0.1 });
    await expect(forbidden.get('credential.x')).rejects.toThrow();
    forbidden.watch(mirror);
    await expect(eventually(() => expect(mirror.values.size).toBe(1), { timeoutMs: 500 })).rejects.toThrow();
  });

  it('carries 20,000 records to a new watch in order and whole', async () => {
    const total = 20_000;
    const batch = 500;
    for (let from = 0; from < total; from += batch) {
      await Promise.all(Array.from({ length: batch }, (_, i) => set(`many.${from + i}`, from + i)));
    }
    reader.watch(mirror);
    await eventually(() => expect(mirror.caughtUp).toBe(1), { timeoutMs: 20_000 });
    expect([...mirror.values.keys()].filter((key) => key.startsWith('many.')).length).toBe(total);
    expect(mirror.starts.length).toBe(1);
  });
});
