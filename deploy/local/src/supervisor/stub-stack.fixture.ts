import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { claimPortBlock, eventually, type Connection } from '@weir/testing';
import { findProcess, isAlive, type ProcessIdentity } from '../adapters/process-identity.js';
import type { RunRecordContent } from '../adapters/run-record.js';
import { SERVICE_NAMES } from '../domain/parts.js';
import { ROOT } from './parts.js';

const READY_MS = 180_000;

/** A whole stack with real parts and stand-ins for the services, started as a person starts it. */
export interface StubStack {
  readonly home: string;
  readonly port: number;
  /** The process that was started: npm, or node where npm was left out. */
  readonly child: ChildProcess;
  readonly output: () => string;
  readonly connection: () => Connection;
  readonly record: () => RunRecordContent;
  /** Names in the order in which they finished draining. */
  readonly drained: () => string[];
}

export interface StubStackFiles {
  readonly home: string;
  readonly services: string;
  readonly port: number;
  remove(): void;
}

/** A home, stand-ins for all services, and ports. */
export async function makeStubFiles(): Promise<StubStackFiles> {
  const folder = mkdtempSync(join(tmpdir(), 'weir-supervisor-'));
  const services = join(folder, 'services');
  const stub = new URL('stub-service.fixture.js', import.meta.url).href;
  for (const name of SERVICE_NAMES) {
    const dist = join(services, name, 'dist');
    mkdirSync(dist, { recursive: true });
    writeFileSync(join(dist, 'main.js'), `import(${JSON.stringify(stub)});\n`);
  }
  const ports = await claimPortBlock();
  const remove = () => {
    ports.release();
    const connectionFile = join(folder, 'home', 'connection.json');
    if (existsSync(connectionFile)) removeCluster(readJson(connectionFile) as Connection);
    rmSync(folder, { recursive: true, force: true });
  };
  return { home: join(folder, 'home'), services, port: ports.base, remove };
}

/** Starts it with `npm start` (or node alone), in a process group of its own as a terminal does, and waits until it is ready. */
export async function startStubStack(files: StubStackFiles, program: 'npm' | 'node' = 'npm'): Promise<StubStack> {
  const own = ['--no-build', '--home', files.home, '--port', String(files.port)];
  const [command, commandArguments] =
    program === 'npm'
      ? ['npm', ['start', '--silent', '--', ...own]]
      : [process.execPath, [fileURLToPath(new URL('../../start.mjs', import.meta.url)), ...own]];
  const recordFile = join(files.home, '..', 'drained');
  const child = spawn(command, commandArguments, {
    cwd: ROOT,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, WEIR_SERVICES_DIRECTORY: files.services, WEIR_STUB_RECORD: recordFile },
  });
  let output = '';
  child.stdout.on('data', (data: Buffer) => (output += data.toString()));
  child.stderr.on('data', (data: Buffer) => (output += data.toString()));
  await eventually(
    () => {
      if (!output.includes('Weir is ready after')) throw new Error(`not ready; it said:\n${output}`);
    },
    { timeoutMs: READY_MS },
  );
  return {
    home: files.home,
    port: files.port,
    child,
    output: () => output,
    connection: () => readJson(join(files.home, 'connection.json')) as Connection,
    record: () => readJson(join(files.home, 'run.json')) as RunRecordContent,
    drained: () => (existsSync(recordFile) ? readFileSync(recordFile, 'utf8').trim().split('\n') : []),
  };
}

/** Every process of the stack: the one that was started, launcher, supervisor, children. */
export function listProcesses(stack: StubStack): ProcessIdentity[] {
  const { launcher, supervisor, processes } = stack.record();
  const started = findProcess(stack.child.pid ?? 0);
  return [started, launcher, supervisor, ...processes].filter((one) => one !== undefined);
}

/** Waits until none of these processes is left. */
export function untilGone(processes: readonly ProcessIdentity[], timeoutMs: number): Promise<void> {
  return eventually(
    () => {
      const left = processes.filter(isAlive);
      if (left.length > 0) throw new Error(`still there: ${JSON.stringify(left)}`);
    },
    { timeoutMs },
  );
}

function readJson(file: string): unknown {
  return JSON.parse(readFileSync(file, 'utf8'));
}

function removeCluster(connection: Connection): void {
  const folder = connection.internal.postgresFolder;
  if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
}
