import { readFileSync, readdirSync } from 'node:fs';
import type { RunningStack } from '@weir/testing';
import { findingOf, type Finding } from './finding.js';

/** Most resident megabytes of each process at any moment: about twice what it takes under this load when nothing is wrong. */
const BOUNDS_MB: Readonly<Record<string, number>> = {
  ingress: 700,
  router: 400,
  providers: 700,
  audit: 700,
  billing: 700,
  control: 500,
  nats: 500,
  postgres: 300,
  clickhouse: 2_500,
  simulator: 700,
};
const EVERY_MS = 500;

/** Samples the resident memory of every process of a stack, and keeps the most of each. */
export class MemoryWatch {
  private worst = new Map<string, number>();
  private readonly timer = setInterval(() => this.sample(), EVERY_MS);

  constructor(private readonly stack: RunningStack) {}

  /** From here on; what was before is forgotten. */
  restart(): void {
    this.worst = new Map();
    this.sample();
  }

  /** The largest process since then, in megabytes. */
  get largest(): { readonly name: string; readonly megabytes: number } {
    const [name = 'none', megabytes = 0] = [...this.worst].sort((a, b) => b[1] - a[1])[0] ?? [];
    return { name, megabytes: Math.round(megabytes) };
  }

  findExcess(): Finding[] {
    const excess = [...this.worst].filter(([name, megabytes]) => megabytes > (BOUNDS_MB[name] ?? 0));
    return findingOf(
      'memory: a process took more than its bound',
      excess.map(([name, megabytes]) => ({ name, megabytes, bound: BOUNDS_MB[name] })),
    );
  }

  close(): void {
    clearInterval(this.timer);
  }

  private sample(): void {
    const { services, internal } = this.stack.readConnection();
    const pids = [
      ...Object.entries(services).map(([name, [instance]]) => [name, instance?.pid] as const),
      ...Object.entries(internal.parts),
    ];
    for (const [name, pid] of pids) {
      if (pid !== undefined) this.worst.set(name, Math.max(this.worst.get(name) ?? 0, readResidentMegabytes(pid)));
    }
  }
}

/** 0 where the process has just died. */
function readResidentMegabytes(pid: number): number {
  try {
    const kibibytes = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? '0';
    return Number(kibibytes) / 1_024;
  } catch (error) {
    if (['ENOENT', 'ESRCH'].includes((error as NodeJS.ErrnoException).code ?? '')) return 0;
    throw error;
  }
}

/** The process and everything below it. */
export function listProcessTree(root: number): number[] {
  const parents = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((name) => [Number(name), readParent(Number(name))] as const);
  const tree = [root];
  for (const pid of tree) for (const [child, parent] of parents) if (parent === pid) tree.push(child);
  return tree;
}

function readParent(pid: number): number {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
  } catch (error) {
    if (['ENOENT', 'ESRCH'].includes((error as NodeJS.ErrnoException).code ?? '')) return 0;
    throw error;
  }
}
