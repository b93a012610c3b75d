import {
  AcceptedFrame,
  EndFrame,
  FailFrame,
  FRAME,
  HeadFrame,
  PingFrame,
  WholeFrame,
  type CallEnvelopeV1,
  type CallTiming,
  type ErrorCode,
  type WorkerControl,
} from '@weir/contracts';
import type { z } from 'zod';
import type { CallHandlers, CancelReason, OpenCall } from './call-handlers.js';
import { isTerminal, judgeFrame, newProgress } from './call-state.js';
import type { CallCredit } from './credit.js';
import { splitWhole, type DecodedFrame } from './frame-codec.js';
import { accountOf, controlOf, failFrame, parseJson } from './frame-contents.js';

/** What an open call asks of its channel. */
export interface CallTransport {
  readonly timing: CallTiming;
  /** Milliseconds of a monotonic clock. */
  now(): number;
  control(subject: string, message: WorkerControl): void;
  /** Publishes the call again under a new inbox. */
  reroute(call: ChannelCall): void;
  /** The call is over: forget its inboxes and its body. */
  forget(call: ChannelCall): void;
}

/** One call as its ingress sees it. */
export class ChannelCall implements OpenCall {
  private readonly progress = newProgress();
  private controlSubject: string | undefined;
  private lastFrameAt: number;
  private dispatchDeadline: number;
  private reroutesLeft = 1;
  /** The connection broke before anybody was heard to take the call: an `accepted` may have been lost with it. */
  private isUncertain = false;
  private cancelReason: CancelReason | undefined;
  private cancelledAt = 0;
  private cancelSentAt = 0;
  private creditSentAt = 0;
  private fault: ErrorCode | undefined;
  private served: HeadFrame['served'] | null = null;
  private ended = false;
  private muted = false;

  constructor(
    readonly envelope: CallEnvelopeV1,
    private readonly handlers: CallHandlers,
    private readonly credit: CallCredit,
    private readonly transport: CallTransport,
  ) {
    this.lastFrameAt = transport.now();
    this.dispatchDeadline = this.nextDispatchDeadline();
  }

  grant(absoluteOffset: number): void {
    this.credit.want(absoluteOffset);
    this.advanceCredit();
  }

  cancel(reason: CancelReason): void {
    if (this.ended || this.cancelReason !== undefined) return;
    this.cancelReason = reason;
    this.cancelledAt = this.transport.now();
    this.sendCancel();
  }

  close(): void {
    if (this.ended) return;
    this.muted = true;
    this.cancel('client-gone');
  }

  /** Nobody listens where the call was published. */
  onNoResponders(): void {
    if (this.controlSubject === undefined && this.progress.attempt === 0) this.finish((h) => h.noResponders());
  }

  /** The broker, and whatever it had not delivered, is gone. */
  onDisconnect(): void {
    if (this.progress.attempt === 0) this.isUncertain = true;
  }

  /** The call could not be published: it ends here, with nothing sent. */
  refuse(frame: FailFrame): void {
    this.finish((handlers) => handlers.fail(frame));
  }

  onFrame(frame: DecodedFrame): void {
    if (this.ended) return;
    if (this.fault !== undefined) return this.onFrameAfterFault(frame);
    const verdict = judgeFrame(this.progress, frame);
    if (verdict === 'stale') return;
    this.lastFrameAt = this.transport.now();
    if (verdict === 'gap') return this.breakOff('sequence_gap', frame);
    if (verdict === 'first') this.startAttempt();
    this.deliver(frame);
  }

  /** A frame of the route that was given up: its worker must stop, unless it is the very one that runs the call now. */
  onSupersededFrame(frame: DecodedFrame): void {
    const control = controlOf(frame);
    if (control === undefined || control === this.controlSubject) return;
    this.transport.control(control, { kind: 'cancel', callId: this.envelope.callId, reason: 'denied' });
  }

  /** Looks after everything that is due. Called by the channel's one timer. */
  sweep(): void {
    const { timing } = this.transport;
    const now = this.transport.now();
    if (this.cancelReason !== undefined) return this.sweepCancelled(now);
    if (this.progress.attempt === 0 && !this.isUncertain) {
      if (now >= this.dispatchDeadline) this.dispatchAgain();
      return;
    }
    if (now - this.lastFrameAt > timing.workerLostAfterMs) {
      this.mute((handlers) => handlers.lost());
      return this.cancel('gap');
    }
    if (now - this.creditSentAt >= timing.creditRepeatMs) this.sendCredit(this.credit.unheard());
  }

  private nextDispatchDeadline(): number {
    const { timing } = this.transport;
    return this.transport.now() + timing.dispatchWithinMs + timing.clockSlackMs;
  }

  private dispatchAgain(): void {
    if (this.reroutesLeft === 0) return this.finish((handlers) => handlers.notDispatched());
    this.reroutesLeft -= 1;
    this.dispatchDeadline = this.nextDispatchDeadline();
    this.transport.reroute(this);
  }

