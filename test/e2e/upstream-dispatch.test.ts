import { after, before, describe, it } from 'node:test';
// eslint-disable-next-line no-restricted-syntax -- how long the worker stands still is what this test varies: there is no condition to wait for
import { setTimeout as pause } from 'node:timers/promises';
import { eventually, startStack, type Connection, type RunningStack } from '@weir/testing';
import { expect } from 'expect';
import { query } from './ingress-client.js';
import { callModel, CONFIGURATION, readInvoice, type SeenCall } from './upstream-kit.js';

/** A tenth of the defaults: a call must be taken within 200 ms, is routed again 50 ms later, and is given up after as much again. */
const SCALE = 0.1;
const ROUNDS = 10;
const CALLS_A_ROUND = 10;
/** Around the deadline of the first and of the second route. */
const PAUSES_MS = [150, 190, 200, 220, 245, 260, 300, 440, 480, 520] as const;

let stack: RunningStack;
let connection: Connection;

before(async () => {
  stack = await startStack({ configuration: CONFIGURATION, environment: { WEIR_TIME_SCALE: String(SCALE) } });
  ({ connection } = stack);
});
after(() => stack.stop());

const call = (): Promise<SeenCall> =>
  callModel(connection, { dialect: 'openai', model: 'sim-openai', content: 'hello', stream: false });

/** Calls that arrive while the worker is stopped, and some just before: it may have read those without having sent them on. */
async function callAcrossPause(pauseMs: number): Promise<SeenCall[]> {
  const calls = Array.from({ length: CALLS_A_ROUND / 2 }, call);
  await pause(3);
  const pid = stack.kill('providers', 'SIGSTOP');
  calls.push(...Array.from({ length: CALLS_A_ROUND / 2 }, call));
  await pause(pauseMs);
  process.kill(pid, 'SIGCONT');
  return Promise.all(calls);
}

describe('a provider worker that is paused around the dispatch deadline', () => {
  it('never sends a call that its client was told was not sent', async () => {
    await eventually(async () => expect(await call()).toMatchObject({ status: 200 }), {
      timeoutMs: 60_000,
      everyMs: 100,
    });
    const seen: SeenCall[] = [];
    for (let round = 0; round < ROUNDS; round++) seen.push(...(await callAcrossPause(PAUSES_MS[round] ?? 200)));
    const refused = seen.filter((one) => one.error === 'not_dispatched').map((one) => one.callId);
    // The longest pauses outlast both routes, so the promise is put to the test.
    expect(refused.length).toBeGreaterThan(0);
    await eventually(
      async () => {
        const rows = await query<{ call_id: string }>(
          connection,
          'SELECT call_id FROM calls WHERE finished_at IS NOT NULL',
        );
        const landed = new Set(rows.map((row) => row.call_id));
        expect(seen.filter((one) => !landed.has(one.callId))).toEqual([]);
      },
      { timeoutMs: 60_000, everyMs: 200 },
    );
    const rows = await query<{ attempt_id: string; call_id: string }>(
      connection,
      'SELECT attempt_id, call_id FROM attempts',
    );
    const invoice = await readInvoice(connection);
    const billed = rows.filter((row) => invoice.has(row.attempt_id)).map((row) => row.call_id);
    expect(refused.filter((callId) => billed.includes(callId))).toEqual([]);
    // One call, one paid attempt: a second route never runs beside the first.
    expect(billed.length).toBe(new Set(billed).size);
  });
});
