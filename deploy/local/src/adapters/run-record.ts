import { existsSync, readFileSync, rmSync } from 'node:fs';
import type { Home } from './home.js';
import { writePrivateJson } from './home.js';
import { findProcess, isAlive, type ProcessIdentity } from './process-identity.js';

export interface RecordedProcess extends ProcessIdentity {
  readonly name: string;
  /** Drain order: lower ends first. */
  readonly phase: number;
  readonly stopSignal: NodeJS.Signals;
}

export interface RunRecordContent {
  readonly launcher: ProcessIdentity | undefined;
  readonly supervisor: ProcessIdentity | undefined;
  readonly processes: readonly RecordedProcess[];
}

/** What runs of this home, so that whoever comes next can end it: `<home>/run.json`. */
export class RunRecord {
  private readonly processes = new Map<string, RecordedProcess>();

  constructor(
    private readonly home: Home,
    private readonly launcherPid: number,
  ) {}

  add(name: string, pid: number, phase: number, stopSignal: NodeJS.Signals): void {
    const identity = findProcess(pid);
    // It died at once: its exit is handled where it was started.
    if (identity === undefined) return;
    this.processes.set(name, { ...identity, name, phase, stopSignal });
    this.write();
  }

  remove(name: string): void {
    this.processes.delete(name);
    this.write();
  }

  write(): void {
    writePrivateJson(this.home.runFile, {
      launcher: findProcess(this.launcherPid),
      supervisor: findProcess(process.pid),
      processes: [...this.processes.values()],
    } satisfies RunRecordContent);
  }

  clear(): void {
    rmSync(this.home.runFile, { force: true });
  }
}

/** The record of the last run; nothing where there is none or it cannot be read (it is rewritten whole, so that is rare). */
export function readRunRecord(home: Home): RunRecordContent | undefined {
  if (!existsSync(home.runFile)) return undefined;
  try {
    return JSON.parse(readFileSync(home.runFile, 'utf8')) as RunRecordContent;
  } catch {
    return undefined;
  }
}

/** Those of the last run that still live. */
export function findSurvivors(record: RunRecordContent): RecordedProcess[] {
  return record.processes.filter(isAlive);
}
