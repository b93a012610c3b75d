import { spawn } from 'node:child_process';

export interface ProgramOptions {
  readonly workingDirectory: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly user: { readonly uid: number; readonly gid: number } | undefined;
  readonly input: string;
  readonly timeoutMs: number;
}

export interface ProgramResult {
  readonly isOk: boolean;
  /** Everything it wrote, both streams. */
  readonly output: string;
}

/** Runs a program to its end, killed when the time is up. Never rejects: a program that cannot start is not ok. */
export function runProgram(
  command: string,
  programArguments: readonly string[],
  options: ProgramOptions,
): Promise<ProgramResult> {
  return new Promise((resolve) => {
    const child = spawn(command, programArguments, {
      cwd: options.workingDirectory,
      env: options.environment,
      timeout: options.timeoutMs,
      killSignal: 'SIGKILL',
      ...options.user,
    });
    let output = '';
    child.stdout.on('data', (data: Buffer) => (output += data.toString('utf8')));
    child.stderr.on('data', (data: Buffer) => (output += data.toString('utf8')));
    child.once('error', (error) => resolve({ isOk: false, output: error.message }));
    child.once('close', (code) => resolve({ isOk: code === 0, output }));
    // A program that ends without reading its input breaks the pipe; its exit code says what was wrong.
    child.stdin.once('error', () => undefined);
    child.stdin.end(options.input);
  });
}
