import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { createClient } from '@clickhouse/client';
import { expect } from 'expect';
import { eventually, startStack, type Connection, type RunningStack } from '@weir/testing';

const CHUNKS = 200;
const CHUNK_MS = 15;
/** The stream takes three seconds; every service and part after it is quick, but the machine may be busy. */
const GONE_MS = 60_000;

interface Stream {
  readonly callId: string;
  /** Everything the client was sent, when the stream has ended. */
  readonly whole: Promise<string>;
}

/** Starts a streamed call and returns once its first bytes are there. */
async function openStream({ gateway }: Connection): Promise<Stream> {
  const content = `[[sim chunks=${CHUNKS} delayMs=${CHUNK_MS}]]`;
  const response = await fetch(`${gateway.url}/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${gateway.key}`, 'content-type': 'application/json' },
    body: JSON.stringify({ model: 'sim-openai', stream: true, messages: [{ role: 'user', content }] }),
  });
  expect(response.status).toBe(200);
  const [first, rest] = response.body?.tee() ?? [];
  await first?.getReader().read();
  return { callId: response.headers.get('x-request-id') ?? '', whole: new Response(rest).text() };
}

/** Every process of the stack, from its own record. */
function listPids(home: string): number[] {
  const record = JSON.parse(readFileSync(join(home, 'run.json'), 'utf8')) as {
    launcher: { pid: number };
    supervisor: { pid: number };
    processes: { pid: number }[];
  };
  return [record.launcher, record.supervisor, ...record.processes].map((one) => one.pid);
}

function isRunning(pid: number): boolean {
  try {
    // A zombie is over: its parent has only not asked yet.
    return !/^\d+ \([^]*\) [ZX]/.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return false;
  }
}

async function findCall({ clickhouse }: Connection, callId: string): Promise<unknown> {
  const client = createClient({
    url: clickhouse.url,
    username: clickhouse.user,
    password: clickhouse.password,
    database: clickhouse.database,
  });
  try {
    const result = await client.query({
      query: 'SELECT status, error_code, attempts FROM calls WHERE call_id = {callId:String}',
      query_params: { callId },
      format: 'JSONEachRow',
    });
    return (await result.json())[0];
  } finally {
    await client.close();
  }
}

describe('a running stack that is told to end, or killed, in the middle of a stream', () => {
  const home = mkdtempSync(join(tmpdir(), 'weir-stop-'));
  let stack: RunningStack;

  before(async () => {
    stack = await startStack({ home });
  });

  after(async () => {
    await stack.stop();
    const { postgresFolder } = stack.connection.internal;
    for (const folder of [home, postgresFolder]) if (folder !== undefined) rmSync(folder, { recursive: true });
  });

  const endings: [string, () => void][] = [
    ['SIGINT', () => process.kill(stack.launcherPid, 'SIGINT')],
    ['SIGKILL of the foreground', () => process.kill(stack.launcherPid, 'SIGKILL')],
    ['SIGKILL of the supervisor', () => process.kill(stack.connection.internal.supervisorPid, 'SIGKILL')],
  ];

  for (const [name, end] of endings) {
    it(`sends the stream to its end, leaves no process and loses no record: ${name}`, async () => {
      const pids = listPids(home);
      const { callId, whole } = await openStream(stack.connection);
      end();
      const text = await whole;
      expect(text).toMatch(/data: \[DONE\]\n\n$/);
      expect(text).not.toMatch(/"error"/);
      expect(text.match(/^data: \{/gm)?.length).toBeGreaterThanOrEqual(CHUNKS);
      await eventually(() => expect(pids.filter(isRunning)).toEqual([]), { timeoutMs: GONE_MS });
      stack = await startStack({ home });
      await eventually(
        async () => {
          expect(await findCall(stack.connection, callId)).toEqual({ status: 200, error_code: null, attempts: 1 });
        },
        { timeoutMs: 30_000 },
      );
    });
  }
});
