import { spawnSync } from 'node:child_process';
import { accessSync, constants, existsSync, mkdirSync, readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { delimiter, join } from 'node:path';
import { servicePermissions } from '@weir/contracts';
import { buildNatsConfig, type NatsUser } from '../domain/nats-config.js';
import { PHASE } from '../domain/phases.js';
import { NATS_ADMIN, SERVICE_NAMES } from '../domain/parts.js';
import type { Secrets } from '../domain/secrets.js';
import { StartFault } from '../settings.js';
import { writePrivateFile } from './home.js';
import type { ChildSpecification } from './managed-child.js';
import type { PartContext } from './part-context.js';
import { greetsAsNats } from './probes.js';

/** Where Debian and Homebrew put it when PATH does not say so. */
const USUAL_FOLDERS = ['/usr/sbin', '/usr/local/sbin', '/usr/local/bin', '/opt/homebrew/bin'];
const INSTALL_MS = 180_000;

/** The broker as a child: JetStream on files in the home, one user per service. Installs the server where it may. */
export function prepareNats(context: PartContext): ChildSpecification {
  const { home, ports, environment } = context;
  const command = findNatsServer(environment) ?? installNatsServer(context);
  const storeDirectory = home.path('nats');
  mkdirSync(storeDirectory, { recursive: true, mode: 0o700 });
  const configFile = home.path('nats.conf');
  writePrivateFile(
    configFile,
    buildNatsConfig({ port: ports.nats, storeDirectory, users: listUsers(context.secrets) }),
  );
  return {
    name: 'nats',
    command,
    arguments: ['--config', configFile],
    // The services need the other cores: on two, a broker that may use both spends up to twice the CPU on a message, looking for work.
    environment: { ...environment, GOMAXPROCS: String(Math.max(1, Math.floor(availableParallelism() / 2))) },
    workingDirectory: home.directory,
    hasChannel: false,
    phase: PHASE.nats,
    stopSignal: 'SIGTERM',
    drainMs: 10_000,
    readyMs: 30_000,
    logFile: join(home.logs, 'nats.log'),
    isReady: () => greetsAsNats(ports.nats),
  };
}

function listUsers(secrets: Secrets): NatsUser[] {
  const services = SERVICE_NAMES.map((name) => ({
    user: name,
    password: secrets.natsPasswords[name] ?? '',
    permissions: servicePermissions[name],
  }));
  return [{ user: NATS_ADMIN, password: secrets.natsAdminPassword }, ...services];
}

function findNatsServer(environment: Readonly<Record<string, string>>): string | undefined {
  const folders = [...(environment['PATH'] ?? '').split(delimiter), ...USUAL_FOLDERS];
  return folders.map((folder) => join(folder, 'nats-server')).find(isExecutable);
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

function installNatsServer(context: PartContext): string {
  const { environment } = context;
  const isRoot = process.getuid?.() === 0;
  if (isRoot && existsSync('/usr/bin/apt-get')) {
    context.say('installing nats-server from the system packages (about 4 MB) …');
    const env = { ...environment, DEBIAN_FRONTEND: 'noninteractive' };
    const options = { env, timeout: INSTALL_MS, stdio: ['ignore', 'ignore', 'inherit'] as ('ignore' | 'inherit')[] };
    spawnSync('apt-get', ['update', '-qq'], options);
    spawnSync('apt-get', ['install', '-y', '-qq', '--no-install-recommends', 'nats-server'], options);
    const found = findNatsServer(environment);
    if (found !== undefined) return found;
  }
  throw new StartFault('nats-server is not installed.', `Install it, then start again:  ${installCommand()}`);
}

function installCommand(): string {
  if (process.platform === 'darwin') return 'brew install nats-server';
  const family = readDistributionFamily();
  if (/debian|ubuntu/.test(family)) return 'sudo apt-get update && sudo apt-get install -y nats-server';
  if (/alpine/.test(family)) return 'sudo apk add nats-server';
  if (/arch/.test(family)) return 'sudo pacman -S nats-server';
  if (/suse/.test(family)) return 'sudo zypper install nats-server';
  return 'go install github.com/nats-io/nats-server/v2@v2.12.6 (or a release from https://github.com/nats-io/nats-server/releases, on PATH)';
}

function readDistributionFamily(): string {
  try {
    const lines = readFileSync('/etc/os-release', 'utf8').split('\n');
    return lines.filter((line) => line.startsWith('ID=') || line.startsWith('ID_LIKE=')).join(' ');
  } catch {
    return '';
  }
}
