import { after, before, describe, it } from 'node:test';
import { eventually, startStack, type Connection, type RunningStack } from '@weir/testing';
import { expect } from 'expect';
import {
  callModel,
  CONFIGURATION,
  expectAgreement,
  open,
  readStats,
  recordOfCall,
  toPico,
  type SeenCall,
} from './upstream-kit.js';

/** A tenth of the defaults: a lost worker shows after 15 s, a lost ingress after 5 s. */
const SCALE = 0.1;

let stack: RunningStack;
let connection: Connection;

before(async () => {
  stack = await startStack({ configuration: CONFIGURATION, environment: { WEIR_TIME_SCALE: String(SCALE) } });
  ({ connection } = stack);
});
after(() => stack.stop());

const hello = (): Promise<SeenCall> =>
  callModel(connection, { dialect: 'openai', model: 'sim-openai', content: 'hello', stream: false });

const untilServing = () =>
  eventually(async () => expect(await hello()).toMatchObject({ status: 200 }), { timeoutMs: 60_000, everyMs: 100 });

/** Opens a stream that runs for some seconds and waits until it has begun. */
async function openRunningStream(dialect: 'openai' | 'anthropic', model: string, chunks = 400) {
  const answer = await open(connection, {
    dialect,
    model,
    stream: true,
    content: `[[sim chunks=${chunks} delayMs=20]]`,
  });
  const parts: Buffer[] = [];
  let isOver = false;
  answer.body.on('data', (part: Buffer) => parts.push(part));
  const over = new Promise<void>((resolve) => answer.body.once('close', resolve)).then(() => (isOver = true));
  answer.body.on('error', () => undefined);
  await eventually(() => expect(parts.length).toBeGreaterThan(0), { timeoutMs: 10_000, everyMs: 5 });
  return {
    callId: String(answer.headers['x-request-id']),
    text: () => Buffer.concat(parts).toString('utf8'),
    over,
    isOver: () => isOver,
  };
}

describe('a provider worker killed in the middle of a stream', () => {
  for (const [dialect, model, error] of [
    ['openai', 'sim-openai', '"code":"worker_lost"'],
    ['anthropic', 'sim-anthropic', 'event: error'],
  ] as const) {
    it(`is a typed error to an ${dialect} client in time, and a reconstructed attempt at its bound`, async () => {
      await untilServing();
      const stream = await openRunningStream(dialect, model);
      const killedAt = performance.now();
      const pid = stack.kill('providers');
      await stream.over;
      expect(performance.now() - killedAt).toBeLessThan(17_000 * SCALE + 1_000);
      expect(stream.text()).toContain(error);
      await stack.waitForRestart('providers', pid);
      await untilServing();
      const record = await eventually(
        async () => {
          const found = await recordOfCall(connection, stream.callId);
          expect(found.attempts).toHaveLength(1);
          return found;
        },
        { timeoutMs: 30_000, everyMs: 200 },
      );
      expect(record.call).toMatchObject({ error_code: 'worker_lost', usage_source: 'bounded' });
      expect(record.attempts[0]).toMatchObject({
        outcome: 'cut',
        error_code: 'worker_lost',
        usage_source: 'bounded',
        reconstructed: true,
      });
      expect(toPico(record.attempts[0]?.cost ?? '0')).toBeGreaterThan(0n);
      await expectAgreement(connection, { ...record, call: { ...record.call, reconstructed: true } });
    });
  }

  it('lets its upstreams go with it', async () => {
    await untilServing();
    const stream = await openRunningStream('openai', 'sim-openai');
    const pid = stack.kill('providers');
    await eventually(async () => expect((await readStats(connection)).openRequests).toBe(0), { timeoutMs: 3_000 });
    await stream.over;
    await stack.waitForRestart('providers', pid);
    await untilServing();
  });
});

describe('a provider worker told to stop', () => {
  it('lets its streams end before it goes', async () => {
    await untilServing();
    const stream = await openRunningStream('openai', 'sim-openai', 100);
    const pid = stack.kill('providers', 'SIGTERM');
    await stream.over;
    expect(stream.text()).toContain('[DONE]');
    expect(stream.text()).not.toContain('"error"');
    await stack.waitForRestart('providers', pid);
    const record = await recordOfCall(connection, stream.callId);
    expect(record.call).toMatchObject({ error_code: null, usage_source: 'provider' });
    await expectAgreement(connection, record);
    await untilServing();
  });
});

describe('the router killed', () => {
  it('disturbs no running stream, and new calls are refused or served, never lost', async () => {
    await untilServing();
    const stream = await openRunningStream('openai', 'sim-openai', 150);
    const pid = stack.kill('router');
    const during = await Promise.all([hello(), hello(), hello()]);
    for (const seen of during) {
      expect([200, 503]).toContain(seen.status);
      expect(seen.ms).toBeLessThan(17_000 * SCALE + 1_000);
    }
    await stream.over;
    expect(stream.text()).toContain('[DONE]');
    await stack.waitForRestart('router', pid);
    await untilServing();
    const record = await recordOfCall(connection, stream.callId);
    expect(record.call).toMatchObject({ error_code: null, usage_source: 'provider' });
    for (const seen of during) {
      const refused = await recordOfCall(connection, seen.callId);
      if (seen.status === 503) expect(refused.call).toMatchObject({ attempts: 0 });
      await expectAgreement(connection, refused);
    }
  });
});

describe('an ingress killed in the middle of a stream', () => {
  it('has its upstreams closed, since nobody reads them, and recorded as such', async () => {
    await untilServing();
    const stream = await openRunningStream('openai', 'sim-openai', 2_000);
    const pid = stack.kill('ingress');
    const killedAt = performance.now();
    await stream.over;
    await eventually(async () => expect((await readStats(connection)).openRequests).toBe(0), { timeoutMs: 10_000 });
    expect(performance.now() - killedAt).toBeLessThan(5_000 * SCALE + 1_500);
    await stack.waitForRestart('ingress', pid);
    await untilServing();
    const record = await eventually(
      async () => {
        const found = await recordOfCall(connection, stream.callId);
        expect(found.attempts).toHaveLength(1);
        return found;
      },
      { timeoutMs: 30_000, everyMs: 200 },
    );
    expect(record.attempts[0]).toMatchObject({
      outcome: 'cancelled',
      error_code: 'ingress_lost',
      usage_source: 'bounded',
    });
    expect(record.call.reconstructed).toBe(true);
    await expectAgreement(connection, record);
  });
});
