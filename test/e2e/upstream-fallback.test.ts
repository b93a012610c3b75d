import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { eventually, startStack, type Connection, type RunningStack } from '@weir/testing';
import { expect } from 'expect';
import { request } from 'undici';
import {
  callModel,
  CONFIGURATION,
  expectAgreement,
  open,
  recordOfCall,
  type CallRecord,
  type SeenCall,
} from './upstream-kit.js';

let stack: RunningStack;
let connection: Connection;

before(async () => {
  stack = await startStack({ configuration: CONFIGURATION, environment: { WEIR_TIME_SCALE: '0.1' } });
  ({ connection } = stack);
});
after(() => stack.stop());

const call = (model: string, content: string, stream = false): Promise<SeenCall> =>
  callModel(connection, { dialect: 'openai', model, content, stream });

const servedBy = ({ attempts }: CallRecord): string | undefined => attempts.at(-1)?.upstream_model;

/** The record of a call, agreed with the invoice. */
async function recordFor(seen: SeenCall): Promise<CallRecord> {
  const record = await recordOfCall(connection, seen.callId);
  await expectAgreement(connection, record);
  return record;
}

/**
 * Waits until the first target of `two-targets` is served again, and served often enough in a row that the failures of the tests before,
 * which may lie in the same window, are few among its outcomes.
 */
async function untilFirstTargetServes(): Promise<void> {
  await eventually(
    async () => {
      for (let i = 0; i < 4; i++) expect((await call('two-targets', 'hello')).text).toContain('"model":"sim-deepseek"');
    },
    { timeoutMs: 15_000, everyMs: 100 },
  );
}

describe('a target that cannot be reached', () => {
  for (const stream of [false, true]) {
    it(`is followed by the next one${stream ? ', for a stream' : ''}`, async () => {
      const seen = await call('dead-first', 'hello', stream);
      expect(seen).toMatchObject({ status: 200, error: undefined });
      const record = await recordFor(seen);
      // After some failures the dead target is skipped altogether.
      expect(servedBy(record)).toBe('sim-qwen');
      const [first] = record.attempts;
      if (record.attempts.length === 2) {
        expect(first).toMatchObject({
          provider: 'dead',
          outcome: 'failed',
          error_code: 'upstream_unreachable',
          usage_source: 'none',
          status: null,
        });
      }
    });
  }

  it('is a typed error where there is no other', async () => {
    const seen = await call('dead-only', 'hello');
    expect(seen).toMatchObject({ status: 502, error: 'upstream_unreachable' });
    expect((await recordFor(seen)).call).toMatchObject({ attempts: 1, usage_source: 'none' });
  });
});

describe('a target that fails before the first byte', () => {
  for (const fail of ['500', '529', '401', 'reset', '200-then-reset', 'malformed@0', 'error@0', 'stall']) {
    it(`is followed by the next one after ${fail}, and both are in the record`, async () => {
      await untilFirstTargetServes();
      const seen = await call('two-targets', `[[sim fail=${fail} only=sim-deepseek]]`, true);
      expect(seen).toMatchObject({ status: 200, error: undefined });
      const record = await recordFor(seen);
      expect(record.call).toMatchObject({ attempts: 2, error_code: null });
      expect(record.attempts.map((attempt) => [attempt.upstream_model, attempt.outcome])).toEqual([
        ['sim-deepseek', 'failed'],
        ['sim-qwen', 'completed'],
      ]);
    });
  }

  it('is not followed where the request is at fault', async () => {
    await untilFirstTargetServes();
    const seen = await call('two-targets', '[[sim fail=400 only=sim-deepseek]]');
    expect(seen.status).toBe(400);
    expect((await recordFor(seen)).call).toMatchObject({ attempts: 1, error_code: 'upstream_rejected' });
  });

  it('hands over the last error when none is left', async () => {
    await untilFirstTargetServes();
    const seen = await call('two-targets', '[[sim fail=500]]');
    expect(seen.status).toBe(500);
    const record = await recordFor(seen);
    expect(record.call).toMatchObject({ attempts: 2, error_code: 'upstream_error', usage_source: 'none' });
  });
});

describe('a target that fails after the first byte', () => {
  it('is never followed by another', async () => {
    await untilFirstTargetServes();
    const seen = await call('two-targets', '[[sim fail=reset@5 only=sim-deepseek]]', true);
    expect(seen).toMatchObject({ status: 200, error: 'upstream_reset' });
    const record = await recordFor(seen);
    expect(record.call).toMatchObject({ attempts: 1, error_code: 'upstream_reset', usage_source: 'bounded' });
    expect(servedBy(record)).toBe('sim-deepseek');
  });
});

