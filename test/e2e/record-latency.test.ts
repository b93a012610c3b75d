import { after, before, describe, it } from 'node:test';
import { eventually, startStack, type RunningStack } from '@weir/testing';
import { expect } from 'expect';
import { chat, idOf, send } from './ingress-client.js';
import { query } from './record-kit.js';

const CALLS = 100;
const LANDED_MS_P99 = 5_000;

describe('a call is in ClickHouse soon after it ended', () => {
  let stack: RunningStack;
  before(async () => {
    stack = await startStack();
  });
  after(() => stack.stop());

  it(`within ${LANDED_MS_P99} ms, at the default intervals, p99 of ${CALLS} calls one at a time`, async (context) => {
    const { connection } = stack;
    const times: number[] = [];
    for (let call = 0; call < CALLS; call++) {
      const answer = await send(connection, { path: '/v1/chat/completions', body: chat(`hello ${call}`) });
      const endedAt = performance.now();
      const callId = idOf(answer);
      await eventually(
        async () => {
          const rows = await query(
            connection,
            `SELECT call_id FROM calls INNER JOIN (SELECT DISTINCT call_id FROM charges WHERE call_id = '${callId}') AS c USING (call_id)
             WHERE call_id = '${callId}' AND state = 'finished'`,
          );
          expect(rows).toHaveLength(1);
        },
        { timeoutMs: 20_000, everyMs: 50 },
      );
      times.push(performance.now() - endedAt);
    }
    times.sort((a, b) => a - b);
    const at = (share: number): number => Math.round(times[Math.ceil(times.length * share) - 1] ?? Infinity);
    context.diagnostic(`landed and charged after its end: p50 ${at(0.5)} ms, p99 ${at(0.99)} ms, worst ${at(1)} ms`);
    expect(at(0.99)).toBeLessThanOrEqual(LANDED_MS_P99);
  });
});
