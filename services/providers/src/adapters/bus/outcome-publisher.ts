import { publishOutcome, type BusConnection } from '@weir/bus';
import type { TargetOutcome } from '@weir/contracts';
import type { Clock } from '@weir/kit';

export type ReportedOutcome = Omit<TargetOutcome, 'at' | 'count'>;

/**
 * Tells the routers how targets fare: a failure at once, good outcomes a few times a second, counted. So the routers' work does not
 * grow with the calls.
 */
export class OutcomePublisher {
  private readonly good = new Map<string, number>();
  private readonly timer: NodeJS.Timeout;

  constructor(
    private readonly connection: BusConnection,
    private readonly region: string,
    private readonly clock: Clock,
    everyMs: number,
  ) {
    this.timer = setInterval(() => this.flush(), everyMs);
  }

  report(outcome: ReportedOutcome): void {
    if (outcome.outcome !== 'failed') {
      this.good.set(outcome.deploymentId, (this.good.get(outcome.deploymentId) ?? 0) + 1);
      return;
    }
    publishOutcome(this.connection, this.region, { ...outcome, at: this.clock.now() });
  }

  close(): void {
    clearInterval(this.timer);
    this.flush();
  }

  private flush(): void {
    for (const [deploymentId, count] of this.good) {
      const outcome = {
        deploymentId,
        outcome: 'ok',
        errorCode: null,
        retryAfterMs: null,
        at: this.clock.now(),
        count,
      } as const;
      publishOutcome(this.connection, this.region, outcome);
    }
    this.good.clear();
  }
}