describe('the health of a target', () => {
  it('survives one error', async () => {
    await untilFirstTargetServes();
    await call('two-targets', '[[sim fail=500 only=sim-deepseek]]');
    expect((await call('two-targets', 'hello')).text).toContain('"model":"sim-deepseek"');
  });

  it('opens after several within the window, and closes again by a probe', async () => {
    await untilFirstTargetServes();
    // The successes of the tests before lie in the same window: it takes more failures than there were of them.
    const CALLS = 30;
    const seen: SeenCall[] = [];
    for (let i = 0; i < CALLS; i++) seen.push(await call('two-targets', '[[sim fail=500 only=sim-deepseek]]'));
    const attempts: number[] = [];
    for (const each of seen) attempts.push((await recordFor(each)).call.attempts);
    // While it is out, a call meets only the second target.
    expect(attempts.slice(0, 2)).toEqual([2, 2]);
    expect(attempts).toContain(1);
    await untilFirstTargetServes();
  });

  it('takes no model away whose only target fails', async () => {
    for (let i = 0; i < 10; i++) expect((await call('sim-openai', '[[sim fail=500]]')).status).toBe(500);
    expect((await call('sim-openai', 'hello')).status).toBe(200);
  });
});

describe('a worker whose connections are all in use', () => {
  it('leaves the queue group, is refused for by the router, and comes back', async () => {
    const open2 = await Promise.all(
      [1, 2].map(() =>
        open(connection, { dialect: 'openai', model: 'narrow', stream: true, content: '[[sim chunks=40 delayMs=50]]' }),
      ),
    );
    await eventually(
      async () => expect(await call('narrow', 'hello')).toMatchObject({ status: 503, error: 'no_worker' }),
      {
        timeoutMs: 1_500,
      },
    );
    for (const answer of open2) expect(await answer.body.text()).toContain('[DONE]');
    await eventually(async () => expect((await call('narrow', 'hello')).status).toBe(200), { timeoutMs: 5_000 });
  });
});

describe('an edit of weir.yaml', () => {
  it('has a new provider and its models served within a second, and their old names answered as before', async () => {
    const provider = `  - id: late
    simulated: true
    endpoints: { openai-compatible: '\${WEIR_SIMULATOR_URL}/v1' }
    allowPrivate: [127.0.0.0/8]
`;
    const deployment = (price: string) =>
      `    deployments: [{ provider: late, adapter: openai-compatible, model: sim-qwen, price: ${price}, contextWindow: 1000, maxOutputTokens: 100 }]\n`;
    const edited = CONFIGURATION.replace('models:\n', `${provider}models:\n`).concat(
      `  - name: late-model\n${deployment('simulator/sim-qwen')}  - name: unpriced\n${deployment('simulator/nobody-knows')}`,
    );
    writeFileSync(join(stack.home, 'weir.yaml'), edited);
    const savedAt = performance.now();
    const seen = await eventually(
      async () => {
        const each = await call('late-model', 'hello');
        expect(each).toMatchObject({ status: 200 });
        return each;
      },
      { timeoutMs: 10_000, everyMs: 20 },
    );
    // The promise is a second; machines under test are shared.
    expect(performance.now() - savedAt).toBeLessThan(3_000);
    expect((await recordFor(seen)).attempts[0]).toMatchObject({ provider: 'late' });
    expect((await call('sim-openai', 'hello')).status).toBe(200);
  });

  it('may name a model without a price: it answers, and is flagged as unpriced, not as free', async () => {
    const seen = await call('unpriced', 'hello');
    expect(seen.status).toBe(200);
    const { attempts } = await recordOfCall(connection, seen.callId);
    expect(attempts[0]).toMatchObject({
      outcome: 'completed',
      usage_source: 'provider',
      unpriced: true,
      price_version: null,
    });
    const [providers] = connection.services['providers'] ?? [];
    const metrics = await (await request(providers?.metricsUrl ?? '')).body.text();
    expect(metrics).toMatch(/weir_unpriced_attempts_total\{[^}]*model="unpriced"[^}]*\} 1/);
  });
});

describe('Retry-After', () => {
  it('lets the target rest, while the next one serves', async () => {
    await untilFirstTargetServes();
    const seen = await call('two-targets', '[[sim fail=429 retryAfter=2 only=sim-deepseek]]');
    const next = await call('two-targets', 'hello');
    expect((await recordFor(seen)).call).toMatchObject({ attempts: 2, error_code: null });
    expect((await recordFor(next)).call.attempts).toBe(1);
    expect(next.text).toContain('"model":"sim-qwen"');
    await untilFirstTargetServes();
  });

  it('reaches the client where there is no other target, and nothing is sent until it has passed', async () => {
    const seen = await call('sim-openai', '[[sim fail=429 retryAfter=3]]');
    expect(seen).toMatchObject({ status: 429, headers: { 'retry-after': '3' } });
    const refused = await call('sim-openai', 'hello');
    expect(refused).toMatchObject({ status: 429, error: 'rate_limit_exceeded' });
    expect(Number(refused.headers['retry-after'])).toBeLessThanOrEqual(3);
    expect((await recordFor(refused)).call).toMatchObject({ attempts: 0, error_code: 'upstream_rate_limited' });
    await eventually(async () => expect((await call('sim-openai', 'hello')).status).toBe(200), {
      timeoutMs: 5_000,
      everyMs: 100,
    });
  });
});
