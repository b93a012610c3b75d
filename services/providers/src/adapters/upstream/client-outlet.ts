import type { CallReply } from '@weir/bus';
import { CALL_SIZES, type HeadFrame } from '@weir/contracts';

/**
 * The way of an answer's bytes to the client, as far as its credit reaches. What exceeds it waits here, and the upstream is to be paused: at most
 * one chunk of a stream, or the rest of an answer that was read whole.
 */
export class ClientOutlet {
  private waiting: Uint8Array[] = [];
  private isHeadSent = false;
  private whenEmpty: (() => void) | null = null;

  constructor(
    private readonly reply: CallReply,
    private readonly head: () => HeadFrame,
    private credit: number,
  ) {}

  /** Bytes handed to the client so far. */
  get bytesSent(): number {
    return this.reply.bytesSent;
  }

  get isBlocked(): boolean {
    return this.waiting.length > 0 || this.reply.bytesSent >= this.credit;
  }

  /** Sends the head once; without data only where an answer has an empty body. */
  open(): void {
    if (this.isHeadSent) return;
    this.isHeadSent = true;
    this.reply.head(this.head());
  }

  write(bytes: Uint8Array): void {
    if (bytes.byteLength === 0) return;
    this.open();
    this.waiting.push(bytes);
    this.flush();
  }

  /** Credit is an absolute offset: a smaller one is an old one. */
  grant(offset: number): void {
    if (offset <= this.credit) return;
    this.credit = offset;
    this.flush();
  }

  /** Calls back when everything has been handed over; at once where nothing waits. */
  drained(callback: () => void): void {
    if (this.waiting.length === 0) callback();
    else this.whenEmpty = callback;
  }

  /** Gives up what still waits: nobody will read it. */
  discard(): void {
    this.waiting = [];
    const callback = this.whenEmpty;
    this.whenEmpty = null;
    callback?.();
  }

  private flush(): void {
    while (this.waiting.length > 0 && this.reply.bytesSent < this.credit) {
      const next = this.waiting.shift() as Uint8Array;
      const piece = next.subarray(0, CALL_SIZES.frameDataMax);
      if (piece.byteLength < next.byteLength) this.waiting.unshift(next.subarray(piece.byteLength));
      this.reply.data(piece);
    }
    if (this.waiting.length > 0 || !this.whenEmpty) return;
    const callback = this.whenEmpty;
    this.whenEmpty = null;
    callback();
  }
}