  private sweepCancelled(now: number): void {
    const { timing } = this.transport;
    if (this.fault !== undefined && !this.muted && now - this.cancelledAt >= timing.cancelRepeatMs * 10) {
      const frame = failFrame(this.fault, this.served);
      this.mute((handlers) => handlers.fail(frame));
    }
    if (this.progress.attempt === 0 && !this.isUncertain) {
      if (now >= this.dispatchDeadline) this.finish((handlers) => handlers.notDispatched());
    } else if (now - this.cancelledAt >= timing.cancelGiveUpAfterMs) {
      this.finish((handlers) => handlers.lost());
    } else if (now - this.cancelSentAt >= timing.cancelRepeatMs) {
      this.sendCancel();
    }
  }

  private startAttempt(): void {
    this.controlSubject = undefined;
    if (this.progress.attempt > 1) this.credit.restart();
  }

  private deliver(frame: DecodedFrame): void {
    switch (frame.type) {
      case FRAME.data:
        return this.deliverData(frame.payload);
      case FRAME.accepted:
        return this.withParsed(AcceptedFrame, frame, (accepted) => this.takeControl(accepted.control));
      case FRAME.head:
        return this.withParsed(HeadFrame, frame, (head) => this.deliverHead(head));
      case FRAME.ping:
        return this.withParsed(PingFrame, frame, (ping) => this.deliverPing(ping.blockedAt));
      case FRAME.end:
        return this.withParsed(EndFrame, frame, (end) => this.finish((handlers) => handlers.end(end)));
      case FRAME.fail:
        return this.withParsed(FailFrame, frame, (fail) => this.finish((handlers) => handlers.fail(fail)));
      case FRAME.whole:
        return this.deliverWhole(frame);
    }
  }

  private deliverData(bytes: Buffer): void {
    this.credit.receive(bytes.length);
    if (this.cancelReason !== undefined) return;
    this.handlers.data(bytes);
    this.advanceCredit();
  }

  private deliverHead(head: HeadFrame): void {
    this.takeControl(head.control);
    this.served = head.served;
    if (this.cancelReason === undefined) this.handlers.head(head);
  }

  private deliverPing(blockedAt: number | null): void {
    this.sendCredit(this.credit.hear(blockedAt));
    if (this.cancelReason === undefined) this.handlers.ping?.(blockedAt);
  }

  private deliverWhole(frame: DecodedFrame): void {
    const parts = splitWhole(frame.payload);
    const whole = parts && parseJson(WholeFrame, parts.json);
    if (parts === undefined || whole === undefined) return this.breakOff('internal', frame);
    this.finish((handlers) => handlers.whole(whole, parts.body));
  }

  private takeControl(control: string): void {
    if (this.controlSubject === control) return;
    this.controlSubject = control;
    if (this.cancelReason !== undefined) return this.sendCancel();
    this.handlers.accepted?.(control);
    this.advanceCredit();
  }

  private withParsed<T>(schema: z.ZodType<T>, frame: DecodedFrame, then: (value: T) => void): void {
    const value = parseJson(schema, frame.payload.toString('utf8'));
    if (value === undefined) this.breakOff('internal', frame);
    else then(value);
  }

  /** The answer cannot be whole any more: stop the worker, then report what it says it used. */
  private breakOff(code: ErrorCode, frame: DecodedFrame): void {
    this.fault = code;
    this.controlSubject ??= controlOf(frame);
    if (isTerminal(frame.type)) return this.finishFaulty(frame);
    this.cancelReason ??= 'gap';
    this.cancelledAt = this.transport.now();
    this.sendCancel();
  }

  private onFrameAfterFault(frame: DecodedFrame): void {
    if (frame.attempt < this.progress.attempt) return;
    const control = this.controlSubject ?? controlOf(frame);
    if (control !== this.controlSubject) {
      this.controlSubject = control;
      this.sendCancel();
    }
    if (isTerminal(frame.type)) this.finishFaulty(frame);
  }

  private finishFaulty(frame: DecodedFrame): void {
    const result = failFrame(this.fault ?? 'internal', this.served, accountOf(frame));
    this.finish((handlers) => handlers.fail(result));
  }

  private advanceCredit(): void {
    if (this.controlSubject !== undefined) this.sendCredit(this.credit.advance());
  }

  private sendCredit(offset: number | undefined): void {
    if (offset === undefined || this.controlSubject === undefined || this.cancelReason !== undefined) return;
    this.creditSentAt = this.transport.now();
    const { callId } = this.envelope;
    this.transport.control(this.controlSubject, { kind: 'credit', callId, attempt: this.progress.attempt, offset });
  }

  private sendCancel(): void {
    if (this.controlSubject === undefined || this.cancelReason === undefined) return;
    this.cancelSentAt = this.transport.now();
    const { callId } = this.envelope;
    this.transport.control(this.controlSubject, { kind: 'cancel', callId, reason: this.cancelReason });
  }

  /** Tells the handlers how it ended, but goes on stopping the worker. */
  private mute(tell: (handlers: CallHandlers) => void): void {
    if (this.muted) return;
    this.muted = true;
    tell(this.handlers);
  }

  private finish(tell: (handlers: CallHandlers) => void): void {
    if (this.ended) return;
    this.ended = true;
    this.credit.release();
    this.transport.forget(this);
    this.mute(tell);
  }
}
