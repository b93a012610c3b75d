import { chmodSync, existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { completeSecrets, type Secrets } from '../domain/secrets.js';
import { StartFault } from '../settings.js';

/** The folder that holds everything of one stack. */
export interface Home {
  readonly directory: string;
  readonly logs: string;
  /** Names this home where something of it must live elsewhere. */
  readonly hash: string;
  readonly connectionFile: string;
  readonly runFile: string;
  readonly configurationFile: string;
  path(...names: string[]): string;
}

/** Opens or makes the home. Throws StartFault where it cannot be written. */
export function openHome(directory: string): Home {
  try {
    mkdirSync(join(directory, 'logs'), { recursive: true, mode: 0o700 });
    chmodSync(directory, 0o700);
  } catch (error) {
    throw new StartFault(
      `The data folder ${directory} cannot be used: ${error instanceof Error ? error.message : String(error)}.`,
      'Give another with --home DIR, or make this one writable for you.',
    );
  }
  return {
    directory,
    logs: join(directory, 'logs'),
    hash: createHash('sha256').update(directory).digest('hex').slice(0, 16),
    connectionFile: join(directory, 'connection.json'),
    runFile: join(directory, 'run.json'),
    configurationFile: join(directory, 'weir.yaml'),
    path: (...names) => join(directory, ...names),
  };
}

/** Writes a file that only its owner reads, whole or not at all. */
export function writePrivateFile(file: string, content: string): void {
  const half = `${file}.${process.pid}.new`;
  writeFileSync(half, content, { mode: 0o600 });
  renameSync(half, file);
}

export function writePrivateJson(file: string, value: unknown): void {
  writePrivateFile(file, `${JSON.stringify(value, undefined, 2)}\n`);
}

/** The secrets of this home; missing ones are made and written. Throws StartFault where the file cannot be read. */
export function loadSecrets(home: Home, makeGatewayKey: () => string): Secrets {
  const file = home.path('secrets.json');
  const known = existsSync(file) ? parseSecrets(file) : {};
  const secrets = completeSecrets(known, makeGatewayKey);
  if (JSON.stringify(secrets) !== JSON.stringify(known)) writePrivateJson(file, secrets);
  return secrets;
}

function parseSecrets(file: string): Partial<Secrets> {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Partial<Secrets>;
  } catch (error) {
    throw new StartFault(
      `${file} cannot be read: ${error instanceof Error ? error.message : String(error)}.`,
      'Restore it from a backup. Without it this home is lost: its passwords and master key are in it. A new home: --home DIR.',
    );
  }
}
