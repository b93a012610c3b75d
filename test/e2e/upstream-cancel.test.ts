import { after, before, describe, it } from 'node:test';
import { eventually, startStack, type Connection, type RunningStack } from '@weir/testing';
import { expect } from 'expect';
import { request } from 'undici';
import {
  callModel,
  CONFIGURATION,
  expectAgreement,
  open,
  readStats,
  recordOfCall,
  type CallInput,
} from './upstream-kit.js';

let stack: RunningStack;
let connection: Connection;

// At the defaults: how fast an upstream is closed must not depend on a scale.
before(async () => {
  stack = await startStack({ configuration: CONFIGURATION });
  ({ connection } = stack);
});
after(() => stack.stop());

/** Waits until the upstream request of an attempt has been closed by us; returns when that was. */
function untilUpstreamClosed(attemptId: string): Promise<number> {
  return eventually(
    async () => {
      const { closedByClient } = await readStats(connection);
      const closed = closedByClient.find((each) => each.attemptId === attemptId);
      if (!closed) throw new Error(`the upstream of ${attemptId} is still open`);
      return closed.at;
    },
    { timeoutMs: 10_000, everyMs: 10 },
  );
}

/** Opens a stream, reads until it has begun, and leaves. Returns when the client left and which call it was. */
async function leaveMidStream(input: Omit<CallInput, 'stream'>): Promise<{ callId: string; leftAt: number }> {
  const answer = await open(connection, { ...input, stream: true });
  const callId = String(answer.headers['x-request-id']);
  answer.body.on('error', () => undefined);
  await new Promise<void>((resolve) => answer.body.once('data', () => resolve()));
  const leftAt = Date.now();
  answer.body.destroy();
  return { callId, leftAt };
}

describe('a client that leaves', () => {
  const all: number[] = [];

  const routes = [
    ['openai', 'sim-openai'],
    ['anthropic', 'sim-anthropic'],
    ['anthropic', 'sim-bedrock-claude'],
    ['openai', 'sim-bedrock-nova'],
    ['openai', 'sim-anthropic'],
  ] as const;

  for (const [dialect, model] of routes) {
    it(`closes the upstream of its stream within 100 ms: ${dialect} client, ${model}`, async (test) => {
      const content = '[[sim chunks=2000 delayMs=20]]';
      await leaveMidStream({ dialect, model, content });
      const departures: { callId: string; leftAt: number }[] = [];
      for (let round = 0; round < 20; round++) departures.push(await leaveMidStream({ dialect, model, content }));
      const waits: number[] = [];
      for (const { callId, leftAt } of departures) {
        const record = await recordOfCall(connection, callId);
        const [attempt] = record.attempts;
        expect(record.call).toMatchObject({ error_code: 'client_gone', status: 200, attempts: 1 });
        expect(attempt).toMatchObject({ outcome: 'cancelled', error_code: 'client_gone', usage_source: 'bounded' });
        waits.push((await untilUpstreamClosed(attempt?.attempt_id ?? '')) - leftAt);
        await expectAgreement(connection, record);
      }
      all.push(...waits);
      test.diagnostic(`upstream closed after ${waits.join(', ')} ms`);
      expect(Math.max(...waits)).toBeLessThanOrEqual(100);
    });
  }

  it('has done so a hundred times, one at a time', (test) => {
    const sorted = all.toSorted((a, b) => a - b);
    expect(sorted).toHaveLength(100);
    test.diagnostic(`upstream closed after the client left: p50 ${sorted[49]} ms, p99 ${sorted[98]} ms`);
    expect(sorted[98]).toBeLessThanOrEqual(100);
  });

  for (const stream of [false, true]) {
    it(`closes the upstream that has not begun to answer within 100 ms${stream ? ', for a stream' : ''}`, async () => {
      const before = await readStats(connection);
      const abort = new AbortController();
      const content = `[[sim ttftMs=20000 chunks=5]] ${stream}`;
      const answer = open(connection, {
        dialect: 'openai',
        model: 'sim-openai',
        content,
        stream,
        signal: abort.signal,
      });
      const failed = Promise.allSettled([answer.then((opened) => opened.body.text())]);
      await eventually(
        async () => expect((await readStats(connection)).requestsTotal).toBeGreaterThan(before.requestsTotal),
        {
          timeoutMs: 5_000,
        },
      );
      const leftAt = Date.now();
      abort.abort();
      await failed;
      const closedAt = await eventually(
        async () => {
          const { closedByClient } = await readStats(connection);
          const last = closedByClient.at(-1);
          if (!last || last.at < leftAt) throw new Error('the upstream is still open');
          return last.at;
        },
        { timeoutMs: 5_000, everyMs: 10 },
      );
      expect(closedAt - leftAt).toBeLessThanOrEqual(100);
    });
  }
});

async function metric(name: string): Promise<number> {
  const [providers] = connection.services['providers'] ?? [];
  const text = await (await request(providers?.metricsUrl ?? '')).body.text();
  const line = text.split('\n').find((each) => each.startsWith(name));
  return Number(line?.split(' ').at(-1));
}

describe('a client that stops reading', () => {
  it('pauses the upstream instead of filling the worker’s memory', async () => {
    const answer = await open(connection, {
      dialect: 'openai',
      model: 'sim-openai',
      stream: true,
      content: `[[sim bytes=${64 * 1024 * 1024}]]`,
    });
    const before = await metric('process_resident_memory_bytes');
    await eventually(async () => expect(await metric('weir_upstreams_paused')).toBe(1), {
      timeoutMs: 10_000,
      everyMs: 50,
    });
    const paused = await metric('process_resident_memory_bytes');
    expect(paused - before).toBeLessThan(32 * 1024 * 1024);
    let bytes = 0;
    for await (const chunk of answer.body) bytes += (chunk as Buffer).length;
    expect(bytes).toBeGreaterThan(64 * 1024 * 1024);
    expect(await metric('weir_upstreams_paused')).toBe(0);
    const record = await recordOfCall(connection, String(answer.headers['x-request-id']));
    expect(record.call).toMatchObject({ error_code: null, usage_source: 'provider' });
    await expectAgreement(connection, record);
  });
});

describe('silence, at the defaults', () => {
  it('shows within 17 s where the provider stalls in the middle of its answer', async () => {
    const seen = await callModel(connection, {
      dialect: 'anthropic',
      model: 'sim-anthropic',
      stream: true,
      content: '[[sim fail=stall@5]]',
    });
    expect(seen).toMatchObject({ status: 200, error: 'timeout_error' });
    expect(seen.ms).toBeLessThan(17_000);
  });
});
