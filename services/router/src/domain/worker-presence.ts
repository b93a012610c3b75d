import type { WorkerPresence } from '@weir/contracts';

interface Seen {
  readonly providers: ReadonlySet<string>;
  readonly accepting: boolean;
  readonly at: number;
}

/**
 * Which providers have a worker that takes calls. A worker silent for `staleAfterMs` counts as gone. Until `warmUntil` nothing is known yet
 * and every provider is taken to have one: a call that finds nobody is routed again by its ingress after `dispatchBy`.
 */
export class PresenceTable {
  private readonly workers = new Map<string, Seen>();

  constructor(
    private readonly staleAfterMs: number,
    private readonly warmUntil: number,
  ) {}

  observe(presence: WorkerPresence, now: number): void {
    this.workers.set(presence.workerId, {
      providers: new Set(presence.providers),
      accepting: presence.accepting,
      at: now,
    });
  }

  /** Drops workers that have been silent for ten times as long as makes them stale, so that the table stays bounded. */
  forgetSilent(now: number): void {
    for (const [workerId, seen] of this.workers) {
      if (now - seen.at > this.staleAfterMs * 10) this.workers.delete(workerId);
    }
  }

  isAccepting(provider: string, now: number): boolean {
    if (now < this.warmUntil) return true;
    for (const seen of this.workers.values()) {
      if (seen.accepting && now - seen.at <= this.staleAfterMs && seen.providers.has(provider)) return true;
    }
    return false;
  }

  /** Workers heard of recently. */
  size(now: number): number {
    let present = 0;
    for (const seen of this.workers.values()) if (now - seen.at <= this.staleAfterMs) present++;
    return present;
  }
}
