import { parseArgs } from 'node:util';
import { findConnection } from './connection.js';
import { probeAll } from './probe.js';
import { readHome } from './settings.js';
import { mapToExitCode, renderStatus } from './status-report.js';

const USAGE = `weir status [--home DIR]    what runs, where, and whether it is ready (no secrets)

DIR is the folder of the stack: default WEIR_HOME, else .weir in this folder.`;

async function showStatus(home: string): Promise<number> {
  const connection = findConnection(home);
  if (connection === undefined) {
    console.error(
      `No stack has been started in ${home}. Start one with \`npm start\`, or name its folder: --home DIR.`,
    );
    return 1;
  }
  const states = await probeAll(connection);
  console.log(`Weir in ${home}\n\n${renderStatus(connection, states)}`);
  return mapToExitCode(states);
}

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    options: { home: { type: 'string' }, help: { type: 'boolean', short: 'h' } },
    allowPositionals: true,
  });
  const [command, ...rest] = positionals;
  if (values.help === true) {
    console.log(USAGE);
    return 0;
  }
  if (command === 'status' && rest.length === 0) return showStatus(readHome(values.home));
  console.error(USAGE);
  return 2;
}

try {
  process.exitCode = await main();
} catch (error) {
  console.error(error instanceof Error ? error.message : String(error));
  process.exitCode = 2;
}
