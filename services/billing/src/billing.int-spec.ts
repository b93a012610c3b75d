import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { connectBus, openBucket, type BusConnection } from '@weir/bus';
import {
  AttemptFinishedV1,
  COMPLETE_KEY,
  EVENT_PARTITIONS,
  KV_BUCKETS,
  PriceRecord,
  kvKey,
  partitionOf,
  subjects,
  uuidv7,
} from '@weir/contracts';
import { createWarehouse, type Warehouse } from '@weir/warehouse';
import { eventually, freePort, sinkEnvironment, startInfrastructure, type RunningStack } from '@weir/testing';
import { expect } from 'expect';

const MAIN = fileURLToPath(new URL('./main.js', import.meta.url));
const WITHIN = { timeoutMs: 20_000 };
const usage = (part: object): object => ({
  inputUncached: 0,
  inputCacheRead: 0,
  inputCacheWrite5m: 0,
  inputCacheWrite1h: 0,
  output: 0,
  reasoning: 0,
  ...part,
});

describe('billing', () => {
  let stack: RunningStack;
  let bus: BusConnection;
  let reader: Warehouse;
  const children = new Set<ChildProcess>();
  const producerId = uuidv7();
  let sequence = 0;

  interface Started {
    readonly child: ChildProcess;
    /** What /health/ready says. */
    readonly health: () => Promise<{ status: number; text: string }>;
    readonly metrics: () => Promise<string>;
  }

  const start = async (environment: Record<string, string> = {}): Promise<Started> => {
    const { connection } = stack;
    const port = await freePort();
    const child = spawn(process.execPath, [MAIN], {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
      env: {
        PATH: process.env['PATH'],
        ...sinkEnvironment(connection, 'billing', port),
        ...environment,
      },
    });
    children.add(child);
    const get = async (path: string) => {
      const answer = await fetch(`http://127.0.0.1:${port}${path}`);
      return { status: answer.status, text: await answer.text() };
    };
    return { child, health: () => get('/health/ready'), metrics: async () => (await get('/metrics')).text };
  };

  const stop = async ({ child }: Started): Promise<void> => {
    const exit = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGTERM');
    expect(await exit).toBe(0);
    children.delete(child);
  };

  const ready = async (billing: Started): Promise<Started> => {
    await eventually(async () => expect(await billing.health()).toMatchObject({ status: 200 }), WITHIN);
    return billing;
  };

  const finish = (part: object = {}): string => {
    const attemptId = uuidv7();
    const callId = uuidv7();
    sequence += 1;
    const data = AttemptFinishedV1.data.parse({
      attemptId,
      callId,
      attempt: 1,
      principal: { organisationId: 'o1', teamId: 't1', personId: null, keyId: 'k1', application: '' },
      region: 'local',
      provider: 'simulator',
      deploymentId: 'd1',
      adapter: 'anthropic',
      model: 'sim-anthropic',
      upstreamModel: 'sim-anthropic',
      simulated: true,
      priceVersion: 'simulator/sim-anthropic@2026-01-01',
      bound: usage({ inputCacheWrite1h: 100, output: 50 }),
      startedAt: Date.now() - 100,
      outcome: 'completed',
      status: 200,
      errorCode: null,
      finishReason: 'end_turn',
      usage: usage({ inputUncached: 10, inputCacheRead: 3, output: 20, reasoning: 1 }),
      usageSource: 'provider',
      finishedAt: Date.now(),
      latencyMs: 100,
      firstTokenMs: 10,
      responseBytes: 10,
      upstreamRequestId: 'req_1',
      dropped: [],
      reconstructed: false,
      ...part,
    });
    const head = {
      eventId: uuidv7(),
      type: 'attempt.finished',
      version: 1,
      time: Date.now(),
      producerId,
      epoch: 1,
      sequence,
    };
    const event = { ...head, organisationId: 'o1', callId, traceparent: null, data };
    const subject = subjects.events(partitionOf(producerId, EVENT_PARTITIONS));
    bus.publish(subject, Buffer.from(`${JSON.stringify(event)}\n`));
    return attemptId;
  };

  const linesOf = (attemptId: string) =>
    reader.query(
      'SELECT bucket, quantity, unit_price, cost, unpriced FROM weir.charges WHERE attempt_id = {id: UUID} ORDER BY line',
      { id: attemptId },
    );
  const attemptOf = async (attemptId: string) =>
    (await reader.query('SELECT * FROM weir.attempts WHERE attempt_id = {id: UUID}', { id: attemptId }))[0];
  const hasLanded = (attemptId: string) =>
    eventually(async () => expect(await attemptOf(attemptId)).toBeDefined(), WITHIN);

  before(async () => {
    stack = await startInfrastructure({ parts: ['nats', 'postgres', 'clickhouse'] });
    const { host, username, password } = new URL(stack.connection.nats.url);
    bus = await connectBus({ url: `nats://${host}`, user: username, password, name: 'test' });
    reader = createWarehouse(stack.connection.clickhouse);
  });
  after(async () => {
    for (const child of children) child.kill('SIGKILL');
    await reader.close();
    await bus.close();
    await stack.stop();
  });

  it('publishes every price before it says that all are there', async () => {
    const billing = await ready(await start());
    const bucket = await openBucket(bus, KV_BUCKETS.prices);
    const marker = await bucket.get(COMPLETE_KEY);
    const price = await bucket.get(kvKey('price', 'simulator/sim-anthropic@2026-01-01'));
    expect(PriceRecord.parse(price?.value).rates.inputUncached).toBe('3000000');
    expect(marker?.revision).toBeGreaterThan(price?.revision ?? Infinity);
    await bucket.delete(COMPLETE_KEY);
    await eventually(async () => expect(await bucket.get(COMPLETE_KEY)).toBeDefined(), WITHIN);
    await stop(billing);
  });

  it('charges an attempt line by line at its pinned price, and sums it up', async () => {
    const billing = await ready(await start());
    const attemptId = finish();
    await hasLanded(attemptId);
    expect(await linesOf(attemptId)).toEqual([
      { bucket: 'inputUncached', quantity: '10', unit_price: '0.000003', cost: '0.00003', unpriced: false },
      { bucket: 'inputCacheRead', quantity: '3', unit_price: '0.0000003', cost: '0.0000009', unpriced: false },
      { bucket: 'output', quantity: '20', unit_price: '0.000015', cost: '0.0003', unpriced: false },
      { bucket: 'reasoning', quantity: '1', unit_price: '0.000015', cost: '0.000015', unpriced: false },
    ]);
    expect(await attemptOf(attemptId)).toMatchObject({
      cost: '0.0003459',
      tokens_input: '13',
      tokens_output: '21',
      provider: 'simulator',
      usage_source: 'provider',
      outcome: 'completed',
      status: 200,
    });
    await stop(billing);
  });

  it('charges the bound where the answer was cut, and nothing where nothing was sent', async () => {
    const billing = await ready(await start());
    const cut = finish({ outcome: 'cut', usage: null, usageSource: 'bounded' });
    const failed = finish({
      outcome: 'failed',
      usage: null,
      usageSource: 'none',
      status: 429,
      errorCode: 'upstream_rate_limited',
    });
    await hasLanded(failed);
    expect(await attemptOf(cut)).toMatchObject({ cost: '0.00135', tokens_input: '100', tokens_output: '50' });
    expect(await attemptOf(failed)).toMatchObject({ cost: '0', unpriced: false, status: 429 });
    expect(await linesOf(failed)).toEqual([]);
    await stop(billing);
  });

  it('never lets an attempt without a price look free', async () => {
    const billing = await ready(await start());
    const attemptId = finish({ priceVersion: null, provider: 'unpriced-provider' });
    await hasLanded(attemptId);
    expect(await attemptOf(attemptId)).toMatchObject({ cost: null, unpriced: true });
    expect(await linesOf(attemptId)).toContainEqual({
      bucket: 'output',
      quantity: '20',
      unit_price: null,
      cost: null,
      unpriced: true,
    });
    // So is one whose price knows nothing of the tier it was served at.
    const flexible = finish({ usage: usage({ output: 3, tier: 'flex' }) });
    await hasLanded(flexible);
    expect(await attemptOf(flexible)).toMatchObject({ cost: null, unpriced: true });
    const [spend] = await reader.query("SELECT * FROM weir.spend_by_model WHERE provider = 'unpriced-provider'");
    expect(spend).toMatchObject({ cost: '0', unpriced_attempts: '1', attempts: '1' });
    expect(await billing.metrics()).toMatch(/weir_billing_unpriced_attempts_total\{[^}]*unpriced-provider[^}]*\} 1/);
    await stop(billing);
  });

  it('keeps the stored price where a list has another under the same date, and goes on landing', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'prices-'));
    const list =
      'source: test\nchecked: 2026-11-22\nprices:\n  - { key: simulator/sim-anthropic, validFrom: 2026-01-01, input: "3", output: "16" }\n';
    await writeFile(join(folder, 'changed.yaml'), list);
    const billing = await ready(await start({ WEIR_PRICES_DIR: folder }));
    const attemptId = finish();
    await hasLanded(attemptId);
    expect(await attemptOf(attemptId)).toMatchObject({ cost: '0.0003459' });
    await stop(billing);
    await rm(folder, { recursive: true });
  });
});
