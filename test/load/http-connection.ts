import { connect, type Socket } from 'node:net';

/** What one request gave. Times in milliseconds since the request was written. */
export interface Exchange {
  readonly status: number;
  readonly firstByteMs: number;
  readonly totalMs: number;
  readonly body: Buffer;
  /** Longest pause between two reads of the body. */
  readonly largestGapMs: number;
}

const HEADER_END = Buffer.from('\r\n\r\n');
const LAST_CHUNK = Buffer.from('0\r\n\r\n');

interface Pending {
  readonly startedAt: number;
  readonly resolve: (exchange: Exchange) => void;
  readonly reject: (error: Error) => void;
}

/**
 * One keep-alive connection that has one request under way: a client that costs a fraction of the gateway it measures. It reads answers with
 * `content-length` and chunked ones; bodies of chunked answers keep their chunk sizes, since only their content is searched.
 */
export class HttpConnection {
  private socket: Socket;
  private pending: Pending | undefined;
  private parts: Buffer[] = [];
  private received = 0;
  private status = 0;
  private bodyLength = -1;
  private headerBytes = 0;
  private firstByteMs = 0;
  private lastReadAt = 0;
  private largestGapMs = 0;

  constructor(private readonly target: { host: string; port: number }) {
    this.socket = this.open();
  }

  send(request: Buffer): Promise<Exchange> {
    if (this.socket.destroyed) this.socket = this.open();
    return new Promise((resolve, reject) => {
      this.parts = [];
      this.received = 0;
      this.headerBytes = 0;
      this.bodyLength = -1;
      this.largestGapMs = 0;
      this.pending = { startedAt: performance.now(), resolve, reject };
      this.socket.write(request);
    });
  }

  close(): void {
    this.socket.destroy();
  }

  private open(): Socket {
    const socket = connect(this.target);
    socket.setNoDelay(true);
    socket.on('data', (data) => {
      this.read(data);
    });
    socket.on('error', (error) => {
      this.fail(error);
    });
    socket.on('close', () => {
      this.fail(new Error('connection closed'));
    });
    return socket;
  }

  private fail(error: Error): void {
    this.pending?.reject(error);
    this.pending = undefined;
  }

  private read(data: Buffer): void {
    if (!this.pending) return;
    const now = performance.now();
    if (this.received === 0) this.firstByteMs = now - this.pending.startedAt;
    else this.largestGapMs = Math.max(this.largestGapMs, now - this.lastReadAt);
    this.lastReadAt = now;
    this.parts.push(data);
    this.received += data.length;
    if (this.headerBytes === 0 && !this.readHead()) return;
    if (this.isComplete()) this.finish(now);
  }

  private readHead(): boolean {
    const head = this.parts.length === 1 ? this.parts[0] : Buffer.concat(this.parts);
    if (!head) return false;
    const end = head.indexOf(HEADER_END);
    if (end < 0) return false;
    const text = head.toString('latin1', 0, end);
    this.headerBytes = end + HEADER_END.length;
    this.status = Number(text.slice(9, 12));
    const length = /\r\ncontent-length: *(\d+)/i.exec(text)?.[1];
    this.bodyLength = length === undefined ? -1 : Number(length);
    return true;
  }

  private isComplete(): boolean {
    if (this.bodyLength >= 0) return this.received >= this.headerBytes + this.bodyLength;
    const last = this.parts.at(-1);
    if (!last) return false;
    const tail = last.length >= LAST_CHUNK.length ? last : Buffer.concat(this.parts.slice(-2));
    return tail.subarray(-LAST_CHUNK.length).equals(LAST_CHUNK);
  }

  private finish(now: number): void {
    const { pending } = this;
    this.pending = undefined;
    pending?.resolve({
      status: this.status,
      firstByteMs: this.firstByteMs,
      totalMs: now - pending.startedAt,
      body: Buffer.concat(this.parts).subarray(this.headerBytes),
      largestGapMs: this.largestGapMs,
    });
  }
}
