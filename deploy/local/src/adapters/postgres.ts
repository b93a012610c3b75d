import { createHash } from 'node:crypto';
import { chmodSync, chownSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PHASE } from '../domain/phases.js';
import { StartFault } from '../settings.js';
import type { Home } from './home.js';
import type { ChildSpecification } from './managed-child.js';
import type { PartContext } from './part-context.js';
import { runProgram } from './run-program.js';
import { copyBinaries, findPostgresPackage, linkLibraries } from './postgres-binaries.js';

export const POSTGRES_USER = 'weir';
export const POSTGRES_DATABASE = 'weir';

/** Root's clusters and binaries: reachable by an unprivileged user whatever the modes of home and clone are. */
const ROOT_FOLDER = '/var/lib/weir';
/** Who runs Postgres where we are root; the first that exists. */
const UNPRIVILEGED = ['postgres', 'nobody'];
const INITDB_MS = 60_000;

interface Cluster {
  readonly binaries: string;
  readonly folder: string;
  readonly data: string;
  readonly user: { readonly uid: number; readonly gid: number } | undefined;
  readonly environment: Readonly<Record<string, string>>;
}

export interface PreparedPostgres {
  readonly specification: ChildSpecification;
  /** Where the cluster is, for whoever deletes the home. */
  readonly folder: string;
}

/**
 * Postgres 18 as a child, its cluster made on the first start. The binaries are started by ourselves: the npm package's own class
 * stops the server at once on a signal, against an ordered drain.
 */
export async function preparePostgres({ home, ports, secrets, environment }: PartContext): Promise<PreparedPostgres> {
  const cluster = locateCluster(home, environment);
  putAsideForeignCluster(cluster, secrets.postgresPassword);
  if (!existsSync(join(cluster.data, 'PG_VERSION'))) await createCluster(cluster, secrets.postgresPassword);
  removeStalePidFile(cluster.data);
  const specification: ChildSpecification = {
    name: 'postgres',
    command: join(cluster.binaries, 'bin', 'postgres'),
    arguments: ['-D', cluster.data, ...serverOptions(ports.postgres)],
    environment,
    workingDirectory: cluster.folder,
    ...(cluster.user === undefined ? {} : { user: cluster.user }),
    hasChannel: false,
    phase: PHASE.postgres,
    // Fast shutdown: open transactions roll back. SIGTERM would wait for the last client (postgres(1)).
    stopSignal: 'SIGINT',
    drainMs: 20_000,
    readyMs: 60_000,
    logFile: join(home.logs, 'postgres.log'),
    isReady: () => Promise.resolve(isPostmasterReady(cluster.data)),
  };
  return { specification, folder: cluster.folder };
}

const fingerprintFile = (cluster: Cluster): string => join(cluster.folder, 'password.sha256');
const fingerprint = (password: string): string => createHash('sha256').update(password).digest('hex');

/**
 * As root the cluster lies outside the home. Where the home was deleted and made anew its cluster is still there, under a password that nobody knows any
 * more: it is put aside, not deleted, since only its owner can say that it is not wanted.
 */
function putAsideForeignCluster(cluster: Cluster, password: string): void {
  const file = fingerprintFile(cluster);
  if (!existsSync(cluster.data) || !existsSync(file)) return;
  if (readFileSync(file, 'utf8').trim() === fingerprint(password)) return;
  renameSync(cluster.data, `${cluster.data}.of-a-deleted-home-${Date.now()}`);
}

function serverOptions(port: number): string[] {
  const options = {
    listen_addresses: '127.0.0.1',
    port: String(port),
    unix_socket_directories: '',
    max_connections: '200',
    shared_buffers: '64MB',
    timezone: 'UTC',
    log_timezone: 'UTC',
  };
  return Object.entries(options).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
}

