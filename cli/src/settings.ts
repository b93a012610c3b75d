import { resolve } from 'node:path';

/** The folder of the stack to talk about: `--home`, else `WEIR_HOME`, else `.weir` here. */
export function readHome(option: string | undefined): string {
  return resolve(option ?? process.env['WEIR_HOME'] ?? '.weir');
}
