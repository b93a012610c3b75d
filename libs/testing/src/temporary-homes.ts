import { existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const FOLDER = join(tmpdir(), 'weir-testing');
/** Where deploy/local keeps the clusters of root's stacks; each holds the path of its home. */
const ROOT_CLUSTERS = '/var/lib/weir';

/** A new empty home of this process. */
export function makeHome(): string {
  mkdirSync(FOLDER, { recursive: true });
  sweepDeadHomes();
  return mkdtempSync(join(FOLDER, `${process.pid}-`));
}

/** Deletes a stopped stack's home, and its cluster where that lies elsewhere. */
export function removeHome(home: string): void {
  rmSync(home, { recursive: true, force: true });
  for (const cluster of listRootClusters()) {
    if (readOwner(cluster) === home) rmSync(cluster, { recursive: true, force: true });
  }
}

/** Homes whose test process is gone, and the stack of which has ended too. */
function sweepDeadHomes(): void {
  for (const name of readdirSync(FOLDER)) {
    const home = join(FOLDER, name);
    const isLeftOver = !isRunning(Number(name.split('-')[0])) && !existsSync(join(home, 'run.json'));
    if (isLeftOver) removeHome(home);
  }
}

function listRootClusters(): string[] {
  if (!existsSync(ROOT_CLUSTERS)) return [];
  return readdirSync(ROOT_CLUSTERS)
    .map((name) => join(ROOT_CLUSTERS, name))
    .filter((folder) => existsSync(join(folder, 'home')));
}

function readOwner(cluster: string): string | undefined {
  try {
    return readFileSync(join(cluster, 'home'), 'utf8').trim();
  } catch {
    // Another test process has just removed it.
    return undefined;
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
