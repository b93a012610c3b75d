import type { ServerResponse } from 'node:http';
import type { CallChannel, CallDraft, CallHandlers, EventPublisher, OpenCall } from '@weir/bus';
import {
  ERRORS,
  type CallTiming,
  type EndFrame,
  type FailFrame,
  type HeadFrame,
  type WholeFrame,
} from '@weir/contracts';
import { failureHere } from '../../domain/error-answer.js';
import { CallAccount } from '../../domain/call-account.js';
import { finishedEvent, startedEvent, type StartedCall } from '../../domain/call-record.js';
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
  private readonly account: CallAccount;
  private wholeBody: Uint8Array | null = null;
  private isCutOff = false;
  private refusal: string | null = null;
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
    this.account = new CallAccount(start.draft.prices, call.boundPico);
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
      this.cutOff();
    }
  }

  /** For a client that does not read what waits for it. */
  private cutOff(): void {
    this.isCutOff = true;
    this.start.response.destroy();
  }

  announceClose(): void {
    if (!this.start.response.headersSent) this.start.response.shouldKeepAlive = false;
  }

  /** Drain time is over: the client gets a typed error and the worker is stopped. */
  cutShort(): void {
    this.dispatch('drain-overdue');
  }

  head(frame: HeadFrame): void {
    this.account.head = frame;
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
    if (this.account.head === null) {
      this.account.endedWithin(frame);
      this.dispatch('failed-upstream');
      return;
    }
    this.complete(this.account.head, frame);
    this.dispatch('end');
  }

  whole({ head, end }: WholeFrame, body: Buffer): void {
    this.wholeBody = body;
    this.complete(head, end);
    this.dispatch('whole');
  }

  fail(frame: FailFrame): void {
    this.account.failed(frame);
    // Without an attempt there is nothing of a provider in it that would have to wait for the gate.
    this.dispatch(frame.attempts.length === 0 ? 'failed-here' : 'failed-upstream');
  }

  noResponders(): void {
    this.account.notSent('no_worker');
    this.dispatch('failed-here');
  }

  notDispatched(): void {
    this.account.notSent('not_dispatched');
    this.dispatch('failed-here');
  }

  lost(): void {
    this.account.lost();
    this.dispatch('failed-here');
  }

  private complete(head: HeadFrame, end: EndFrame): void {
    this.account.completed(head, end);
    if (isCostDisputed(end, this.shared.findPrice)) this.shared.metrics.costDisputed(this.start.call.facts.callId);
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
        if (this.account.head) this.answer.begin(this.account.head);
        this.open?.grant(this.answer.creditOffset);
        return;
      case 'send-whole':
        if (this.account.head && this.wholeBody) this.answer.sendWhole(this.account.head, this.wholeBody);
        this.wholeBody = null;
        return;
      case 'end-answer':
        this.answer.end();
        return;
      case 'send-failure':
        this.answer.fail(this.account.failure ?? failureHere('internal'));
        return;
      case 'refuse-unrecorded':
        this.shared.metrics.deniedUnrecorded();
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
        this.cutOff();
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
    // Clients hang up at the last event of a stream and do not wait for its end: nothing was kept from them.
    if (this.hasDelivered()) return null;
    // Also where the worker failed after the client had left: that is why it did.
    if (this.state.isClientGone && !this.start.response.writableEnded) return 'client_gone';
    if (this.account.failure) return this.account.failure.code;
    return this.start.response.writableFinished ? null : 'client_gone';
  }

  /** Every byte of a complete answer has been taken by the client's connection. */
  private hasDelivered(): boolean {
    return (
      this.account.end?.bytes === this.answer.bodyBytes && !this.isCutOff && !this.start.response.writableNeedDrain
    );
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
    this.shared.events.append(finishedEvent(call, delivery, this.account.consumption));
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
