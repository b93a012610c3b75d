import { after, before, describe, it } from 'node:test';
import { eventually, startStack, type Connection, type RunningStack } from '@weir/testing';
import { expect } from 'expect';
import {
  RawClient,
  callIdOf,
  openChat,
  openMessage,
  query,
  recordOf,
  residentMegabytes,
  warmUp,
} from './ingress-client.js';

const MEBIBYTE = 1024 * 1024;
const SLOW_CLIENT_SECONDS = 60;
let stack: RunningStack;
let connection: Connection;

before(async () => {
  stack = await startStack({ environment: { WEIR_TIME_SCALE: '0.1' } });
  ({ connection } = stack);
  await warmUp(connection);
});
after(() => stack.stop());

interface SimulatorStats {
  readonly closedByClient: readonly { readonly attemptId: string; readonly at: number }[];
}

/** When the simulator saw its one attempt of a call closed by Weir. */
async function upstreamClosedAt(callId: string): Promise<number> {
  const attempts = await eventually(
    async () => {
      const sql = 'SELECT attempt_id FROM attempts WHERE call_id = {id:String}';
      const rows = await query<{ attempt_id: string }>(connection, sql, { id: callId });
      if (rows.length !== 1) throw new Error(`${rows.length} attempts of call ${callId}`);
      return rows;
    },
    { timeoutMs: 20_000 },
  );
  const stats = (await (await fetch(new URL('/stats', connection.simulator.url))).json()) as SimulatorStats;
  const closed = stats.closedByClient.find((entry) => entry.attemptId === attempts[0]?.attempt_id);
  if (!closed) throw new Error(`the simulator has not seen the attempt of call ${callId} closed`);
  return closed.at;
}

describe('a client that leaves', () => {
  it('in the middle of a stream has its upstream closed within 100 ms, and a record that says so', async () => {
    const delays: number[] = [];
    const ids: string[] = [];
    for (let round = 0; round < 20; round++) {
      const client = await openChat(connection, 'chunks=2000 delayMs=5');
      await client.until('data: ');
      const id = callIdOf(client);
      const leftAt = Date.now();
      client.close();
      delays.push((await upstreamClosedAt(id)) - leftAt);
      ids.push(id);
    }
    delays.sort((a, b) => a - b);
    console.log(`upstream closed after the client left, ms: ${delays.join(' ')}`);
    // One in twenty may fall into a pause of the machine the tests share.
    expect(delays.at(-2)).toBeLessThanOrEqual(100);
    const row = await recordOf(connection, ids[0] ?? '');
    expect(row).toMatchObject({ state: 'finished', status: 200, error_code: 'client_gone', attempts: 1 });
    expect(Number(row.cost)).toBeGreaterThan(0);
  });

  it('at the last event of its stream has not left early', async () => {
    for (let round = 0; round < 10; round++) {
      const client = await openChat(connection, 'chunks=5');
      await client.until('data: [DONE]');
      client.close();
      expect(await recordOf(connection, callIdOf(client))).toMatchObject({ status: 200, error_code: null });
    }
  });

  it('before any headers is recorded with 499', async () => {
    const before = Date.now();
    const client = await openChat(connection, 'fail=stall text=left-before-headers');
    const attemptsOpen = async () => {
      const stats = (await (await fetch(new URL('/stats', connection.simulator.url))).json()) as {
        openRequests: number;
      };
      if (stats.openRequests < 1) throw new Error('the attempt has not reached the simulator');
    };
    await eventually(attemptsOpen, { timeoutMs: 5_000 });
    client.close();
    const sql = `SELECT call_id FROM calls WHERE status = 499 AND started_at >= fromUnixTimestamp64Milli({since:Int64})`;
    const [row] = await eventually(
      async () => {
        const rows = await query<{ call_id: string }>(connection, sql, { since: String(before) });
        if (rows.length !== 1) throw new Error(`${rows.length} records with 499`);
        return rows;
      },
      { timeoutMs: 20_000 },
    );
    expect(await recordOf(connection, row?.call_id ?? '')).toMatchObject({
      status: 499,
      error_code: 'client_gone',
      response_bytes: 0,
    });
  });
});

