import { readdirSync, readFileSync } from 'node:fs';

const TICKS_A_SECOND = 100;
const PAGE_BYTES = 4_096;

interface ProcessStat {
  readonly pid: number;
  readonly parent: number;
  readonly cpuMicros: number;
  readonly residentBytes: number;
  readonly name: string;
}

/** Reads `/proc/<pid>/stat` (proc(5)); undefined where the process has ended. */
function readStat(pid: number): ProcessStat | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const after = text.slice(text.lastIndexOf(')') + 2).split(' ');
    const ticks = Number(after[11]) + Number(after[12]);
    const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
    return {
      pid,
      parent: Number(after[1]),
      cpuMicros: (ticks * 1_000_000) / TICKS_A_SECOND,
      residentBytes: Number(after[21]) * PAGE_BYTES,
      name:
        command.find((word) =>
          /services\/|clickhouse|nats-server|postgres|simulator|supervisor|start\.mjs/.test(word),
        ) ??
        command[0] ??
        '',
    };
  } catch (error) {
    if (['ENOENT', 'ESRCH'].includes((error as NodeJS.ErrnoException).code ?? '')) return undefined;
    throw error;
  }
}

/** CPU and memory of a product at one moment, over all of its processes. */
export interface Usage {
  readonly cpuMicros: ReadonlyMap<string, number>;
  readonly residentBytes: number;
}

const ROLE = /services\/(\w+)|(clickhouse)|(nats-server)|(postgres)|(simulator)/;

function roleOf(stat: ProcessStat): string {
  return ROLE.exec(stat.name)?.slice(1).find(Boolean) ?? 'other';
}

/** Sums over the process and everything below it, its name by role. Processes that change parents are found by `roots` having several. */
export function readUsage(roots: readonly number[]): Usage {
  const all = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => readStat(Number(name)) ?? []);
  const wanted = new Set(roots);
  for (let size = -1; size !== wanted.size;) {
    size = wanted.size;
    for (const stat of all) if (wanted.has(stat.parent)) wanted.add(stat.pid);
  }
  const ours = all.filter((stat) => wanted.has(stat.pid));
  const cpuMicros = new Map<string, number>();
  for (const stat of ours) cpuMicros.set(roleOf(stat), (cpuMicros.get(roleOf(stat)) ?? 0) + stat.cpuMicros);
  return { cpuMicros, residentBytes: ours.reduce((sum, stat) => sum + stat.residentBytes, 0) };
}

export function subtractUsage(after: Usage, before: Usage): ReadonlyMap<string, number> {
  return new Map([...after.cpuMicros].map(([role, micros]) => [role, micros - (before.cpuMicros.get(role) ?? 0)]));
}
