import type { ServerResponse } from 'node:http';
import { CALL_SIZES, type CallFailure, type ClientDialect, type HeadFrame } from '@weir/contracts';
import { getDialect } from '@weir/dialects';
import { errorOfFailure } from '../../domain/error-answer.js';
import { EventBoundary } from '../../domain/event-boundary.js';
import { answerHeaders } from '../../domain/header-policy.js';
import { renderFailure, sendAnswer, sendError } from './answer.js';

const PINGS: Readonly<Record<ClientDialect, Buffer>> = {
  'openai-chat': Buffer.from(': ping\n\n'),
  anthropic: Buffer.from('event: ping\ndata: {"type":"ping"}\n\n'),
};
const BLANK_LINE = Buffer.from('\n\n');

export interface AnswerWriterOptions {
  readonly response: ServerResponse;
  readonly callId: string;
  readonly dialect: ClientDialect;
}

/**
 * The client's side of one call. Bytes that come before {@link begin} wait here; what waits or is not yet taken by the client's connection is
 * bounded by the credit the worker was given.
 */
export class AnswerWriter {
  private waiting: Uint8Array[] = [];
  private waitingBytes = 0;
  private boundary: EventBoundary | undefined;
  private receivedBytes = 0;
  private sentBytes = 0;
  private hasBegun = false;

  constructor(private readonly options: AnswerWriterOptions) {}

  /** Bytes of body handed to the client's connection. */
  get bodyBytes(): number {
    return this.sentBytes;
  }

  /** How far into the answer the worker may go: what has left this process, and a window. */
  get creditOffset(): number {
    const held = this.waitingBytes + (this.boundary?.heldBytes ?? 0) + this.options.response.writableLength;
    return Math.max(0, this.receivedBytes - held) + CALL_SIZES.creditWindow;
  }

  /** Takes ownership of `bytes`. */
  write(bytes: Uint8Array): void {
    this.receivedBytes += bytes.length;
    if (this.hasBegun) {
      this.pass(bytes);
      return;
    }
    this.waiting.push(bytes);
    this.waitingBytes += bytes.length;
  }

  /** Sends status and headers, and what has waited for them. */
  begin(head: HeadFrame): void {
    const { response } = this.options;
    if (response.headersSent || response.destroyed) return;
    this.hasBegun = true;
    const headers = this.headersOf(head);
    if (headers['content-type']?.startsWith('text/event-stream')) {
      this.boundary = new EventBoundary();
      // Proxies that buffer would hold back a stream until it ends.
      headers['cache-control'] ??= 'no-cache';
      headers['x-accel-buffering'] = 'no';
    }
    response.writeHead(head.status, headers);
    if (this.waiting.length === 0) response.flushHeaders();
    for (const bytes of this.waiting) this.pass(bytes);
    this.waiting = [];
    this.waitingBytes = 0;
  }

  /** Sends an answer that is all there. */
  sendWhole(head: HeadFrame, body: Uint8Array): void {
    this.receivedBytes = body.length;
    this.sentBytes = sendAnswer(this.options.response, { status: head.status, headers: this.headersOf(head), body });
  }

  end(): void {
    for (const bytes of this.boundary?.flush() ?? []) this.send(bytes);
    this.options.response.end();
  }

  /** A sign of life between two events of a silent stream. */
  ping(): void {
    const { response, dialect } = this.options;
    if (!this.boundary?.isBetweenEvents || response.writableNeedDrain || response.writableEnded) return;
    response.write(PINGS[dialect]);
  }

  /**
   * Tells the client that the call failed: by an error answer where none has begun, inside a stream otherwise. An answer that is
   * neither is broken off, which is the one way left to say that it is not whole.
   */
  fail(failure: CallFailure): void {
    const { response, dialect, callId } = this.options;
    if (!response.headersSent) {
      this.waiting = [];
      this.waitingBytes = 0;
      this.sentBytes = sendError(response, callId, renderFailure(failure, dialect, callId));
    } else if (this.boundary) {
      // Half an event is never sent on; of one too long to be held back the rest is missing, and a blank line ends it.
      this.boundary.discard();
      if (!this.boundary.isBetweenEvents) this.send(BLANK_LINE);
      this.send(getDialect(dialect).renderStreamError(errorOfFailure(failure, callId)));
      response.end();
    } else {
      response.destroy();
    }
  }

  private headersOf(head: HeadFrame): Record<string, string> {
    const { simulated } = head.served;
    return answerHeaders(head.headers, { callId: this.options.callId, simulated, dropped: head.dropped });
  }

  private pass(bytes: Uint8Array): void {
    if (!this.boundary) {
      this.send(bytes);
      return;
    }
    for (const part of this.boundary.push(bytes)) this.send(part);
  }

  private send(bytes: Uint8Array): void {
    const { response } = this.options;
    if (response.destroyed || response.writableEnded) return;
    this.sentBytes += bytes.length;
    response.write(bytes);
  }
}
