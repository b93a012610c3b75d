import { mkdirSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { Engine } from './engine.js';
import { createFrontServer } from './http-server.js';
import { InsertSpool } from './insert-spool.js';
import { StatementRunner } from './runner.js';
import { readFrontSettings } from './settings.js';
import { quoteIdentifier } from './statement.js';

/** After the supervisor is gone the services still land what they have: the front stays until nothing has asked for this long. */
const ORPHAN_IDLE_MS = 40_000;

/** For answers still on their way out when the engine has finished. */
const ANSWERS_OUT_MS = 5_000;

const settings = readFrontSettings();
mkdirSync(settings.dataDirectory, { recursive: true, mode: 0o700 });
const engine = new Engine(settings.dataDirectory, settings.database);
await engine.ask(`CREATE DATABASE IF NOT EXISTS ${quoteIdentifier(settings.database)}`);
const [version = '', timezone = 'UTC'] = (await engine.ask('SELECT version(), timezone()')).split('\t');
const runner = new StatementRunner(
  engine,
  new InsertSpool(`${settings.dataDirectory}.spool`),
  settings.limits,
  settings.database,
);
const server = createFrontServer(settings, runner, {
  version: `${version} (chDB)`,
  timezone,
  displayName: 'weir-local',
});

let isEnding = false;
async function end(): Promise<void> {
  if (isEnding) return;
  isEnding = true;
  const closed = new Promise((resolve) => server.close(resolve));
  await runner.close();
  // Answers on their way out; a client that does not read its own must not keep the databases waiting.
  const idle = setInterval(() => server.closeIdleConnections(), 50);
  await Promise.race([closed, delay(ANSWERS_OUT_MS)]);
  clearInterval(idle);
  engine.shutDown();
  process.exit(0);
}

let askedAt = performance.now();
server.on('request', () => (askedAt = performance.now()));
process.once('disconnect', () => {
  setInterval(() => {
    if (performance.now() - askedAt > ORPHAN_IDLE_MS) void end();
  }, 1_000);
});
process.on('SIGTERM', () => void end());
process.on('SIGINT', () => undefined);

server.listen(settings.port, '127.0.0.1', () => {
  process.stdout.write(
    `${JSON.stringify({ level: 'info', message: 'the ClickHouse front listens', port: settings.port, version })}\n`,
  );
});
server.once('error', (error) => {
  process.stderr.write(
    `${JSON.stringify({ level: 'fatal', message: `the ClickHouse front cannot listen: ${error.message}` })}\n`,
  );
  process.exit(1);
});
