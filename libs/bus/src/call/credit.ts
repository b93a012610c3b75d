import { CALL_SIZES } from '@weir/contracts';

/** Least credit a call is given, so that each moves however many there are. */
const SHARE_MIN = 8 * 1024;

/**
 * What all calls of one connection together may still receive. The broker cuts a client with 64 MiB waiting, so the sum of
 * granted and not yet received bytes stays under `outstandingCreditMax`: as it fills up, each call's share shrinks, down to 8 KiB.
 */
export class CreditBudget {
  private outstandingBytes = 0;

  constructor(private readonly outstandingMax: number = CALL_SIZES.outstandingCreditMax) {}

  get outstanding(): number {
    return this.outstandingBytes;
  }

  /** How far ahead of what it has received a call may be let now. */
  share(): number {
    const quarter = Math.floor((this.outstandingMax - this.outstandingBytes) / 4);
    return Math.max(SHARE_MIN, Math.min(CALL_SIZES.creditWindow, quarter));
  }

  change(bytes: number): void {
    this.outstandingBytes += bytes;
  }
}

/** Credit of one call: absolute offsets in bytes of data of the current attempt. */
export class CallCredit {
  /** Credit that travelled in the envelope: what each new attempt starts with. */
  readonly initial: number;
  private wanted: number;
  private granted: number;
  private received = 0;
  /** Largest credit the worker is known to have heard of. */
  private heard: number;

  constructor(private readonly budget: CreditBudget) {
    this.initial = Math.min(CALL_SIZES.initialCredit, budget.share());
    this.wanted = this.initial;
    this.granted = this.initial;
    this.heard = this.initial;
    budget.change(this.initial);
  }

  want(offset: number): void {
    if (offset > this.wanted) this.wanted = offset;
  }

  receive(bytes: number): void {
    const before = Math.max(0, this.granted - this.received);
    this.received += bytes;
    this.budget.change(Math.max(0, this.granted - this.received) - before);
  }

  /** @returns a new offset to tell the worker, or undefined where the last one still leaves it half a share. */
  advance(): number | undefined {
    const share = this.budget.share();
    const target = Math.min(this.wanted, this.received + share);
    const left = this.granted - this.received;
    if (target <= this.granted || left >= share / 2) return undefined;
    this.budget.change(target - Math.max(this.granted, this.received));
    this.granted = target;
    return target;
  }

  /** @returns the offset to repeat where the worker may not have heard it: it has sent all that it is known to be allowed. */
  unheard(): number | undefined {
    return this.granted > this.heard && this.received >= this.heard ? this.granted : undefined;
  }

  /** The worker said where it is blocked, or (null) that it is not. @returns the offset to repeat at once, or undefined. */
  hear(blockedAt: number | null): number | undefined {
    if (blockedAt === null) {
      this.heard = this.granted;
      return undefined;
    }
    this.heard = Math.max(this.heard, blockedAt);
    return blockedAt < this.granted ? this.granted : undefined;
  }

  /** A new attempt starts at offset 0 with the envelope's credit. */
  restart(): void {
    this.budget.change(this.initial - Math.max(0, this.granted - this.received));
    this.granted = this.initial;
    this.heard = this.initial;
    this.received = 0;
  }

  /** The call is over: nothing of it is outstanding. */
  release(): void {
    this.budget.change(-Math.max(0, this.granted - this.received));
    this.granted = this.received;
    this.wanted = this.received;
  }
}
