import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it, type TestContext } from 'node:test';
import { eventually, startStack, type Connection, type RunningStack } from '@weir/testing';
import { expect } from 'expect';
import { request } from 'undici';
import { chat, send } from './ingress-client.js';
import { readStats } from './upstream-kit.js';

/** Each promise is kept 100 times in a row, one at a time, at the default intervals. Landing within 5 s: `record-latency.test.ts`. */
const ROUNDS = 100;
const UPSTREAM_CLOSED_MS_P99 = 100;
const EDIT_IN_FORCE_MS_P99 = 1_000;

let stack: RunningStack;
let connection: Connection;

before(async () => {
  stack = await startStack();
  ({ connection } = stack);
});
after(() => stack.stop());

function expectP99(context: TestContext, what: string, times: readonly number[], limitMs: number): void {
  const sorted = [...times].sort((left, right) => left - right);
  const at = (share: number): number => Math.round(sorted[Math.ceil(sorted.length * share) - 1] ?? Infinity);
  context.diagnostic(
    `p99 ${what}: ${at(0.99)} ms of ${limitMs} (p50 ${at(0.5)}, worst ${at(1)}, ${times.length} rounds)`,
  );
  expect(times).toHaveLength(ROUNDS);
  expect(at(0.99)).toBeLessThanOrEqual(limitMs);
}

/** Reads the beginning of a stream and leaves. Returns when that was, in milliseconds since 1970. */
async function leaveMidStream(): Promise<number> {
  const answer = await request(new URL('/v1/chat/completions', connection.gateway.url), {
    method: 'POST',
    headers: { authorization: `Bearer ${connection.gateway.key}`, 'content-type': 'application/json' },
    body: chat('count [[sim chunks=2000 delayMs=10]]', { stream: true }),
  });
  expect(answer.statusCode).toBe(200);
  // Destroying a body mid-stream makes it report the abort that we asked for.
  answer.body.on('error', () => undefined);
  await new Promise<void>((resolve) => answer.body.once('data', () => resolve()));
  const leftAt = Date.now();
  answer.body.destroy();
  return leftAt;
}

/** When the simulator saw its connection closed: the one departure that was not there before. */
async function newDeparture(known: ReadonlySet<string | null>): Promise<{ attemptId: string | null; at: number }> {
  return eventually(
    async () => {
      const { closedByClient } = await readStats(connection);
      const departure = closedByClient.find(({ attemptId }) => !known.has(attemptId));
      if (departure === undefined) throw new Error('the upstream request is still open');
      return departure;
    },
    { timeoutMs: 10_000, everyMs: 5 },
  );
}

describe('a client that leaves', () => {
  it(`has its upstream closed within ${UPSTREAM_CLOSED_MS_P99} ms, p99 of ${ROUNDS}`, async (context) => {
    const known = new Set<string | null>();
    const times: number[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      const leftAt = await leaveMidStream();
      const { attemptId, at } = await newDeparture(known);
      known.add(attemptId);
      times.push(at - leftAt);
    }
    expectP99(context, 'upstream closed after the client left', times, UPSTREAM_CLOSED_MS_P99);
  });
});

/** The shipped configuration with one more model. */
function configurationWith(shipped: string, model: string): string {
  const deployment =
    '{ provider: simulator, adapter: openai-compatible, model: sim-openai, price: simulator/sim-openai, priority: 0, contextWindow: 400000, maxOutputTokens: 128000 }';
  const edited = shipped.replace(
    '\nmodels:\n',
    `\nmodels:\n  - name: ${model}\n    deployments:\n      - ${deployment}\n`,
  );
  if (edited === shipped) throw new Error('weir.yaml has no list of models');
  return edited;
}

/** As editors save: into the file, or into another one that takes its place. */
function save(text: string, isReplaced: boolean): void {
  const file = join(stack.home, 'weir.yaml');
  if (!isReplaced) return writeFileSync(file, text);
  writeFileSync(`${file}.new`, text);
  renameSync(`${file}.new`, file);
}

async function expectServed(model: string, isServed: boolean): Promise<void> {
  const { status } = await send(connection, { method: 'GET', path: `/v1/models/${model}` });
  expect(status).toBe(isServed ? 200 : 404);
}

describe('an edit of weir.yaml', () => {
  it(`is in force within ${EDIT_IN_FORCE_MS_P99} ms, p99 of ${ROUNDS}`, async (context) => {
    const shipped = readFileSync(join(stack.home, 'weir.yaml'), 'utf8');
    const times: number[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      const text = configurationWith(shipped, `edited-${round}`);
      const savedAt = performance.now();
      save(text, round % 2 === 1);
      await eventually(
        async () => {
          await expectServed(`edited-${round}`, true);
          if (round > 0) await expectServed(`edited-${round - 1}`, false);
        },
        { timeoutMs: 10_000, everyMs: 5 },
      );
      times.push(performance.now() - savedAt);
    }
    expectP99(context, 'edit in force', times, EDIT_IN_FORCE_MS_P99);
    const answer = await send(connection, {
      path: '/v1/chat/completions',
      body: chat('hello', { model: `edited-${ROUNDS - 1}` }),
    });
    expect(answer.status).toBe(200);
  });
});
