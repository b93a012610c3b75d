import {
  availability,
  reduceHealth,
  UNKNOWN_HEALTH,
  type Availability,
  type HealthEvent,
  type HealthPolicy,
  type TargetHealth,
} from './target-health.js';

/** A target that opened or closed: worth a line in the log and a number on a board. */
export type PhaseListener = (deploymentId: string, phase: TargetHealth['phase']) => void;

/** This router's picture of all targets. Every router of a region hears the same outcomes and so comes to the same picture. */
export class HealthBook {
  private readonly targets = new Map<string, TargetHealth>();

  constructor(
    private readonly policy: HealthPolicy,
    private readonly onPhase: PhaseListener = () => {},
  ) {}

  apply(deploymentId: string, event: HealthEvent): void {
    const before = this.targets.get(deploymentId) ?? UNKNOWN_HEALTH;
    const after = reduceHealth(before, event, this.policy);
    this.targets.set(deploymentId, after);
    if (after.phase !== before.phase) this.onPhase(deploymentId, after.phase);
  }

  availability(deploymentId: string, now: number): Availability {
    return availability(this.targets.get(deploymentId) ?? UNKNOWN_HEALTH, now);
  }

  restUntil(deploymentId: string): number {
    return this.targets.get(deploymentId)?.restUntil ?? 0;
  }

  /** Forgets targets that the catalog no longer has, so that the book stays as small as the catalog. */
  retain(deploymentIds: ReadonlySet<string>): void {
    for (const id of this.targets.keys()) if (!deploymentIds.has(id)) this.targets.delete(id);
  }
}
