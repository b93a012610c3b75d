import type { Timeouts } from '@weir/contracts';
import { getDialect, type ObservedUsage, type WireDialect } from '@weir/dialects';
import type { EgressError, Exchange, ResponseHandler, ResponseHead } from '@weir/egress';
import { AnswerMeter } from '../../domain/answer-estimate.js';
import type { AnswerPipe } from '../../domain/answer-pipe.js';
import type { AttemptEnd } from '../../domain/attempt-conclusion.js';
import { findPassedDeadline } from '../../domain/deadlines.js';
import type { PreparedCall } from '../../domain/prepare-call.js';
import { faultOf, faultOfCallError, type UpstreamErrorBody, type UpstreamFault } from '../../domain/upstream-fault.js';
import type { ClientOutlet } from './client-outlet.js';
import { faultOfEgress } from './egress-fault.js';

const NOTHING = new Uint8Array(0);
const NOT_OBSERVED: ObservedUsage = {
  usage: null,
  usageMismatch: null,
  finish: null,
  error: null,
  isComplete: false,
  id: null,
  model: null,
};
/** Error answers are read up to this size; more of one tells nobody anything. */
const ERROR_BODY_BYTES_MAX = 64 * 1024;

const STREAM_TYPES = ['text/event-stream', 'application/vnd.amazon.eventstream'];

export interface AnswerOptions {
  readonly prepared: PreparedCall;
  readonly dialect: WireDialect;
  readonly isStreamWanted: boolean;
  readonly timeouts: Timeouts;
  readonly outlet: ClientOutlet;
  /** Milliseconds of a monotonic clock. */
  readonly now: () => number;
  /** Called once: the upstream's part is over. Bytes may still wait in the outlet. */
  readonly onEnd: (end: AttemptEnd) => void;
}

/** Reads one upstream's answer: hears of the exchange, feeds the client, watches the clock, and ends exactly once. */
export class UpstreamAnswer implements ResponseHandler {
  readonly startedAt: number;
  isSent = false;
  status: number | null = null;
  headers: Readonly<Record<string, string>> = {};
  firstTokenAt: number | null = null;
  bytesReceived = 0;
  /** The whole body, where it is to be given in one piece. */
  whole: Uint8Array | null = null;
  errorBody: UpstreamErrorBody | null = null;
  private exchange: Exchange | null = null;
  private pipe: AnswerPipe | null = null;
  private readonly meter: AnswerMeter;
  private errorParts: Uint8Array[] = [];
  private errorBytes = 0;
  private lastDataAt: number;
  private isPaused = false;
  private isOver = false;

  constructor(private readonly options: AnswerOptions) {
    this.startedAt = options.now();
    this.lastDataAt = this.startedAt;
    this.meter = new AnswerMeter(options.isStreamWanted);
  }

  /** Where the exchange ended before this, it stays ended. */
  follow(exchange: Exchange): void {
    this.exchange = exchange;
    if (this.isOver) exchange.abort();
  }

  get hasEnded(): boolean {
    return this.isOver;
  }

  get isPausedForClient(): boolean {
    return this.isPaused;
  }

  get tokensEstimated(): number {
    return this.meter.tokens;
  }

  observed(): ObservedUsage {
    return this.pipe?.result() ?? NOT_OBSERVED;
  }

  sent(): void {
    this.isSent = true;
  }

  head({ status, headers }: ResponseHead): void {
    this.status = status;
    this.headers = headers;
    this.lastDataAt = this.options.now();
    if (status < 200 || status > 299) return;
    const type = headers['content-type'] ?? '';
    const isStream = STREAM_TYPES.some((name) => type.startsWith(name));
    // Only an answer of the kind that was asked for can be handed to the client.
    if (isStream !== this.options.isStreamWanted) return this.finishFault(faultOf('upstream_malformed'));
    this.pipe = this.options.prepared.createPipe(isStream);
  }

  data(chunk: Uint8Array): void {
    if (this.isOver) return;
    this.lastDataAt = this.options.now();
    this.bytesReceived += chunk.byteLength;
    const { pipe } = this;
    if (!pipe) return this.keepError(chunk);
    this.meter.push(chunk);
    const bytes = pipe.push(chunk);
    if (pipe.hasFirstToken) this.firstTokenAt ??= this.lastDataAt;
    if (pipe.error) return this.breakOff(pipe, bytes);
    this.options.outlet.write(bytes);
    this.pauseIfBlocked();
  }

