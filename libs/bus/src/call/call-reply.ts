import {
  CALL_SIZES,
  FRAME,
  INBOX_BUNDLE,
  type AcceptedFrame,
  type EndFrame,
  type FailFrame,
  type FrameType,
  type HeadFrame,
  type PingFrame,
  type WholeFrame,
} from '@weir/contracts';
import type { BusConnection } from '../connection/bus-connection.js';
import type { BundleRoute } from '../connection/outbox.js';
import { encodeFrame, encodeJsonFrame, encodeWholeFrame } from './frame-codec.js';

/** A bundle's frames are for one ingress: more of them only means fewer messages. */
const BUNDLED_FRAMES_MAX = 256;

/**
 * Answer of one attempt, sent frame by frame to the call's reply inbox. Frames of a turn of the event loop leave in one socket
 * write; chunks of `data` of a turn are joined into as few frames as `frameDataMax` allows. Exactly one terminal frame (`end`,
 * `whole`, `fail`) is sent: after it every method does nothing and returns false. Nothing here waits for credit: the caller
 * compares {@link bytesSent} with the credit it was given.
 */
export class CallReply {
  private sequence = 0;
  private sent = 0;
  private waiting: Uint8Array[] = [];
  private waitingBytes = 0;
  private terminal = false;
  private lastSent = 0;
  private readonly bundle: BundleRoute;
  private readonly address: string;

  constructor(
    private readonly connection: BusConnection,
    /** Reply inbox of the call. */
    readonly replyTo: string,
    /** Number of this attempt, from 1 to 255. */
    readonly attempt: number,
  ) {
    const tokenAt = replyTo.lastIndexOf('.') + 1;
    this.bundle = { subject: replyTo.slice(0, tokenAt) + INBOX_BUNDLE, messagesMax: BUNDLED_FRAMES_MAX };
    this.address = replyTo.slice(tokenAt);
  }

  /** Bytes of `data` handed over so far: the offset that credit is compared with. */
  get bytesSent(): number {
    return this.sent;
  }

  get isTerminated(): boolean {
    return this.terminal;
  }

  /** When the last frame was handed over, milliseconds of the monotonic clock; 0 before the first. For pings. */
  get lastFrameAt(): number {
    return this.lastSent;
  }

  accept(frame: AcceptedFrame): boolean {
    return this.sendJson(FRAME.accepted, frame);
  }

  head(frame: HeadFrame): boolean {
    return this.sendJson(FRAME.head, frame);
  }

  /** Bytes for the client in its own dialect. `bytes` must not change until the turn is over. */
  data(bytes: Uint8Array): boolean {
    if (this.terminal) return false;
    if (bytes.length === 0) return true;
    if (this.waiting.length === 0) this.connection.deferToFlush(() => this.formData());
    this.waiting.push(bytes);
    this.waitingBytes += bytes.length;
    this.sent += bytes.length;
    return true;
  }

  ping(frame: PingFrame): boolean {
    return this.sendJson(FRAME.ping, frame);
  }

  end(frame: EndFrame): boolean {
    return this.terminate(() => this.sendJson(FRAME.end, frame));
  }

  /** An answer that is not streamed, in one frame; `body` at most `CALL_SIZES.wholeBodyMax` bytes, else use head, data and end. */
  whole(frame: WholeFrame, body: Uint8Array): boolean {
    if (body.length > CALL_SIZES.wholeBodyMax) throw new RangeError(`a body of ${body.length} bytes in one frame`);
    return this.terminate(() => this.send(encodeWholeFrame(this.next(FRAME.whole), frame, body)));
  }

  fail(frame: FailFrame): boolean {
    return this.terminate(() => this.sendJson(FRAME.fail, frame));
  }

  /** Ends this reply without a frame: the call went back to the router, and the next attempt answers. */
  abandon(): void {
    this.waiting = [];
    this.waitingBytes = 0;
    this.terminal = true;
  }

  private terminate(send: () => boolean): boolean {
    if (this.terminal) return false;
    send();
    this.terminal = true;
    return true;
  }

  private sendJson(type: FrameType, value: object): boolean {
    if (this.terminal) return false;
    this.formData();
    return this.send(encodeJsonFrame(this.next(type), value));
  }

  /** Sends what the turn has collected as `data` frames, before any frame that follows it. */
  private formData(): void {
    if (this.waiting.length === 0) return;
    const parts = this.waiting;
    const bytes = this.waitingBytes;
    this.waiting = [];
    this.waitingBytes = 0;
    if (bytes <= CALL_SIZES.frameDataMax) {
      this.send(encodeFrame(this.next(FRAME.data), parts, bytes));
      return;
    }
    for (const piece of cut(parts, CALL_SIZES.frameDataMax)) {
      this.send(encodeFrame(this.next(FRAME.data), [piece], piece.length));
    }
  }

  private next(type: FrameType): { type: FrameType; attempt: number; sequence: number } {
    return { type, attempt: this.attempt, sequence: this.sequence++ };
  }

  private send(frame: Buffer): true {
    this.lastSent = performance.now();
    const { replyTo: subject, address } = this;
    this.connection.publishBundled(this.bundle, { subject, payload: frame, replyTo: undefined, address });
    return true;
  }
}

function* cut(parts: readonly Uint8Array[], bytesMax: number): Generator<Uint8Array> {
  for (const part of parts) {
    for (let at = 0; at < part.length; at += bytesMax) yield part.subarray(at, at + bytesMax);
  }
}
