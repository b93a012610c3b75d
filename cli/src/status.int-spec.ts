import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';

const weir = fileURLToPath(new URL('../bin/weir.mjs', import.meta.url));

interface Printed {
  readonly code: number;
  readonly text: string;
}

function run(...parameters: string[]): Promise<Printed> {
  return new Promise((resolve) => {
    execFile(process.execPath, [weir, ...parameters], (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : Number(error.code), text: stdout + stderr });
    });
  });
}

describe('weir status as a program', () => {
  let home: string;
  let server: Server;
  let isReady = true;

  before(async () => {
    home = mkdtempSync(join(tmpdir(), 'weir-cli-'));
    server = createServer((_, response) => {
      response.writeHead(isReady ? 200 : 503).end(JSON.stringify({ ready: isReady, checks: { bus: { ok: isReady } } }));
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
  });
  after(() => {
    server.close();
    rmSync(home, { recursive: true, force: true });
  });

  function writeConnection(): void {
    const healthUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}/health/ready`;
    const connection = {
      gateway: { url: 'http://127.0.0.1:8080', key: 'sk-weir-hidden' },
      services: { ingress: [{ pid: process.pid, healthUrl, metricsUrl: healthUrl }] },
      isSimulated: true,
    };
    writeFileSync(join(home, 'connection.json'), JSON.stringify(connection));
  }

  it('says how to start a stack where none has been started', async () => {
    const { code, text } = await run('status', '--home', join(home, 'nothing-here'));
    assert.equal(code, 1);
    assert.match(text, /npm start/);
  });

  it('asks each process, says that answers are simulated, and shows no key', async () => {
    writeConnection();
    isReady = true;
    const { code, text } = await run('status', '--home', home);
    assert.equal(code, 0, text);
    assert.match(text, /ingress +ready/);
    assert.match(text, /SIMULATED/);
    assert.doesNotMatch(text, /sk-weir-hidden/);
  });

  it('exits with 1 while a process is not ready', async () => {
    writeConnection();
    isReady = false;
    const { code, text } = await run('status', '--home', home);
    assert.equal(code, 1, text);
    assert.match(text, /ingress +not ready/);
  });

  it('prints how it is used for a command it does not know', async () => {
    const { code, text } = await run('dance');
    assert.equal(code, 2);
    assert.match(text, /weir status/);
  });
});
