import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const WEIR = fileURLToPath(new URL('../../../cli/bin/weir.mjs', import.meta.url));

export interface Ended {
  readonly code: number;
  readonly output: string;
}

/** Runs a block of a guide as it stands, with nothing in its environment but this; `npx weir` is the command of this clone. */
export function runBlock(
  script: string,
  { folder, variables }: { readonly folder: string; readonly variables: Readonly<Record<string, string>> },
): Promise<Ended> {
  return new Promise((resolve) => {
    const shell = `npx() { shift; "${process.execPath}" "${WEIR}" "$@"; }\n${script}`;
    const environment = { PATH: process.env['PATH'], ...variables };
    const options = { cwd: folder, env: environment };
    execFile('bash', ['--norc', '--noprofile', '-euc', shell], options, (error, stdout, stderr) => {
      resolve({ code: typeof error?.code === 'number' ? error.code : 0, output: stdout + stderr });
    });
  });
}
