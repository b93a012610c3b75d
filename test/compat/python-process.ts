import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const FOLDER = resolve(fileURLToPath(import.meta.url), '../../../compat');
const INSTALL_MS = 150_000;
const RUN_MS = 150_000;

/** A Python of its own with the official SDKs, in a temporary folder. */
export interface PythonWithSdks {
  /** Runs `python_sdks.py` with this as its JSON on stdin; returns the JSON lines it printed. */
  run(setup: object): Promise<unknown[]>;
  remove(): void;
}

/** Throws, saying what is missing, where there is no Python 3 or the packages cannot be had. */
export async function installPythonSdks(): Promise<PythonWithSdks> {
  const folder = mkdtempSync(join(tmpdir(), 'weir-compat-python-'));
  const remove = () => rmSync(folder, { recursive: true, force: true });
  const python = join(folder, 'bin', 'python');
  try {
    await execute('python3', ['-m', 'venv', folder], { timeoutMs: INSTALL_MS });
    const requirements = join(FOLDER, 'python-requirements.txt');
    const quiet = ['--quiet', '--disable-pip-version-check', '--no-input'];
    await execute(python, ['-m', 'pip', 'install', ...quiet, '-r', requirements], { timeoutMs: INSTALL_MS });
  } catch (error) {
    remove();
    throw error;
  }
  const script = join(FOLDER, 'python_sdks.py');
  return {
    run: async (setup) => {
      const output = await execute(python, ['-B', script], { timeoutMs: RUN_MS, input: JSON.stringify(setup) });
      const lines = output.split('\n').filter((line) => line !== '');
      return lines.map((line) => JSON.parse(line) as unknown);
    },
    remove,
  };
}

interface Execution {
  readonly timeoutMs: number;
  readonly input?: string;
}

function execute(program: string, parameters: readonly string[], { timeoutMs, input }: Execution): Promise<string> {
  return new Promise((done, fail) => {
    const child = spawn(program, parameters, { stdio: ['pipe', 'pipe', 'pipe'], timeout: timeoutMs });
    let output = '';
    let complaints = '';
    child.stdout.on('data', (data: Buffer) => (output += data.toString('utf8')));
    child.stderr.on('data', (data: Buffer) => (complaints += data.toString('utf8')));
    child.on('error', (error: NodeJS.ErrnoException) =>
      fail(error.code === 'ENOENT' ? missing(program, error) : error),
    );
    child.on('close', (code, signal) => {
      if (code === 0) done(output);
      else fail(new Error(`${program} ${parameters.join(' ')} ended with ${code ?? signal}:\n${output}${complaints}`));
    });
    child.stdin.end(input ?? '');
  });
}

function missing(program: string, cause: Error): Error {
  const cure = 'Install Python 3.9 or later with its venv module (Debian: apt-get install python3 python3-venv).';
  return new Error(`${program} is not on PATH, so the Python SDKs cannot be tried. ${cure}`, { cause });
}
