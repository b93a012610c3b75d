import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A stack uses its base port and the 29 after it (deploy/local). */
const PORTS_PER_STACK = 30;
/** Below the kernel's ephemeral range (32768 up), so that no outgoing connection takes one between the look and the use. */
const FIRST_BASE = 10_000;
const LAST_BASE = 31_000;
const CLAIMS = join(tmpdir(), 'weir-testing-ports');

/** A port of 127.0.0.1 that was free a moment ago. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => resolve(port));
    });
  });
}

export interface PortBlock {
  readonly base: number;
  release(): void;
}

/** A block of free ports that no other test process of this machine uses meanwhile. Throws when there is none. */
export async function claimPortBlock(): Promise<PortBlock> {
  mkdirSync(CLAIMS, { recursive: true });
  const blocks = Math.floor((LAST_BASE - FIRST_BASE) / PORTS_PER_STACK);
  const start = Math.floor(Math.random() * blocks);
  for (let i = 0; i < blocks; i++) {
    const base = FIRST_BASE + ((start + i) % blocks) * PORTS_PER_STACK;
    const claim = join(CLAIMS, String(base));
    if (!tryClaim(claim)) continue;
    const release = () => rmSync(claim, { force: true });
    if (await isBlockFree(base)) return { base, release };
    release();
  }
  throw new Error(`no ${PORTS_PER_STACK} free ports in a row between ${FIRST_BASE} and ${LAST_BASE}`);
}

function tryClaim(claim: string): boolean {
  try {
    writeFileSync(claim, String(process.pid), { flag: 'wx' });
    return true;
  } catch {
    if (isHeld(claim)) return false;
    // Its process died without releasing it.
    rmSync(claim, { force: true });
    return false;
  }
}

function isHeld(claim: string): boolean {
  try {
    process.kill(Number(readFileSync(claim, 'utf8')), 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

async function isBlockFree(base: number): Promise<boolean> {
  for (let port = base; port < base + PORTS_PER_STACK; port++) {
    if (!(await canListen(port))) return false;
  }
  return true;
}

function canListen(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen({ port, host: '127.0.0.1', exclusive: true }, () => server.close(() => resolve(true)));
  });
}
