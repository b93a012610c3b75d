import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { setTimeout as pause } from 'node:timers/promises';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const START_WITHIN_MS = 180_000;

interface Connection {
  readonly gateway: { readonly url: string; readonly key: string };
  readonly clickhouse: {
    readonly url: string;
    readonly user: string;
    readonly password: string;
    readonly database: string;
  };
}

/** The whole stack as `npm start` starts it, with one more provider: the mock. */
export interface WeirUnderLoad {
  readonly gateway: { readonly host: string; readonly port: number; readonly key: string };
  readonly pid: number;
  query(sql: string): Promise<string>;
  stop(): Promise<void>;
}

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return Math.min(port, 60_000);
}

function configurationWithMock(mockUrl: string): string {
  const shipped = readFileSync(join(ROOT, 'deploy/local/weir.default.yaml'), 'utf8');
  const provider = `providers:
  - id: mock
    simulated: true
    endpoints: { openai-compatible: ${mockUrl}/v1 }
    allowPrivate: [127.0.0.0/8]
`;
  const model = `models:
  - name: mock
    deployments:
      - { provider: mock, adapter: openai-compatible, model: mock, price: simulator/sim-openai, contextWindow: 400000, maxOutputTokens: 128000 }
`;
  return shipped.replace(/^providers:\n/m, provider).replace(/^models:\n/m, model);
}

async function readConnection(home: string, child: ChildProcess): Promise<Connection> {
  const deadline = Date.now() + START_WITHIN_MS;
  for (;;) {
    if (child.exitCode !== null) throw new Error(`npm start ended with ${child.exitCode}`);
    try {
      const connection = JSON.parse(readFileSync(join(home, 'connection.json'), 'utf8')) as Connection;
      const answer = await fetch(`${connection.gateway.url}/v1/models`, {
        headers: { authorization: `Bearer ${connection.gateway.key}` },
      });
      if (answer.ok && (await answer.text()).includes('"mock"')) return connection;
    } catch (error) {
      if (Date.now() > deadline) throw error;
    }
    await pause(200);
  }
}

/** Starts the stack in a folder of its own and waits until the gateway lists the mock's model. */
export async function startWeir(mockUrl: string): Promise<WeirUnderLoad> {
  const home = mkdtempSync(join(tmpdir(), 'weir-bench-'));
  writeFileSync(join(home, 'weir.yaml'), configurationWithMock(mockUrl));
  const port = await freePort();
  const child = spawn(
    process.execPath,
    [join(ROOT, 'deploy/local/start.mjs'), '--home', home, '--port', String(port)],
    {
      cwd: ROOT,
      stdio: ['ignore', 'ignore', 'inherit'],
      detached: true,
    },
  );
  const connection = await readConnection(home, child);
  const url = new URL(connection.gateway.url);
  const { clickhouse } = connection;
  return {
    gateway: { host: url.hostname, port: Number(url.port), key: connection.gateway.key },
    pid: child.pid ?? 0,
    query: async (sql) => {
      const answer = await fetch(`${clickhouse.url}/?database=${clickhouse.database}`, {
        method: 'POST',
        body: sql,
        headers: { 'x-clickhouse-user': clickhouse.user, 'x-clickhouse-key': clickhouse.password },
      });
      const text = await answer.text();
      if (!answer.ok) throw new Error(text);
      return text.trim();
    },
    stop: async () => {
      const ended = new Promise((resolve) => child.once('exit', resolve));
      child.kill('SIGTERM');
      await ended;
      rmSync(home, { recursive: true, force: true });
    },
  };
}
