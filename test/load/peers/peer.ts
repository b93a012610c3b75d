import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { createWriteStream, mkdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';

/** Another gateway, running, as a target of the same load. */
export interface RunningPeer {
  readonly host: string;
  readonly port: number;
  readonly key: string;
  readonly path: string;
  /** Headers that tell the peer where to send a call. */
  readonly headers: Readonly<Record<string, string>>;
  readonly pid: number;
  /** What is switched on in it while it is measured. */
  readonly features: string;
  stop(): Promise<void>;
}

/** The peer could not be installed or started. The report says so; it is never left out silently. */
export class PeerUnavailable extends Error {
  override readonly name = 'PeerUnavailable';
}

const INSTALL_MS = 600_000;
const START_MS = 120_000;

/** A folder outside the repository, kept between runs, so that a peer is installed once. */
export function scratchFolder(name: string): string {
  const folder = join(tmpdir(), 'weir-bench-peers', name);
  mkdirSync(folder, { recursive: true });
  return folder;
}

/** Runs an installer. @throws PeerUnavailable with the end of what it printed. */
export function install(command: string, args: readonly string[], folder: string): void {
  const done = spawnSync(command, args, { cwd: folder, encoding: 'utf8', timeout: INSTALL_MS });
  if (done.status === 0) return;
  const said = `${done.stdout}${done.stderr}${done.error?.message ?? ''}`.trim().slice(-500);
  throw new PeerUnavailable(`${command} ${args.join(' ')}: ${said}`);
}

export interface PeerProcess {
  readonly command: string;
  readonly args: readonly string[];
  readonly folder: string;
  readonly environment?: Readonly<Record<string, string>>;
  /** Answers with any status once the peer listens. */
  readonly probe: string;
}

/** Starts the peer and waits until it listens. Its output goes to `peer.log` in its folder. */
export async function startProcess(peer: PeerProcess): Promise<ChildProcess> {
  // env(1) adds to the environment and becomes the program: the pid is the peer's.
  const variables = Object.entries(peer.environment ?? {}).map(([name, value]) => `${name}=${value}`);
  const child = spawn('env', [...variables, peer.command, ...peer.args], {
    cwd: peer.folder,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const log = createWriteStream(join(peer.folder, 'peer.log'));
  child.stdout.pipe(log);
  child.stderr.pipe(log, { end: false });
  const deadline = Date.now() + START_MS;
  while (Date.now() < deadline && child.exitCode === null) {
    if (await isListening(peer.probe)) return child;
    await pause(250);
  }
  child.kill('SIGKILL');
  throw new PeerUnavailable(`${peer.command} did not listen within ${START_MS / 1_000} s; see ${peer.folder}/peer.log`);
}

async function isListening(url: string): Promise<boolean> {
  try {
    await fetch(url);
    return true;
  } catch {
    // Not yet; the caller's deadline decides.
    return false;
  }
}

export async function stopProcess(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null) return;
  const ended = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), 5_000);
  await ended;
  clearTimeout(timer);
}
