import { parseArgs } from 'node:util';
import { createWarehouse } from '@weir/warehouse';
import { auditCommand } from './audit/commands.js';
import { billingCommand } from './billing/billing.command.js';
import { UsageError, type Command } from './command.js';
import { findConnection, type Connection } from './connection.js';
import { eventsCommand } from './events/events.command.js';
import { pricesCommand } from './prices/prices.command.js';
import { probeAll } from './probe.js';
import { readOpenSecurityEvents, renderSecurityEvent } from './security-events.js';
import { readHome } from './settings.js';
import { mapToExitCode, renderStatus } from './status-report.js';

const statusCommand: Command = {
  usage: 'weir status                                    what runs, where, and whether it is ready (no secrets)',
  run(commandArguments) {
    const { values, positionals } = parseArgs({
      args: [...commandArguments],
      options: { home: { type: 'string' } },
      allowPositionals: true,
    });
    if (positionals.length > 0) throw new UsageError('weir status takes no name');
    return showStatus(readHome(values.home));
  },
};

const COMMANDS: Readonly<Record<string, Command>> = {
  status: statusCommand,
  prices: pricesCommand,
  billing: billingCommand,
  audit: auditCommand,
  events: eventsCommand,
};

const USAGE = `${Object.values(COMMANDS)
  .map((command) => command.usage)
  .join('\n')}

Each takes --home DIR, the folder of the stack: default WEIR_HOME, else .weir in this folder.`;

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
  for (const line of await describeSecurity(connection)) console.log(line);
  return mapToExitCode(states);
}

/** What is missing from the record; nothing where the warehouse is not part of the stack. */
async function describeSecurity({ clickhouse }: Connection): Promise<readonly string[]> {
  if (!clickhouse) return [];
  const warehouse = createWarehouse({ ...clickhouse, application: 'weir-cli', requestWithinMs: 5_000 });
  try {
    return (await readOpenSecurityEvents(warehouse)).map((event) => `  ✗ ${renderSecurityEvent(event)}`);
  } catch (error) {
    return [`  ! security events could not be read: ${error instanceof Error ? error.message : String(error)}`];
  } finally {
    await warehouse.close();
  }
}

async function main(): Promise<number> {
  const [name = '', ...rest] = process.argv.slice(2);
  if (name === '--help' || name === '-h' || rest.includes('--help')) {
    console.log(USAGE);
    return 0;
  }
  const command = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  if (command === undefined) throw new UsageError(name === '' ? 'name a command' : `there is no command ${name}`);
  return command.run(rest);
}

try {
  process.exitCode = await main();
} catch (error) {
  console.error(error instanceof Error ? error.message : String(error));
  if (error instanceof UsageError) console.error(`\n${USAGE}`);
  process.exitCode = 2;
}
