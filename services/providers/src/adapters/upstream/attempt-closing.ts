import type { CallReply, IncomingCall } from '@weir/bus';
import {
  AttemptFinishedV1,
  CALL_SIZES,
  subjects,
  type AttemptFacts,
  type AttemptSummary,
  type CallFailure,
  type EndFrame,
  type HeadFrame,
} from '@weir/contracts';
import {
  concludeAttempt,
  type AttemptConclusion,
  type AttemptEnd,
  type AttemptProgress,
} from '../../domain/attempt-conclusion.js';
import { finishedOf, summarise, type AttemptFinished } from '../../domain/attempt-record.js';
import type { PreparedCall } from '../../domain/prepare-call.js';
import { faultOf, mapFaultToFailure } from '../../domain/upstream-fault.js';
import { upstreamRequestId } from '../../domain/upstream-headers.js';
import type { CallServices } from './call-services.js';
import type { ClientOutlet } from './client-outlet.js';
import type { UpstreamAnswer } from './upstream-answer.js';

/** How long an answer waits for its record to be in the journal, at scale 1: a disk that refuses must not keep a client waiting. */
const RECORD_WITHIN_MS = 1_000;

export interface EndedAttempt {
  readonly services: CallServices;
  readonly call: IncomingCall;
  readonly reply: CallReply;
  readonly facts: AttemptFacts;
  readonly prepared: PreparedCall;
  readonly answer: UpstreamAnswer;
  readonly outlet: ClientOutlet;
  readonly head: () => HeadFrame;
}

/** The end of an attempt: judged once, recorded once, then told to the client or handed back to the router. */
export class AttemptClosing {
  private readonly conclusion: AttemptConclusion;
  private readonly finished: AttemptFinished;
  private readonly summary: AttemptSummary;
  private readonly progress: AttemptProgress;
  private readonly deliverBy: number;
  private isDelivered = false;
  private isAbandoned = false;

  constructor(
    private readonly attempt: EndedAttempt,
    private readonly end: AttemptEnd,
    private readonly onDelivered: () => void,
  ) {
    const { services, facts, answer, call } = attempt;
    this.progress = this.progressOf();
    this.conclusion = concludeAttempt(end, this.progress);
    this.finished = this.finishedEvent();
    const price = facts.priceVersion === null ? undefined : services.catalog.price(facts.priceVersion);
    this.summary = summarise(this.finished, price);
    this.deliverBy = performance.now() + RECORD_WITHIN_MS * services.timeScale;
    services.metrics.finished(this.finished, { isPriced: price !== undefined });
    this.reportHealth();
    const { envelope } = call;
    services.publisher.append(
      {
        definition: AttemptFinishedV1,
        data: this.finished,
        organisationId: facts.principal.organisationId,
        callId: facts.callId,
        traceparent: envelope.traceparent,
      },
      {
        onWritten: (error) => {
          if (error)
            services.logger.error({ err: error, attemptId: facts.attemptId }, 'an attempt could not be recorded');
          this.deliver();
        },
      },
    );
    if (answer.status !== null && answer.status >= 400) {
      services.logger.warn(
        { attemptId: facts.attemptId, provider: facts.provider, status: answer.status },
        'upstream refused',
      );
    }
  }

  /** Nobody hears the answer: nothing more is sent. */
  abandon(): void {
    this.isAbandoned = true;
    this.attempt.outlet.discard();
  }

  sweep(now: number): void {
    if (now >= this.deliverBy) this.deliver();
  }

  private progressOf(): AttemptProgress {
    const { answer, outlet, call } = this.attempt;
    const { usage, isComplete } = answer.observed();
    return {
      isSent: answer.isSent,
      status: answer.status,
      hasFirstToken: answer.firstTokenAt !== null,
      bytesGiven: outlet.bytesSent,
      bytesReceived: answer.bytesReceived,
      // Of an answer in one piece nothing is complete before its last byte.
      isComplete: isComplete && call.envelope.stream,
      usage,
      isLast: call.envelope.target?.isLast ?? true,
    };
  }