function locateCluster(home: Home, environment: Cluster['environment']): Cluster {
  const { native, version } = findPostgresPackage();
  if (process.getuid?.() !== 0) {
    linkLibraries(native);
    const folder = home.path('postgres');
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    return { binaries: native, folder, data: join(folder, 'data'), user: undefined, environment };
  }
  const binaries = join(ROOT_FOLDER, `postgres-${version}`);
  copyBinaries(native, binaries);
  linkLibraries(binaries);
  const user = findUnprivilegedUser();
  const folder = join(ROOT_FOLDER, home.hash);
  mkdirSync(folder, { recursive: true, mode: 0o755 });
  writeFileSync(join(folder, 'home'), `${home.directory}\n`);
  chownSync(folder, user.uid, user.gid);
  chmodSync(folder, 0o700);
  return { binaries, folder, data: join(folder, 'data'), user, environment };
}

function findUnprivilegedUser(): { uid: number; gid: number } {
  const accounts = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .map((line) => line.split(':'));
  for (const name of UNPRIVILEGED) {
    const account = accounts.find((fields) => fields[0] === name);
    if (account !== undefined) return { uid: Number(account[2]), gid: Number(account[3]) };
  }
  throw new StartFault(
    'Postgres refuses to run as root, and there is no unprivileged user to run it as.',
    'Create one (useradd --system postgres), or start Weir as an ordinary user.',
  );
}

async function createCluster(cluster: Cluster, password: string): Promise<void> {
  // A cluster without PG_VERSION is a first start that was cut off: nothing was ever in it.
  rmSync(cluster.data, { recursive: true, force: true });
  const passwordFile = join(cluster.folder, 'password');
  writeFileSync(passwordFile, password, { mode: 0o600 });
  if (cluster.user !== undefined) chownSync(passwordFile, cluster.user.uid, cluster.user.gid);
  try {
    await run(cluster, 'initdb', [
      ...['-D', cluster.data, '-U', POSTGRES_USER, '-A', 'scram-sha-256', '--pwfile', passwordFile],
      ...['-E', 'UTF8', '--locale=C', '--no-instructions'],
    ]);
    const createDatabase = `CREATE DATABASE ${POSTGRES_DATABASE};\n`;
    await run(cluster, 'postgres', ['--single', '-D', cluster.data, 'postgres'], createDatabase);
    writeFileSync(fingerprintFile(cluster), `${fingerprint(password)}\n`, { mode: 0o600 });
  } catch (error) {
    rmSync(cluster.data, { recursive: true, force: true });
    throw error;
  } finally {
    rmSync(passwordFile, { force: true });
  }
}

async function run(cluster: Cluster, program: string, programArguments: readonly string[], input = ''): Promise<void> {
  const result = await runProgram(join(cluster.binaries, 'bin', program), programArguments, {
    workingDirectory: cluster.folder,
    environment: cluster.environment,
    user: cluster.user,
    input,
    timeoutMs: INITDB_MS,
  });
  if (result.isOk) return;
  throw new StartFault(
    `Postgres could not be set up (${program}): ${result.output.trim().split('\n').slice(-5).join('\n  ')}`,
    `Check that ${cluster.folder} is writable and its disk has 100 MB free; then start again.`,
  );
}

/** The postmaster writes its state to line 8 of postmaster.pid (pg_ctl reads the same). */
function isPostmasterReady(data: string): boolean {
  try {
    return readFileSync(join(data, 'postmaster.pid'), 'utf8').split('\n')[7]?.trim() === 'ready';
  } catch {
    return false;
  }
}

/** After a SIGKILL or a crash of the machine the file stays, and its pid may belong to someone else by now. */
function removeStalePidFile(data: string): void {
  const file = join(data, 'postmaster.pid');
  if (!existsSync(file)) return;
  const pid = Number(readFileSync(file, 'utf8').split('\n')[0]);
  if (!isPostgres(pid)) rmSync(file, { force: true });
}

function isPostgres(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false;
  }
  try {
    return readFileSync(`/proc/${pid}/comm`, 'utf8').trim() === 'postgres';
  } catch {
    // No /proc: Postgres itself decides.
    return true;
  }
}
