import assert from 'node:assert/strict';
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';

const fixture = fileURLToPath(new URL('./bootstrap.fixture.js', import.meta.url));
const environment = {
  WEIR_SERVICE_ID: 'fixture-0',
  WEIR_NATS_URL: 'nats://127.0.0.1:1',
  WEIR_NATS_USER: 'fixture',
  WEIR_NATS_PASSWORD: 'fixture',
};

async function start(): Promise<{ child: ChildProcess; healthPort: number }> {
  const child = fork(fixture, { env: { ...process.env, ...environment }, stdio: ['ignore', 'ignore', 'pipe', 'ipc'] });
  const [message] = (await once(child, 'message')) as [{ type: string; healthPort: number }];
  assert.equal(message.type, 'ready');
  return { child, healthPort: message.healthPort };
}

async function exitCode(child: ChildProcess): Promise<unknown> {
  const [code] = (await once(child, 'exit')) as [number | null];
  return code;
}

describe('bootstrapService', () => {
  it('reports health and metrics, and drains with exit code 0 on SIGTERM', async () => {
    const { child, healthPort } = await start();
    const ready = await fetch(`http://127.0.0.1:${healthPort}/health/ready`);
    assert.equal(ready.status, 200);
    assert.deepEqual(await ready.json(), { ready: true, checks: { fixture: { ok: true } } });
    const metrics = await (await fetch(`http://127.0.0.1:${healthPort}/metrics`)).text();
    assert.match(metrics, /process_resident_memory_bytes\{service="fixture",instance="fixture-0"\}/);
    const ended = exitCode(child);
    child.kill('SIGTERM');
    assert.equal(await ended, 0);
  });

  it('drains when the channel to its parent closes', async () => {
    const { child } = await start();
    const ended = exitCode(child);
    child.disconnect();
    assert.equal(await ended, 0);
  });

  it('names every faulty setting and does not start', async () => {
    const child = fork(fixture, { env: { PATH: process.env['PATH'] }, stdio: ['ignore', 'ignore', 'pipe', 'ipc'] });
    let text = '';
    child.stderr?.on('data', (chunk: Buffer) => (text += chunk.toString()));
    assert.equal(await exitCode(child), 1);
    for (const name of ['WEIR_SERVICE_ID', 'WEIR_NATS_URL', 'WEIR_NATS_USER', 'WEIR_NATS_PASSWORD'])
      assert.match(text, new RegExp(name));
  });
});