describe('a client that hardly reads', () => {
  const largeAnswer = () => openChat(connection, `bytes=${64 * MEBIBYTE}`);

  async function readAll(client: RawClient): Promise<void> {
    client.keepTail();
    client.socket.resume();
    await client.until('data: [DONE]', 60_000);
    expect(client.receivedBytes).toBeGreaterThan(64 * MEBIBYTE);
    client.close();
  }

  async function growth(before: Readonly<Record<string, number>>): Promise<number> {
    const grown = Object.entries(before).map(
      async ([name, megabytes]) => (await residentMegabytes(connection, name)) - megabytes,
    );
    return Math.max(...(await Promise.all(grown)));
  }

  it('stops the upstream instead of filling memory, and still gets every byte in the end', async () => {
    // One answer that is read at once, so that what is measured is not the processes' own growing up.
    await readAll(await largeAnswer());
    const before: Record<string, number> = {};
    for (const name of ['ingress', 'router', 'providers']) before[name] = await residentMegabytes(connection, name);
    const client = await largeAnswer();
    await client.until('data: ');
    const id = callIdOf(client);
    client.socket.pause();
    let peak = 0;
    const endsAt = Date.now() + SLOW_CLIENT_SECONDS * 1_000;
    await eventually(
      async () => {
        client.socket.read(1);
        peak = Math.max(peak, await growth(before));
        if (Date.now() < endsAt) throw new Error('not over yet');
      },
      { timeoutMs: (SLOW_CLIENT_SECONDS + 5) * 1_000, everyMs: 1_000 },
    );
    console.log(`no process grew by more than ${peak.toFixed(1)} MB in ${SLOW_CLIENT_SECONDS} s`);
    expect(peak).toBeLessThan(32);
    await readAll(client);
    const row = await recordOf(connection, id);
    expect(row).toMatchObject({ status: 200, error_code: null });
    expect(Number(row.response_bytes)).toBeGreaterThan(64 * MEBIBYTE);
  });
});

describe('an upstream that is silent in the middle of a stream', () => {
  it('is bridged by signs of life between two events, in the dialect of the client', async () => {
    const openai = await openChat(connection, 'chunks=3 delayMs=1500');
    const anthropic = await openMessage(connection, 'chunks=3 delayMs=1500');
    await openai.until('data: [DONE]');
    await anthropic.until('message_stop');
    expect(openai.body).toMatch(/\n\n: ping\n\n/);
    const pings = anthropic.body.match(/event: ping\ndata: \{"type":\s?"ping"\}\n\n/g) ?? [];
    // One is the provider's own.
    expect(pings.length).toBeGreaterThan(1);
    openai.close();
    anthropic.close();
  });
});

describe('a stream that breaks off', () => {
  for (const [failure, code] of [
    ['reset@5', 'upstream_reset'],
    ['malformed@5', 'upstream_malformed'],
  ] as const) {
    it(`ends with a typed error and nothing behind it: ${failure}`, async () => {
      const openai = await openChat(connection, `chunks=20 delayMs=50 fail=${failure}`);
      await openai.until(/\r\n0\r\n\r\n$/);
      const error = /\n\ndata: (\{"error":.*\})\n\n$/.exec(openai.body)?.[1] ?? '{}';
      expect(JSON.parse(error)).toMatchObject({ error: { type: 'server_error', code } });
      expect(openai.text).not.toContain('[DONE]');
      const anthropic = await openMessage(connection, `chunks=20 delayMs=50 fail=${failure}`);
      await anthropic.until(/\r\n0\r\n\r\n$/);
      expect(anthropic.body).toMatch(/\n\nevent: error\ndata: \{"type":"error","error":\{"type":"api_error",.*\}\n\n$/);
      expect(anthropic.text).not.toContain('message_stop');
      for (const client of [openai, anthropic]) {
        expect(await recordOf(connection, callIdOf(client))).toMatchObject({
          status: 200,
          error_code: code,
          attempts: 1,
        });
        client.close();
      }
    });
  }
});
