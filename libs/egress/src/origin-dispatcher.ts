import { Pool, type Dispatcher } from 'undici';
import { EgressError, mapFault } from './egress-error.js';
import { guardedConnector, type ConnectorOptions } from './guarded-connector.js';
import { socketHost } from './origin.js';

export interface OutboundRequest {
  readonly method: 'GET' | 'POST';
  /** Path and query, beginning with `/`, already encoded. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Sent as it is, with its length. Must not be changed before the exchange has ended. */
  readonly body: Uint8Array | null;
}

export interface ResponseHead {
  readonly status: number;
  /** Names in lower case; a header that came several times is joined by `, `. */
  readonly headers: Readonly<Record<string, string>>;
}

/** Hears of one exchange. After exactly one of `end` and `fail` nothing follows. A redirect is an answer like any other. */
export interface ResponseHandler {
  /** A connection stands and the request begins to leave: from here on the upstream may have seen it. */
  sent?(): void;
  head(head: ResponseHead): void;
  /** The bytes belong to the handler from now on. */
  data(chunk: Uint8Array): void;
  end(): void;
  fail(error: EgressError): void;
}

/** A running exchange, as its caller steers it. Every method may be called at any time, also after the end. */
export interface Exchange {
  /** Stops reading from the socket; at most one more chunk follows. */
  pause(): void;
  resume(): void;
  /** Destroys the socket at once. `fail` has been called with code `aborted` when this returns. */
  abort(): void;
}

export interface DispatcherStats {
  readonly connected: number;
  readonly running: number;
  readonly queued: number;
}

export interface PoolOptions extends ConnectorOptions {
  readonly connectionsMax: number;
  readonly keepAliveMs: number;
  readonly responseBytesMax: number;
}

type Controller = Dispatcher.DispatchController;

function flattenHeaders(headers: Readonly<Record<string, string | string[] | undefined>>): Record<string, string> {
  const flat: Record<string, string> = {};
  for (const name in headers) {
    const value = headers[name];
    if (value !== undefined) flat[name] = typeof value === 'string' ? value : value.join(', ');
  }
  return flat;
}

class RunningExchange implements Exchange, Dispatcher.DispatchHandler {
  private controller: Controller | null = null;
  private isSent = false;
  private isOver = false;
  private isPaused = false;

  constructor(
    private readonly handler: ResponseHandler,
    private readonly host: string,
  ) {}

  pause(): void {
    this.isPaused = true;
    if (!this.isOver) this.controller?.pause();
  }

  resume(): void {
    this.isPaused = false;
    if (!this.isOver) this.controller?.resume();
  }

  abort(): void {
    if (this.isOver) return;
    const error = new EgressError('aborted', `${this.host}: aborted by the caller`);
    this.fail(error);
    this.controller?.abort(error);
  }

  onRequestStart(controller: Controller): void {
    this.controller = controller;
    if (this.isOver) {
      controller.abort(new EgressError('aborted', `${this.host}: aborted before it was sent`));
      return;
    }
    this.isSent = true;
    this.handler.sent?.();
  }

  onResponseStart(
    controller: Controller,
    status: number,
    headers: Record<string, string | string[] | undefined>,
  ): void {
    // 1xx are no answers yet; the real one follows on the same exchange.
    if (this.isOver || status < 200) return;
    this.handler.head({ status, headers: flattenHeaders(headers) });
    if (this.isPaused) controller.pause();
  }

  onResponseData(_controller: Controller, chunk: Buffer): void {
    if (!this.isOver) this.handler.data(chunk);
  }

  onResponseEnd(): void {
    if (this.isOver) return;
    this.isOver = true;
    this.handler.end();
  }

  onResponseError(_controller: Controller, error: Error): void {
    this.fail(mapFault(error, this.isSent, this.host));
  }

  private fail(error: EgressError): void {
    if (this.isOver) return;
    this.isOver = true;
    this.handler.fail(error);
  }
}

/** Bounded, warm connections to one origin. Nothing else is ever connected to through it. */
export class OriginDispatcher {
  readonly origin: string;
  private readonly pool: Pool;

  /** @internal built by `Egress.dispatcher` */
  constructor(url: URL, options: PoolOptions) {
    this.origin = url.origin;
    this.pool = new Pool(url.origin, {
      connections: options.connectionsMax,
      // One request a connection at a time: behind a stream of minutes nothing may wait.
      pipelining: 1,
      keepAliveTimeout: options.keepAliveMs,
      keepAliveMaxTimeout: options.keepAliveMs,
      // Silence is the caller's to judge: it knows whether it paused the read itself.
      headersTimeout: 0,
      bodyTimeout: 0,
      maxResponseSize: options.responseBytesMax,
      connect: guardedConnector(options, url.protocol === 'https:'),
    });
    this.host = socketHost(url);
  }

  private readonly host: string;

  /** Sends a request and tells `handler` of its answer. Faults, bad arguments too, arrive at `handler.fail`, never as a throw. */
  send(request: OutboundRequest, handler: ResponseHandler): Exchange {
    const exchange = new RunningExchange(handler, this.host);
    try {
      this.pool.dispatch(
        { method: request.method, path: request.path, headers: request.headers, body: request.body },
        exchange,
      );
    } catch (error) {
      exchange.onResponseError(null as never, error as Error);
    }
    return exchange;
  }

  stats(): DispatcherStats {
    const { connected, running, queued } = this.pool.stats;
    return { connected, running, queued };
  }

  /** Takes no more requests and resolves when those under way have ended. */
  close(): Promise<void> {
    return this.pool.close();
  }

  /** Breaks off whatever is under way. */
  destroy(): Promise<void> {
    return this.pool.destroy();
  }
}