  private finishedEvent(): AttemptFinished {
    const { services, facts, prepared, answer, call } = this.attempt;
    const latencyMs = performance.now() - answer.startedAt;
    return finishedOf({
      facts,
      conclusion: this.conclusion,
      progress: this.progress,
      requestBytes: call.envelope.body.bytes,
      answerTokens: answer.tokensEstimated,
      finishReason: answer.observed().finish,
      finishedAt: services.clock.now(),
      latencyMs: roundMs(latencyMs),
      firstTokenMs: answer.firstTokenAt === null ? null : roundMs(answer.firstTokenAt - answer.startedAt),
      upstreamRequestId: upstreamRequestId(answer.headers),
      dropped: prepared.dropped,
    });
  }

  private reportHealth(): void {
    const { health, errorCode } = this.conclusion;
    if (health === null) return;
    const retryAfter = this.end.kind === 'fault' ? this.end.fault.retryAfterSeconds : null;
    this.attempt.services.outcomes.report({
      deploymentId: this.attempt.facts.deploymentId,
      outcome: health,
      errorCode,
      retryAfterMs: retryAfter === null ? null : retryAfter * 1_000,
    });
  }

  private deliver(): void {
    if (this.isDelivered) return;
    this.isDelivered = true;
    if (this.isAbandoned) {
      this.attempt.reply.abandon();
      return this.onDelivered();
    }
    if (this.conclusion.isRetried) return this.handBack();
    if (this.conclusion.outcome === 'completed') return this.deliverAnswer();
    const { reply, outlet } = this.attempt;
    outlet.discard();
    reply.fail({
      failure: this.failure(),
      attempts: this.attempts(),
      served: this.attempt.head().served,
      usage: this.finished.usage,
      usageSource: this.finished.usageSource,
    });
    this.onDelivered();
  }

  private attempts(): AttemptSummary[] {
    return [...this.attempt.call.envelope.attempts, this.summary];
  }

  private failure(): CallFailure {
    const { end } = this;
    const fault = end.kind === 'fault' ? end.fault : faultOf(end.kind === 'cancelled' ? end.code : 'internal');
    return mapFaultToFailure(fault, this.attempt.answer.errorBody);
  }

  /**
   * Back to the router. A worker that has been heard of gives the next target a fresh deadline; one that has not keeps the first, so that the
   * ingress, which may by then route the call itself, does not have it run twice.
   */
  private handBack(): void {
    const { services, call, reply } = this.attempt;
    const { envelope } = call;
    const isHeardOf = reply.lastFrameAt > 0;
    const dispatchBy = isHeardOf ? services.clock.now() + services.timing.dispatchWithinMs : envelope.dispatchBy;
    const next = { ...envelope, target: null, attempts: this.attempts(), lastFailure: this.failure(), dispatchBy };
    services.forwarder.forward(subjects.route(envelope.region), next, call.body, call.replyTo);
    reply.abandon();
    this.onDelivered();
  }

  private deliverAnswer(): void {
    const { reply, outlet, answer } = this.attempt;
    const { whole } = answer;
    if (whole && outlet.bytesSent === 0 && whole.byteLength <= CALL_SIZES.wholeBodyMax) {
      reply.whole({ head: this.attempt.head(), end: this.endFrame(whole.byteLength) }, whole);
      return this.onDelivered();
    }
    outlet.open();
    if (whole) outlet.write(whole);
    outlet.drained(() => {
      reply.end(this.endFrame(outlet.bytesSent));
      this.onDelivered();
    });
  }

  private endFrame(bytes: number): EndFrame {
    const { usage, usageSource, finishReason, priceVersion, firstTokenMs, latencyMs } = this.finished;
    return {
      usage,
      usageSource,
      finishReason,
      costPico: this.summary.costPico,
      priceVersion,
      firstTokenMs,
      upstreamMs: latencyMs,
      bytes,
      attempts: this.attempts(),
    };
  }
}

function roundMs(ms: number): number {
  return Math.round(ms * 1_000) / 1_000;
}
