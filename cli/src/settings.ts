import { userInfo } from 'node:os';
import { resolve } from 'node:path';

/** The folder of the stack to talk about: `--home`, else `WEIR_HOME`, else `.weir` here. */
export function readHome(option: string | undefined): string {
  return resolve(option ?? process.env['WEIR_HOME'] ?? '.weir');
}

/** Who does it, for the audit: `--by`, else this machine's name of the user. */
export function readOperator(option: string | undefined): string {
  return option ?? userInfo().username;
}
