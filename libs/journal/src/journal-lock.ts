import { createHash } from 'node:crypto';
import { rm, stat } from 'node:fs/promises';
import { createServer, connect, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { JournalLockedError } from './journal-options.js';

export interface FolderLock {
  release(): Promise<void>;
}

/**
 * Holds a folder for this process by listening on a Unix socket named after the folder's device and inode. The kernel closes the
 * socket with the process, however it dies, so there is nothing stale to judge by its age. On Linux the name is an abstract one
 * (unix(7)) and leaves no file; elsewhere a file in the temporary folder, taken over where nobody answers on it.
 */
export async function lockFolder(folder: string): Promise<FolderLock> {
  const { dev, ino } = await stat(folder, { bigint: true });
  const name = `weir-journal-${createHash('sha256').update(`${dev}:${ino}`).digest('hex').slice(0, 32)}`;
  const address = process.platform === 'linux' ? `\0${name}` : join(tmpdir(), `${name}.sock`);
  const server = (await listen(address)) ?? (await takeOver(address));
  if (server === undefined) throw new JournalLockedError(folder);
  server.unref();
  return { release: () => new Promise((resolve) => server.close(() => resolve())) };
}

async function takeOver(address: string): Promise<Server | undefined> {
  if (address.startsWith('\0') || (await isAnswered(address))) return undefined;
  await rm(address, { force: true });
  return listen(address);
}

/** @returns undefined where the address is in use. */
function listen(address: string): Promise<Server | undefined> {
  return new Promise((resolve, reject) => {
    const server = createServer((socket) => socket.destroy());
    server.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE') resolve(undefined);
      else reject(error);
    });
    server.listen(address, () => resolve(server));
  });
}

function isAnswered(address: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(address);
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}
