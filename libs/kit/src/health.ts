/** State of one thing a process depends on. */
export interface HealthState {
  readonly ok: boolean;
  readonly detail?: string;
}

export interface HealthReport {
  readonly ready: boolean;
  readonly checks: Readonly<Record<string, HealthState>>;
}

/**
 * What a process needs to do its work. Ready when every registered check is ok and the process is not draining. Checks are read, not awaited:
 * each owner keeps its own state current.
 */
export class Health {
  private readonly checks = new Map<string, () => HealthState>();
  private draining = false;

  /** Registers a check. Throws where the name is taken, since the second would hide the first. */
  register(name: string, check: () => HealthState): void {
    if (this.checks.has(name)) throw new Error(`health check "${name}" is registered twice`);
    this.checks.set(name, check);
  }

  /** From here on the process is not ready, so that no new work is sent to it. */
  startDraining(): void {
    this.draining = true;
  }

  isDraining(): boolean {
    return this.draining;
  }

  report(): HealthReport {
    const checks = Object.fromEntries([...this.checks].map(([name, check]) => [name, check()] as const));
    return { ready: !this.draining && Object.values(checks).every((check) => check.ok), checks };
  }
}
