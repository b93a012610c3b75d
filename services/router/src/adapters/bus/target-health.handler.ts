import { Controller, Inject } from '@nestjs/common';
import { OnMessage } from '@weir/bus';
import { TargetOutcomeV1, WorkerPresenceV1, type TargetOutcome, type WorkerPresence } from '@weir/contracts';
import { CLOCK, type Clock } from '@weir/kit';
import { HealthBook } from '../../domain/health-book.js';
import { PresenceTable } from '../../domain/worker-presence.js';
import { HEALTH_BOOK, PRESENCE } from '../../tokens.js';

/** What the workers of the region tell every router. Both are pictures: a lost message only blurs them. */
@Controller()
export class TargetHealthHandler {
  constructor(
    @Inject(HEALTH_BOOK) private readonly health: HealthBook,
    @Inject(PRESENCE) private readonly presence: PresenceTable,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  @OnMessage(TargetOutcomeV1)
  outcome(outcome: TargetOutcome): void {
    const at = this.clock.now();
    if (outcome.outcome === 'failed') {
      const { retryAfterMs } = outcome;
      this.health.apply(outcome.deploymentId, { kind: 'failed', at, retryAfterMs, jitter: Math.random() });
    } else {
      // A target that rejects the caller's request is alive.
      this.health.apply(outcome.deploymentId, { kind: 'ok', at, count: outcome.count ?? 1 });
    }
  }

  @OnMessage(WorkerPresenceV1)
  worker(presence: WorkerPresence): void {
    const now = this.clock.now();
    this.presence.observe(presence, now);
    this.presence.forgetSilent(now);
  }
}
