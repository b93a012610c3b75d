import type { CallFailure, EndFrame, FailFrame, HeadFrame, PicoUsdString, PinnedPrice } from '@weir/contracts';
import {
  NOTHING_CONSUMED,
  consumptionOfEnd,
  consumptionOfFailure,
  consumptionUnheard,
  type Consumption,
} from './call-record.js';
import { failureHere } from './error-answer.js';

/** What has been heard of a call from its workers: the answer's head, how it ended, and what it has cost. */
export class CallAccount {
  head: HeadFrame | null = null;
  /** The last word of a complete answer. */
  end: EndFrame | null = null;
  failure: CallFailure | null = null;
  private used: Consumption = NOTHING_CONSUMED;

  constructor(
    private readonly prices: readonly PinnedPrice[],
    private readonly boundPico: PicoUsdString | null,
  ) {}

  /** Nothing, until something is heard: a call that was not sent has cost nothing. */
  get consumption(): Consumption {
    return this.used;
  }

  completed(head: HeadFrame, end: EndFrame): void {
    this.head = head;
    this.end = end;
    this.used = consumptionOfEnd(head, end);
  }

  failed(frame: FailFrame): void {
    this.failure = frame.failure;
    // The channel fails calls whose worker it no longer hears: then nobody knows what the attempt has cost.
    const isUnheard = frame.attempts.length === 0 && frame.usageSource === 'bounded';
    const pinned = this.pinnedPrice(frame.served?.deploymentId);
    this.used = isUnheard ? this.unheard() : consumptionOfFailure(this.head, frame, pinned);
  }

  /** An answer that ended without having begun. */
  endedWithin(end: EndFrame): void {
    const { attempts, usage, usageSource } = end;
    this.failed({ failure: failureHere('internal'), attempts, served: null, usage, usageSource });
  }

  notSent(code: 'no_worker' | 'not_dispatched'): void {
    this.failure = failureHere(code);
  }

  lost(): void {
    this.failure = failureHere('worker_lost');
    this.used = this.unheard();
  }

  private unheard(): Consumption {
    return consumptionUnheard(this.head, this.boundPico, this.pinnedPrice(this.head?.served.deploymentId));
  }

  private pinnedPrice(deploymentId: string | undefined): string | null {
    return this.prices.find((pin) => pin.deploymentId === deploymentId)?.priceVersion ?? null;
  }
}
