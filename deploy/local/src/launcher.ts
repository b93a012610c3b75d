import { fork, type ChildProcess } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { openHome } from './adapters/home.js';
import { findParent } from './adapters/process-identity.js';
import { findSurvivors, readRunRecord } from './adapters/run-record.js';
import { endSurvivors } from './adapters/survivors.js';
import { StartFault, parseStartOptions, type StartOptions } from './settings.js';

const PARENT_POLL_MS = 500;
/** npm forwards a Ctrl-C that the terminal has already delivered: two within this time are one. */
const SAME_INTERRUPT_MS = 1_000;

/**
 * The process in the foreground. It owns nothing but the channel to the supervisor: closing it, in whatever way, drains the stack.
 * Should the supervisor be killed, the launcher ends what it left behind. Resolves never: it exits with the supervisor's code.
 */
export async function launch(argv: readonly string[]): Promise<void> {
  let options: StartOptions;
  try {
    options = parseStartOptions(argv);
  } catch (error) {
    if (!(error instanceof StartFault)) throw error;
    console.error(`\n✗ ${error.what}\n  ${error.cure}\n`);
    process.exit(1);
  }
  const supervisor = fork(fileURLToPath(new URL('supervisor/main.js', import.meta.url)), [...argv], {
    detached: true,
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  const drain = followSignals(supervisor);
  if (options.isStartedByNpm || options.endsWithParent) watchParents(drain);
  supervisor.once('exit', (code, signal) => void finish(options, code, signal));
  await new Promise(() => undefined);
}

function followSignals(supervisor: ChildProcess): () => void {
  let interruptedAt: number | undefined;
  const drain = () => {
    if (supervisor.connected) supervisor.send('drain');
  };
  process.on('SIGINT', () => {
    const isAgain = interruptedAt !== undefined && performance.now() - interruptedAt > SAME_INTERRUPT_MS;
    interruptedAt ??= performance.now();
    if (isAgain && supervisor.connected) supervisor.send('hurry');
    else drain();
  });
  process.on('SIGTERM', drain);
  process.on('SIGHUP', drain);
  return drain;
}

/** npm passes no SIGTERM on, and a killed parent says nothing: their end is seen by looking. */
function watchParents(drain: () => void): void {
  const parents = listParents();
  setInterval(() => {
    const isOrphan = process.ppid !== parents[0] || listParents().join() !== parents.join();
    if (isOrphan) drain();
  }, PARENT_POLL_MS).unref();
}

/** Our parent, and where that is the shell npm runs scripts with, npm too. */
function listParents(): number[] {
  const parent = process.ppid;
  const isShell = /^(?:sh|dash|bash|busybox)$/.test(readCommandName(parent));
  const grandparent = isShell ? findParent(parent) : undefined;
  return grandparent === undefined ? [parent] : [parent, grandparent];
}

function readCommandName(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/comm`, 'utf8').trim();
  } catch {
    return '';
  }
}

async function finish(options: StartOptions, code: number | null, signal: NodeJS.Signals | null): Promise<never> {
  if (signal !== null || code === null) {
    console.error(`\n✗ the supervisor was ended by ${signal ?? 'an unknown cause'}; ending what it left behind`);
    const record = readRunRecord(openHome(options.home));
    if (record !== undefined) await endSurvivors(findSurvivors(record), (line) => console.error(`• ${line}`));
  }
  process.exit(code ?? 1);
}
