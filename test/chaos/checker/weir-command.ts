import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { readPath } from '../settings.js';

const WEIR = fileURLToPath(new URL('../../../../cli/bin/weir.mjs', import.meta.url));
const TIMEOUT_MS = 180_000;

export interface CommandEnd {
  readonly code: number;
  readonly output: string;
}

/** Runs `weir …` against a stack, with nothing else in its environment. A command that is killed for its time has code -1. */
export function runWeir(home: string, parameters: readonly string[]): Promise<CommandEnd> {
  return new Promise((resolve) => {
    const options = {
      env: { PATH: readPath(), WEIR_HOME: home },
      timeout: TIMEOUT_MS,
      maxBuffer: 64 * 1024 * 1024,
    };
    execFile(process.execPath, [WEIR, ...parameters], options, (error, stdout, stderr) => {
      const code = error === null ? 0 : typeof error.code === 'number' ? error.code : -1;
      resolve({ code, output: stdout + stderr });
    });
  });
}
