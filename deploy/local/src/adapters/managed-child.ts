import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { backoffMs, countDeaths } from '../domain/backoff.js';
import { LogFollower, openLog, readTail } from './log-file.js';
import type { RunRecord } from './run-record.js';
import { waitUntil } from './waiting.js';

/** One process the supervisor keeps running. */
export interface ChildSpecification {
  readonly name: string;
  readonly command: string;
  readonly arguments: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  readonly workingDirectory: string;
  readonly user?: { readonly uid: number; readonly gid: number };
  /** Our own processes drain when this channel closes; nats-server and postgres know nothing of it. */
  readonly hasChannel: boolean;
  readonly phase: number;
  readonly stopSignal: NodeJS.Signals;
  /** From the stop signal to SIGKILL. */
  readonly drainMs: number;
  readonly readyMs: number;
  readonly logFile: string;
  isReady(): Promise<boolean>;
}

export interface ChildReports {
  say(line: string): void;
  /** Called with each new pid: `connection.json` names it. */
  changed(): void;
}

/** Deaths in a row before first readiness after which the start is given up. */
const BOOT_DEATHS_MAX = 3;
const KILL_MS = 5_000;

/** A child that never became ready: the start fails with its last lines. */
export class ChildNeverReady extends Error {
  constructor(
    readonly childName: string,
    readonly reason: string,
    readonly lastLines: readonly string[],
    readonly logFile: string,
  ) {
    super(`${childName} ${reason}`);
    this.name = 'ChildNeverReady';
  }
}

/**
 * Keeps one detached process running: starts it again when it dies, with backoff, until `stop`. Detached, so that Ctrl-C in a
 * terminal reaches only the launcher, and its log is a file, so that a killed supervisor breaks no pipe of it.
 */
export class ManagedChild {
  private child: ChildProcess | undefined;
  private deaths = 0;
  private isStopping = false;
  private hasBeenReady = false;
  private startedAt = 0;
  private readonly follower: LogFollower;

  constructor(
    readonly specification: ChildSpecification,
    private readonly record: RunRecord,
    private readonly reports: ChildReports,
  ) {
    this.follower = new LogFollower(specification.logFile, (message) =>
      reports.say(`[${specification.name}] ${message}`),
    );
  }

  get name(): string {
    return this.specification.name;
  }

  get pid(): number | undefined {
    return this.child?.pid;
  }

  /** Starts and waits until it answers. Throws ChildNeverReady with the reason and the end of its log. */
  async start(signal: AbortSignal): Promise<void> {
    this.spawn();
    const { readyMs } = this.specification;
    const isInTime = await waitUntil(
      async () => {
        if (this.deaths >= BOOT_DEATHS_MAX) throw this.neverReady(`died ${this.deaths} times while starting`);
        return this.pid !== undefined && (await this.specification.isReady());
      },
      { timeoutMs: readyMs, everyMs: 25, signal },
    );
    if (!isInTime) throw this.neverReady(`did not become ready within ${readyMs / 1000} s`);
    this.hasBeenReady = true;
  }

  /** Sends the stop signal and waits for the drain; kills what outlasts it. Safe to call twice. */
  async stop(): Promise<void> {
    this.isStopping = true;
    const child = this.child;
    if (child === undefined) return;
    child.kill(this.specification.stopSignal);
    const { drainMs } = this.specification;
    if (await waitUntil(() => this.child === undefined, { timeoutMs: drainMs, everyMs: 10 })) return;
    this.reports.say(`✗ ${this.name} did not drain within ${drainMs / 1000} s: killed`);
    this.kill();
    await waitUntil(() => this.child === undefined, { timeoutMs: KILL_MS });
  }

  /** Ends the drain at once; client streams are cut. */
  kill(): void {
    this.isStopping = true;
    this.child?.kill('SIGKILL');
  }

  /** Reports new error lines of its log. */
  pollLog(): void {
    this.follower.poll();
  }

  private spawn(): void {
    const { specification } = this;
    const log = openLog(specification.logFile);
    const child = spawn(specification.command, specification.arguments, {
      cwd: specification.workingDirectory,
      env: specification.environment,
      detached: true,
      stdio: ['ignore', log, log, ...(specification.hasChannel ? (['ipc'] as const) : [])],
      ...specification.user,
    });
    closeSync(log);
    this.child = child;
    this.startedAt = performance.now();
    // 'error' without a pid is a failed start; with one, a signal or message that could not be sent to a dying child.
    child.once('error', (error) => {
      if (child.pid === undefined) this.ended(error.message);
    });
    child.once('exit', (code, exitSignal) => this.ended(exitSignal ?? `exit code ${code}`));
    if (child.pid === undefined) return;
    this.record.add(this.name, child.pid, specification.phase, specification.stopSignal);
    this.reports.changed();
  }

  private ended(how: string): void {
    this.child = undefined;
    this.record.remove(this.name);
    if (this.isStopping) return;
    this.deaths = countDeaths(this.deaths, performance.now() - this.startedAt);
    if (!this.hasBeenReady && this.deaths >= BOOT_DEATHS_MAX) return;
    const waitMs = backoffMs(this.deaths);
    this.reports.say(
      `✗ ${this.name} died (${how}); starting it again in ${waitMs / 1000} s, log: ${this.specification.logFile}`,
    );
    if (!this.hasBeenReady) for (const line of readTail(this.specification.logFile, 3)) this.reports.say(`    ${line}`);
    void this.restart(waitMs);
  }

  private async restart(waitMs: number): Promise<void> {
    await delay(waitMs);
    if (this.isStopping) return;
    this.spawn();
    if (!this.hasBeenReady) return;
    const child = this.child;
    const isOver = () => this.isStopping || this.child !== child;
    const { readyMs } = this.specification;
    const isBack = await waitUntil(async () => isOver() || (await this.specification.isReady()), {
      timeoutMs: readyMs,
    });
    // Stopped meanwhile, or dead again: its next restart reports.
    if (isOver()) return;
    const state = isBack ? `✓ ${this.name} is back` : `✗ ${this.name} runs again but is not ready`;
    this.reports.say(`${state} (process ${child?.pid})`);
  }

  private neverReady(reason: string): ChildNeverReady {
    return new ChildNeverReady(this.name, reason, readTail(this.specification.logFile, 15), this.specification.logFile);
  }
}
