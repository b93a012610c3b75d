import { spawn, type ChildProcess } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { Socket } from 'node:net';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Connection } from './connection.js';
import { eventually } from './eventually.js';
import { claimPortBlock } from './ports.js';
import { readTestEnvironment } from './settings.js';
import { makeHome, removeHome } from './temporary-homes.js';

const START = resolve(fileURLToPath(import.meta.url), '../../../../deploy/local/start.mjs');
/** Longer than the supervisor waits for each of its phases on a loaded machine; a failed start ends sooner, by itself. */
const READY_MS = 300_000;
/** A drain is bounded by 36 s for services and less for each part. */
const STOP_MS = 90_000;

const PROBE_MS = 2_000;

export type Part = 'nats' | 'postgres' | 'clickhouse' | 'simulator';

export interface StackOptions {
  /** Settings for all services, e.g. `{ WEIR_TIME_SCALE: '0.1' }`. */
  readonly environment?: Readonly<Record<string, string>>;
  /** Content of weir.yaml; default: the shipped one. */
  readonly configuration?: string;
  /** A folder of the caller's, which is kept; default: a temporary one, deleted by `stop`. */
  readonly home?: string;
}

export interface InfrastructureOptions extends Omit<StackOptions, 'configuration'> {
  readonly parts: readonly Part[];
}

/** A running stack. Its processes end with `stop`, and with this test process however that ends. */
export interface RunningStack {
  /** As of the start; pids change when a process is restarted, see `readConnection`. */
  readonly connection: Connection;
  readonly home: string;
  /** Folder of `<name>.log`, one for each service and part. */
  readonly logs: string;
  readonly launcherPid: number;
  readConnection(): Connection;
  /** The pid of a service or part, as of now. */
  pidOf(name: string): number;
  /** Signals a service or part; default SIGKILL. The supervisor starts it again when it dies. */
  kill(name: string, signal?: NodeJS.Signals): number;
  /** Waits until a killed service or part runs again under another pid and is ready; returns the pid. */
  waitForRestart(name: string, previousPid: number, timeoutMs?: number): Promise<number>;
  readLog(name: string): string;
  /** What the stack has printed so far. */
  readOutput(): string;
  /** Drains everything in order and deletes a temporary home. Throws when that takes too long. */
  stop(): Promise<void>;
}

/**
 * Starts these parts alone, each on a free port, and returns when they answer. Throws with the stack's own words when they do not:
 * a missing part is a failure, never a skipped test.
 */
export function startInfrastructure(options: InfrastructureOptions): Promise<RunningStack> {
  return start(options, ['--infrastructure', options.parts.join(',')]);
}

/** Starts the whole stack: all parts, the simulator, the six services. */
export function startStack(options: StackOptions = {}): Promise<RunningStack> {
  return start(options, []);
}

async function start(options: StackOptions, extraArguments: readonly string[]): Promise<RunningStack> {
  const ports = await claimPortBlock();
  const home = options.home ?? makeHome();
  if (options.configuration !== undefined) writeFileSync(join(home, 'weir.yaml'), options.configuration);
  const child = spawn(
    process.execPath,
    [START, '--no-build', '--end-with-parent', '--port', String(ports.base), '--home', home, ...extraArguments],
    { env: readTestEnvironment(options.environment ?? {}), stdio: ['ignore', 'pipe', 'pipe'] },
  );
  const output = collectOutput(child);
  letProcessEnd(child);
  const release = () => {
    ports.release();
    if (options.home === undefined) removeHome(home);
  };
  try {
    await untilReady(child, output);
  } catch (error) {
    await end(child);
    release();
    throw error;
  }
  return describeStack({ child, home, output, release });
}

/**
 * A stack that a failed test never stopped does not keep the test process alive; when that has ended, the launcher sees it and
 * drains.
 */
function letProcessEnd(child: ChildProcess): void {
  child.unref();
  for (const pipe of [child.stdout, child.stderr]) if (pipe instanceof Socket) pipe.unref();
}

interface Output {
  text: string;
}

function collectOutput(child: ChildProcess): Output {
  const output: Output = { text: '' };
  child.stdout?.on('data', (data: Buffer) => (output.text += data.toString('utf8')));
  child.stderr?.on('data', (data: Buffer) => (output.text += data.toString('utf8')));
  return output;
}

async function untilReady(child: ChildProcess, output: Output): Promise<void> {
  await eventually(
    () => {
      const isOver = child.exitCode !== null || child.signalCode !== null;
      if (!isOver && !/^Weir(?:'s parts are| is) ready after/m.test(output.text)) throw new Error(notReady(output));
    },
    { timeoutMs: READY_MS },
  );
  if (child.exitCode !== null || child.signalCode !== null) throw new Error(notReady(output));
}

function notReady(output: Output): string {
  return `the stack did not become ready; it said:\n${output.text}`;
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) child.kill('SIGTERM');
  await eventually(
    () => {
      if (child.exitCode === null && child.signalCode === null) throw new Error('the stack did not stop in time');
    },
    { timeoutMs: STOP_MS },
  );
}

function describeStack(running: {
  readonly child: ChildProcess;
  readonly home: string;
  readonly output: Output;
  release(): void;
}): RunningStack {
  const { child, home, output } = running;
  const logs = join(home, 'logs');
  const readConnection = () => JSON.parse(readFileSync(join(home, 'connection.json'), 'utf8')) as Connection;
  const pidOf = (name: string) => findPid(readConnection(), name);
  return {
    connection: readConnection(),
    home,
    logs,
    launcherPid: child.pid ?? 0,
    readConnection,
    pidOf,
    kill: (name, signal = 'SIGKILL') => {
      const pid = pidOf(name);
      process.kill(pid, signal);
      return pid;
    },
    waitForRestart: async (name, previousPid, timeoutMs = 60_000) => {
      const pid = await eventually(() => refusePid(pidOf(name), previousPid, name), { timeoutMs });
      const url = findProbe(readConnection(), name);
      if (url !== undefined) await eventually(() => expectOk(url), { timeoutMs });
      return pid;
    },
    readLog: (name) => readFileSync(join(logs, `${name}.log`), 'utf8'),
    readOutput: () => output.text,
    stop: async () => {
      await end(child);
      running.release();
    },
  };
}

function findPid(connection: Connection, name: string): number {
  const pid = connection.services[name]?.[0]?.pid ?? connection.internal.parts[name];
  if (pid === undefined) throw new Error(`${name} is not running in ${connection.home}`);
  return pid;
}

/** What a process answers with 200 when it is ready; undefined for NATS and Postgres, which speak no HTTP. */
function findProbe(connection: Connection, name: string): string | undefined {
  if (name === 'clickhouse') return `${connection.clickhouse.url}/ping`;
  return connection.services[name]?.[0]?.healthUrl;
}

async function expectOk(url: string): Promise<void> {
  const response = await fetch(url, { signal: AbortSignal.timeout(PROBE_MS) });
  await response.arrayBuffer();
  if (!response.ok) throw new Error(`${url} answers ${response.status}`);
}

function refusePid(pid: number, previousPid: number, name: string): number {
  if (pid === previousPid) throw new Error(`${name} still has pid ${pid}`);
  return pid;
}
