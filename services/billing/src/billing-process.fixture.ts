import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { eventually, freePort, sinkEnvironment, type RunningStack } from '@weir/testing';
import { expect } from 'expect';

const MAIN = fileURLToPath(new URL('./main.js', import.meta.url));
const TOKEN = 'a token of sixteen characters';
const READY_WITHIN = { timeoutMs: 60_000 };

/** Billing as a process of its own, to be asked and killed. */
export interface BillingProcess {
  readonly child: ChildProcess;
  /** Asks its administration; the answer of any status. */
  ask(method: 'GET' | 'POST', path: string, body?: object, token?: string): Promise<{ status: number; body: unknown }>;
  /** The body of a success; throws with the answer otherwise. */
  expect<Answer>(method: 'GET' | 'POST', path: string, body?: object): Promise<Answer>;
  /** Sends a body as it comes; throws with the answer where that is no success. */
  upload<Answer>(path: string, type: string, body: AsyncIterable<Uint8Array>): Promise<Answer>;
  /** Whether its process answers a probe. */
  isAlive(): Promise<boolean>;
  /** What it tells a scraper, as text. */
  metrics(): Promise<string>;
  /** Ends it in good order. */
  stop(): Promise<void>;
  /** `kill -9`; resolves when it is gone. */
  kill(): Promise<void>;
}

/** Starts billing on a stack's parts and returns when it is ready. It ends with the test process. */
export async function startBilling(
  stack: RunningStack,
  environment: Readonly<Record<string, string>> = {},
): Promise<BillingProcess> {
  const { connection } = stack;
  const [port, httpPort] = [await freePort(), await freePort()];
  const child = spawn(process.execPath, [MAIN], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    env: {
      PATH: process.env['PATH'],
      ...sinkEnvironment(connection, 'billing', port),
      WEIR_HTTP_PORT: String(httpPort),
      WEIR_BILLING_TOKEN: TOKEN,
      ...environment,
    },
  });
  const ask: BillingProcess['ask'] = async (method, path, body, token = TOKEN) => {
    const answer = await fetch(`http://127.0.0.1:${httpPort}/admin/v1/${path}`, {
      method,
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    return { status: answer.status, body: await answer.json() };
  };
  const end = async (signal: NodeJS.Signals): Promise<unknown> => {
    const exit = once(child, 'exit');
    child.kill(signal);
    return (await exit)[0] as unknown;
  };
  try {
    await eventually(async () => {
      const answer = await fetch(`http://127.0.0.1:${port}/health/ready`);
      expect(await answer.text()).toContain('"ready":true');
    }, READY_WITHIN);
  } catch (error) {
    child.kill('SIGKILL');
    throw error;
  }
  return {
    child,
    ask,
    expect: async <Answer>(method: 'GET' | 'POST', path: string, body?: object) => {
      const answer = await ask(method, path, body);
      if (answer.status !== 200) throw new Error(`${path} answers ${answer.status}: ${JSON.stringify(answer.body)}`);
      return answer.body as Answer;
    },
    upload: async <Answer>(path: string, type: string, body: AsyncIterable<Uint8Array>) => {
      const answer = await fetch(`http://127.0.0.1:${httpPort}/admin/v1/${path}`, {
        method: 'POST',
        headers: { authorization: `Bearer ${TOKEN}`, 'content-type': type },
        body: ReadableStream.from(body),
        duplex: 'half',
      });
      const text = await answer.text();
      if (answer.status !== 200) throw new Error(`${path} answers ${answer.status}: ${text}`);
      return JSON.parse(text) as Answer;
    },
    isAlive: async () => (await fetch(`http://127.0.0.1:${port}/health/live`)).ok,
    metrics: async () => (await fetch(`http://127.0.0.1:${port}/metrics`)).text(),
    stop: async () => expect(await end('SIGTERM')).toBe(0),
    kill: async () => {
      await end('SIGKILL');
    },
  };
}