  end(): void {
    if (this.isOver) return;
    if (!this.pipe) return this.finishFault(this.faultOfErrorAnswer());
    if (this.options.isStreamWanted) this.endStream(this.pipe);
    else this.endBody(this.pipe);
  }

  fail(error: EgressError): void {
    if (!this.isOver) this.finishFault(faultOfEgress(error.code));
  }

  /** More credit: read on where the client has caught up. */
  grant(offset: number): void {
    this.options.outlet.grant(offset);
    if (!this.isPaused || this.isOver || this.options.outlet.isBlocked) return;
    this.isPaused = false;
    this.lastDataAt = this.options.now();
    this.exchange?.resume();
  }

  /** Destroys the upstream's socket in this turn. */
  stop(end: AttemptEnd): void {
    this.finish(end);
  }

  sweep(now: number): void {
    if (this.isOver) return;
    const { startedAt, firstTokenAt, lastDataAt, isPaused } = this;
    const code = findPassedDeadline({ startedAt, firstTokenAt, lastDataAt, isPaused }, this.options.timeouts, now);
    if (code !== null) this.finishFault(faultOf(code));
  }

  private endStream(pipe: AnswerPipe): void {
    const rest = pipe.end();
    if (pipe.error) return this.breakOff(pipe, rest);
    if (!pipe.result().isComplete) return this.finishFault(faultOf('upstream_reset'));
    this.options.outlet.write(rest);
    this.finish({ kind: 'complete' });
  }

  private endBody(pipe: AnswerPipe): void {
    const body = pipe.end();
    const error = pipe.error ?? pipe.result().error;
    if (error) return this.finishFault(faultOfCallError(error));
    if (this.options.outlet.bytesSent > 0) this.options.outlet.write(body);
    else this.whole = body;
    this.finish({ kind: 'complete' });
  }

  /** An error inside the answer. Where the client has nothing yet, it gets nothing of this answer at all. */
  private breakOff(pipe: AnswerPipe, bytes: Uint8Array): void {
    if (this.options.outlet.bytesSent > 0) this.options.outlet.write(bytes);
    this.finishFault(pipe.error ? faultOfCallError(pipe.error) : faultOf('upstream_malformed'));
  }

  private keepError(chunk: Uint8Array): void {
    if (this.errorBytes >= ERROR_BODY_BYTES_MAX) return;
    this.errorBytes += chunk.byteLength;
    this.errorParts.push(chunk);
  }

  private faultOfErrorAnswer(): UpstreamFault {
    const status = this.status ?? 502;
    const body = this.errorParts.length > 0 ? Buffer.concat(this.errorParts) : NOTHING;
    // A redirect is never followed: an endpoint that answers with one is misconfigured.
    if (status < 400) return faultOf('upstream_error');
    if (this.options.prepared.isSameDialect) {
      const contentType = this.headers['content-type'] ?? 'application/json';
      this.errorBody = { status, contentType, body: Buffer.from(body).toString('utf8') };
    }
    return faultOfCallError(getDialect(this.options.dialect).parseError(status, this.headers, body));
  }

  private pauseIfBlocked(): void {
    if (this.isPaused || !this.options.outlet.isBlocked) return;
    this.isPaused = true;
    this.exchange?.pause();
  }

  private finishFault(fault: UpstreamFault): void {
    this.completeStream();
    this.finish({ kind: 'fault', fault });
  }

  /** Where the answer had reached its end before its connection broke, the client gets the end of its own protocol too. */
  private completeStream(): void {
    const { pipe } = this;
    if (!pipe || !this.options.isStreamWanted || !pipe.result().isComplete) return;
    const rest = pipe.end();
    if (!pipe.error) this.options.outlet.write(rest);
  }

  private finish(end: AttemptEnd): void {
    if (this.isOver) return;
    this.isOver = true;
    // After a complete answer this does nothing; else the socket goes before anything is written down about it.
    this.exchange?.abort();
    this.options.onEnd(end);
  }
}
