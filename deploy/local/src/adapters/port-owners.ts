import { execFileSync } from 'node:child_process';
import { readFileSync, readdirSync, readlinkSync } from 'node:fs';
import { createServer } from 'node:net';

/** True where 127.0.0.1:port can be listened on. */
export function isPortFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen({ port, host: '127.0.0.1', exclusive: true }, () => server.close(() => resolve(true)));
  });
}

/** Who listens on the port, in words ("node (process 123): node server.js"); undefined where the system does not tell. */
export function findPortOwner(port: number): string | undefined {
  return process.platform === 'linux' ? findOwnerInProc(port) : findOwnerByLsof(port);
}

function findOwnerInProc(port: number): string | undefined {
  const inodes = new Set(['/proc/net/tcp', '/proc/net/tcp6'].flatMap((table) => findListeningInodes(table, port)));
  if (inodes.size === 0) return undefined;
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    if (holdsSocket(pid, inodes)) return describe(pid);
  }
  return 'a process of another user';
}

/** Socket inodes in state LISTEN (0A) on the port, from the kernel's table (proc_pid_net(5)). */
function findListeningInodes(table: string, port: number): string[] {
  const wanted = `:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  try {
    const rows = readFileSync(table, 'utf8').split('\n').slice(1);
    return rows
      .map((row) => row.trim().split(/\s+/))
      .filter((fields) => fields[1]?.endsWith(wanted) === true && fields[3] === '0A')
      .map((fields) => fields[9] ?? '');
  } catch {
    return [];
  }
}

function holdsSocket(pid: string, inodes: ReadonlySet<string>): boolean {
  try {
    return readdirSync(`/proc/${pid}/fd`).some((descriptor) => {
      const target = readDescriptor(`/proc/${pid}/fd/${descriptor}`);
      return target.startsWith('socket:[') && inodes.has(target.slice(8, -1));
    });
  } catch {
    // Another user's process, or one that has just ended.
    return false;
  }
}

function readDescriptor(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return '';
  }
}

function describe(pid: string): string {
  try {
    const name = readFileSync(`/proc/${pid}/comm`, 'utf8').trim();
    const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim();
    return `${name} (process ${pid}): ${command.slice(0, 120)}`;
  } catch {
    return `process ${pid}`;
  }
}

function findOwnerByLsof(port: number): string | undefined {
  try {
    const output = execFileSync('lsof', ['-nP', `-iTCP:${port}`, '-sTCP:LISTEN', '-Fpc'], { encoding: 'utf8' });
    const pid = /^p(\d+)$/m.exec(output)?.[1];
    const name = /^c(.+)$/m.exec(output)?.[1];
    return pid === undefined ? undefined : `${name ?? 'a process'} (process ${pid})`;
  } catch {
    return undefined;
  }
}
