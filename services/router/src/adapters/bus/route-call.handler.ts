import { Controller, Inject } from '@nestjs/common';
import { Ctx, Payload } from '@nestjs/microservices';
import { CallForwarder, OnCall, nextAttempt, type CallReply, type IncomingCall } from '@weir/bus';
import type { Catalog } from '@weir/catalog';
import { RouteCallV1, subjects, type CallFailure } from '@weir/contracts';
import { CLOCK, LOGGER, SETTINGS, type Clock, type Logger } from '@weir/kit';
import { decideRoute, type RouteContext } from '../../domain/decide-route.js';
import { HealthBook } from '../../domain/health-book.js';
import { PresenceTable } from '../../domain/worker-presence.js';
import type { RouterSettings } from '../../settings.js';
import { CATALOG, FORWARDER, HEALTH_BOOK, PRESENCE } from '../../tokens.js';
import { RouterMetrics } from './router-metrics.js';

/** Decides each call once per hop and sends it on. Holds nothing about a call: all of it is in the envelope. */
@Controller()
export class RouteCallHandler {
  constructor(
    @Inject(CATALOG) private readonly catalog: Catalog,
    @Inject(FORWARDER) private readonly forwarder: CallForwarder,
    @Inject(HEALTH_BOOK) private readonly health: HealthBook,
    @Inject(PRESENCE) private readonly presence: PresenceTable,
    @Inject(RouterMetrics) private readonly metrics: RouterMetrics,
    @Inject(SETTINGS) private readonly settings: RouterSettings,
    @Inject(CLOCK) private readonly clock: Clock,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  @OnCall(RouteCallV1)
  route(@Payload() call: IncomingCall, @Ctx() reply: CallReply): void {
    const { envelope } = call;
    const now = this.clock.now();
    const decision = decideRoute(envelope, this.context(envelope.model, now));
    switch (decision.kind) {
      case 'late':
        this.metrics.decisions.inc({ decision: 'late' });
        return reply.abandon();
      case 'fail':
        this.metrics.decisions.inc({ decision: decision.failure.code });
        return this.fail(call, reply, decision.failure);
      case 'forward': {
        this.metrics.decisions.inc({ decision: decision.isProbe ? 'probe' : 'forward' });
        const { target } = decision;
        if (decision.isProbe)
          this.health.apply(target.deploymentId, { kind: 'probe-sent', at: now, jitter: Math.random() });
        const subject = subjects.exec(envelope.region, target.provider);
        this.forwarder.forward(subject, { ...envelope, target }, call.body, call.replyTo);
        return reply.abandon();
      }
    }
  }

  private context(model: string, now: number): RouteContext {
    return {
      now,
      model: this.catalog.findModel(model),
      isCatalogReady: this.catalog.state() !== 'loading',
      attemptsMax: this.settings.WEIR_ATTEMPTS_MAX,
      availability: (deploymentId) => this.health.availability(deploymentId, now),
      restUntil: (deploymentId) => this.health.restUntil(deploymentId),
      isAccepting: (provider) => this.presence.isAccepting(provider, now),
      random: Math.random,
    };
  }

  private fail({ envelope }: IncomingCall, reply: CallReply, failure: CallFailure): void {
    this.logger.warn(
      { callId: envelope.callId, model: envelope.model, attempt: nextAttempt(envelope), code: failure.code },
      'no target',
    );
    reply.fail({ failure, attempts: envelope.attempts, served: null, usage: null, usageSource: 'none' });
  }
}
