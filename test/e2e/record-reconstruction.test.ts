import { spawn, type ChildProcess } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { after, before, describe, it } from 'node:test';
import { uuidv7 } from '@weir/contracts';
import { eventually, freePort, startStack, type Connection, type RunningStack } from '@weir/testing';
import { expect } from 'expect';
import { callIdOf, openChat } from './ingress-client.js';
import { query } from './record-kit.js';
import { publishLines } from './record-stranger.js';

/** What is promised of a call whose ingress died. Intervals are at their real length here. */
const CLOSED_WITHIN_MS = 60_000;
const WITHIN = { timeoutMs: CLOSED_WITHIN_MS, everyMs: 500 };

/** A call that runs for minutes, begun. */
async function beginCall(connection: Connection): Promise<string> {
  const client = await openChat(connection, 'chunks=4000 delayMs=50');
  await client.until(/x-request-id: \S+/i);
  return callIdOf(client);
}

describe('a call whose ingress was killed', () => {
  let stack: RunningStack;
  let replica: ChildProcess | undefined;

  before(async () => {
    stack = await startStack();
  });
  after(async () => {
    replica?.kill('SIGKILL');
    await stack.stop();
  });

  const callRows = (id: string): Promise<Record<string, unknown>[]> =>
    query(
      stack.connection,
      `SELECT state, status, error_code, reconstructed, finished_at IS NOT NULL AS ended FROM calls WHERE call_id = '${id}'`,
    );
  const closed = { state: 'finished', status: 502, error_code: 'ingress_lost', reconstructed: true, ended: 1 };

  async function isRunning(id: string): Promise<void> {
    await eventually(async () => expect(await callRows(id)).toMatchObject([{ state: 'open', ended: 0 }]), {
      timeoutMs: 20_000,
    });
  }

  /** The same service a second time, which nobody starts again: on ports of its own, its journal beside the first one's. */
  async function startReplica(): Promise<Connection> {
    const environment = Object.fromEntries(
      readFileSync(`/proc/${stack.pidOf('ingress')}/environ`, 'utf8')
        .split('\0')
        .filter((entry) => entry !== '')
        .map((entry): [string, string] => {
          const at = entry.indexOf('=');
          return [entry.slice(0, at), entry.slice(at + 1)];
        }),
    );
    const [port, healthPort] = [await freePort(), await freePort()];
    const main = readFileSync(`/proc/${stack.pidOf('ingress')}/cmdline`, 'utf8')
      .split('\0')
      .find((word) => word.endsWith('main.js'));
    replica = spawn(process.execPath, [main ?? ''], {
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
      env: {
        ...environment,
        WEIR_SERVICE_ID: 'ingress-9',
        WEIR_HTTP_PORT: String(port),
        WEIR_HEALTH_PORT: String(healthPort),
      },
    });
    await eventually(
      async () => expect((await fetch(`http://127.0.0.1:${healthPort}/health/ready`)).status).toBe(200),
      { timeoutMs: 60_000, everyMs: 200 },
    );
    return {
      ...stack.connection,
      gateway: { ...stack.connection.gateway, url: `http://127.0.0.1:${port}` },
    };
  }

  it('is closed within 60 s, marked as reconstructed, when that ingress is started again', async () => {
    const id = await beginCall(stack.connection);
    await isRunning(id);
    const pid = stack.kill('ingress');
    await eventually(async () => expect(await callRows(id)).toEqual([closed]), WITHIN);
    await stack.waitForRestart('ingress', pid);
  });

  let lost = '';
  it('is closed within 60 s by another ingress, when its own is not', async () => {
    const connection = await startReplica();
    lost = await beginCall(connection);
    await isRunning(lost);
    replica?.kill('SIGKILL');
    await eventually(async () => expect(await callRows(lost)).toEqual([closed]), WITHIN);
  });

  it('is shown once, by its own end, when that comes to light later', async () => {
    const [event] = await query<{ leaf: string }>(
      stack.connection,
      `SELECT leaf FROM events WHERE type = 'call.finished' AND call_id = '${lost}'`,
    );
    const reconstructed = JSON.parse(event?.leaf ?? '') as { data: object };
    const producerId = uuidv7();
    const real = {
      ...reconstructed,
      eventId: uuidv7(),
      producerId,
      epoch: 1,
      sequence: 1,
      data: { ...reconstructed.data, status: 200, errorCode: null, finishReason: 'stop', reconstructed: false },
    };
    await publishLines(stack.connection, producerId, [JSON.stringify(real)]);
    const own = { state: 'finished', status: 200, error_code: null, reconstructed: false, ended: 1 };
    await eventually(async () => expect(await callRows(lost)).toEqual([own]), WITHIN);
    // Both stay in the record: nothing landed is ever taken back.
    const landed = await query(
      stack.connection,
      `SELECT reconstructed FROM calls_landed WHERE call_id = '${lost}' ORDER BY reconstructed`,
    );
    expect(landed).toEqual([{ reconstructed: false }, { reconstructed: true }]);
  });
});
