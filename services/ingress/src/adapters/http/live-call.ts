import type { ServerResponse } from 'node:http';
import type { CallChannel, CallDraft, CallHandlers, EventPublisher, OpenCall } from '@weir/bus';
import {
  ERRORS,
  type CallFailure,
  type CallTiming,
  type EndFrame,
  type FailFrame,
  type HeadFrame,
  type WholeFrame,
} from '@weir/contracts';
import { failureHere } from '../../domain/error-answer.js';
import {
  NOTHING_CONSUMED,
  consumptionOfEnd,
  consumptionOfFailure,
  consumptionUnheard,
  finishedEvent,
  startedEvent,
  type Consumption,
  type StartedCall,
} from '../../domain/call-record.js';
import { INITIAL_CALL, reduceCall, type CallCommand, type CallEvent, type CallState } from '../../domain/call-state.js';
import { isCostDisputed, type FindPrice } from '../../domain/settlement.js';
import { AnswerWriter } from './answer-writer.js';
import type { IngressMetrics } from './ingress-metrics.js';

/** What every call of a process shares. */
export interface CallSurroundings {
  readonly channel: CallChannel;
  readonly events: EventPublisher;
  readonly metrics: IngressMetrics;
  readonly timing: CallTiming;
  readonly clientStallMs: number;
  readonly clock: { now(): number };
  readonly findPrice: FindPrice;
  /** The call has ended and is recorded. */
  readonly onClosed: (call: LiveCall) => void;
}

export interface CallStart {
  readonly call: StartedCall;
  readonly draft: CallDraft;
  readonly body: Uint8Array;
  readonly response: ServerResponse;
  /** `performance.now()` at the arrival of the request. */
  readonly arrivedAt: number;
  /** Called once, when the body is needed no more. */
  readonly releaseBody: () => void;
}

const CLIENT_GONE_STATUS = ERRORS.client_gone.status;

/**
 * One call between its client and its worker: hands frames to the client's connection and what happens there to the worker. What is to be
 * done when is decided by `reduceCall`; this class only does it.
 */
export class LiveCall implements CallHandlers {
  private state: CallState = INITIAL_CALL;
  private readonly answer: AnswerWriter;
  private open: OpenCall | undefined;
  private headFrame: HeadFrame | null = null;
  private wholeBody: Uint8Array | null = null;
  private failure: CallFailure | null = null;
  private refusal: string | null = null;
  private consumption: Consumption | null = null;
  private startedAt = Number.POSITIVE_INFINITY;
  private firstByteAt: number | null = null;
  private progressAt = 0;
  private progressBytes = -1;

  constructor(
    private readonly start: CallStart,
    private readonly shared: CallSurroundings,
  ) {
    const { response, call } = start;
    this.answer = new AnswerWriter({ response, callId: call.facts.callId, dialect: call.facts.dialect });
  }

  /** Records the call; everything else follows from that. */
  begin(): void {
    const { response, call } = this.start;
    response.on('close', () => this.dispatch('client-closed'));
    response.on('drain', () => this.open?.grant(this.answer.creditOffset));
    // The client may have left while the request was judged.
    if (response.destroyed) this.dispatch('client-closed');
    this.shared.events.append(startedEvent(call), {
      urgent: true,
      onWritten: (error) => this.dispatch(error ? 'record-failed' : 'recorded'),
      onAcknowledged: () => this.dispatch('acknowledged'),
    });
  }

  /** Called a few times a second: ends what takes too long. `now` is of `performance.now()`. */
  tick(now: number): void {
    if (!this.state.isGateOpen && now - this.startedAt >= this.shared.timing.workerLostAfterMs) {
      this.dispatch('acknowledgement-overdue');
    }
    const { response } = this.start;
    const written = response.socket?.bytesWritten ?? 0;
    if (written !== this.progressBytes || response.writableLength === 0) {
      this.progressBytes = written;
      this.progressAt = now;
    } else if (now - this.progressAt >= this.shared.clientStallMs) {
      response.destroy();
    }
  }

  announceClose(): void {
    if (!this.start.response.headersSent) this.start.response.shouldKeepAlive = false;
  }

  /** Drain time is over: the client gets a typed error and the worker is stopped. */
  cutShort(): void {
    this.dispatch('drain-overdue');
  }

  head(frame: HeadFrame): void {
    this.headFrame = frame;
    this.dispatch('head');
  }

  data(bytes: Buffer): void {
    this.firstByteAt ??= performance.now();
    this.answer.write(bytes);
    if (this.state.isHeadSent) this.open?.grant(this.answer.creditOffset);
  }

  ping(blockedAt: number | null): void {
    if (blockedAt === null && this.state.phase === 'answering' && this.state.isHeadSent) this.answer.ping();
  }

  end(frame: EndFrame): void {
    if (this.headFrame === null) {
      this.fail({ ...failedWithin(), attempts: frame.attempts, usage: frame.usage, usageSource: frame.usageSource });
      return;
    }
    this.settle(this.headFrame, frame);
    this.dispatch('end');
  }

  whole(frame: WholeFrame, body: Buffer): void {
    this.headFrame = frame.head;
    this.wholeBody = body;
    this.settle(frame.head, frame.end);
    this.dispatch('whole');
  }

  fail(frame: FailFrame): void {
    this.failure = frame.failure;
    this.consumption =
      frame.attempts.length === 0 && frame.usageSource === 'bounded'
        ? this.unheard()
        : consumptionOfFailure(this.headFrame, frame, this.pinnedPrice(frame.served?.deploymentId));
    this.dispatch(frame.attempts.length === 0 ? 'failed-here' : 'failed-upstream');
  }

  noResponders(): void {
    this.failHere('no_worker', NOTHING_CONSUMED);
  }

  notDispatched(): void {
    this.failHere('not_dispatched', NOTHING_CONSUMED);
  }

  lost(): void {
    this.failHere('worker_lost', this.unheard());
  }

  private failHere(code: 'no_worker' | 'not_dispatched' | 'worker_lost', consumption: Consumption): void {
    this.failure = failureHere(code);
    this.consumption = consumption;
    this.dispatch('failed-here');
  }

  private settle(head: HeadFrame, end: EndFrame): void {
    this.consumption = consumptionOfEnd(head, end);
    if (isCostDisputed(end, this.shared.findPrice)) this.shared.metrics.costDisputed(this.start.call.facts.callId);
  }

  private unheard(): Consumption {
    return consumptionUnheard(
      this.headFrame,
      this.start.call.boundPico,
      this.pinnedPrice(this.headFrame?.served.deploymentId),
    );
  }

  private pinnedPrice(deploymentId: string | undefined): string | null {
    return this.start.draft.prices.find((pin) => pin.deploymentId === deploymentId)?.priceVersion ?? null;
  }

  private dispatch(event: CallEvent): void {
    const { state, commands } = reduceCall(this.state, event);
    this.state = state;
    for (const command of commands) this.execute(command);
  }

  private execute(command: CallCommand): void {
    switch (command) {
      case 'start-call':
        this.startedAt = performance.now();
        this.open = this.shared.channel.start(this.start.draft, this.start.body, this);
        return;
      case 'send-head':
        if (this.headFrame) this.answer.begin(this.headFrame);
        this.open?.grant(this.answer.creditOffset);
        return;
      case 'send-whole':
        if (this.headFrame && this.wholeBody) this.answer.sendWhole(this.headFrame, this.wholeBody);
        this.wholeBody = null;
        return;
      case 'end-answer':
        this.answer.end();
        return;
      case 'send-failure':
        this.answer.fail(this.failure ?? failureHere('internal'));
        return;
      case 'refuse-unrecorded':
        this.refuse('audit_unavailable');
        this.leave();
        return;
      case 'refuse-unacknowledged':
        this.refuse('audit_unavailable');
        return;
      case 'refuse-draining':
        this.refuse('draining');
        return;
      case 'cancel-client-gone':
        this.open?.cancel('client-gone');
        return;
      case 'cancel-draining':
        this.open?.cancel('draining');
        return;
      case 'cancel-denied':
        this.open?.cancel('denied');
        return;
      case 'close-connection':
        this.start.response.destroy();
        return;
      case 'record-finished':
        this.finish();
        return;
    }
  }

  /** Ends the answer for a reason of ours; what the worker says of the call later counts for its cost only. */
  private refuse(code: 'audit_unavailable' | 'draining'): void {
    this.refusal = code;
    this.answer.fail(failureHere(code));
  }

  private errorCode(): string | null {
    if (this.refusal) return this.refusal;
    // Also where the worker failed after the client had left: that is why it did.
    if (this.state.isClientGone && !this.start.response.writableEnded) return 'client_gone';
    if (this.failure) return this.failure.code;
    return this.start.response.writableFinished ? null : 'client_gone';
  }

  private finish(): void {
    const { response, call, arrivedAt } = this.start;
    const now = performance.now();
    const latencyMs = now - arrivedAt;
    const status = response.headersSent ? response.statusCode : CLIENT_GONE_STATUS;
    const firstTokenMs = call.facts.stream && this.firstByteAt !== null ? this.firstByteAt - arrivedAt : null;
    const delivery = {
      status,
      errorCode: this.errorCode(),
      finishedAt: this.shared.clock.now(),
      latencyMs,
      firstTokenMs,
      responseBytes: this.answer.bodyBytes,
    };
    const consumption = this.consumption ?? NOTHING_CONSUMED;
    this.shared.events.append(finishedEvent(call, delivery, consumption));
    this.shared.metrics.finished({
      dialect: call.facts.dialect,
      status,
      errorCode: delivery.errorCode,
      latencyMs,
      firstTokenMs,
    });
    this.leave();
  }

  private leave(): void {
    this.open?.close();
    this.start.releaseBody();
    this.shared.onClosed(this);
  }
}

function failedWithin(): FailFrame {
  return { failure: failureHere('internal'), attempts: [], served: null, usage: null, usageSource: 'bounded' };
}
