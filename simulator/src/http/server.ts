import { createServer as createHttp1Server, type Server as Http1Server } from 'node:http';
import {
  createServer as createHttp2Server,
  type Http2Server,
  type Http2Session,
  type ServerHttp2Session,
} from 'node:http2';
import { createServer as createNetServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { ClientGone, Exchange } from './exchange.js';
import { handleExchange } from './routes.js';
import { ResetBeforeHead } from './serve-call.js';
import type { SimulatorState } from './simulator-state.js';

/** The first bytes of an HTTP/2 connection (RFC 9113 §3.4); no HTTP/1.1 method of ours begins like it. */
const http2Preface = Buffer.from('PRI');
const keepAliveMs = 120_000;
/** How often a drain looks for connections that have become idle. */
const drainCheckMs = 20;

/** HTTP/1.1 and HTTP/2 without TLS (h2c, prior knowledge) on one port: the AWS SDK speaks the latter by default. */
export class SimulatorServer {
  readonly #state: SimulatorState;
  readonly #net: Server;
  readonly #http1: Http1Server;
  readonly #http2: Http2Server;
  readonly #openByConnection = new Map<Socket, number>();
  /** The sessions now open; a session's own `socket` is a proxy that no map finds again. */
  readonly #socketOf = new Map<Http2Session, Socket>();
  #handingOver: Socket | undefined;
  #isDraining = false;

  constructor(state: SimulatorState) {
    this.#state = state;
    this.#http1 = createHttp1Server({ keepAliveTimeout: keepAliveMs, requestTimeout: 0 }, (request, response) => {
      if (this.#isDraining) response.shouldKeepAlive = false;
      this.#serve(new Exchange(request, response), request.socket, response);
    });
    this.#http2 = createHttp2Server((request, response) => {
      const session = request.stream.session;
      this.#serve(
        new Exchange(request, response),
        session === undefined ? undefined : this.#socketOf.get(session),
        response,
      );
    });
    this.#http2.on('session', (session) => this.#track(session));
    this.#net = createNetServer({ noDelay: true }, (socket) => this.#accept(socket));
  }

  /** @returns the port in use. @throws the system's error, e.g. EADDRINUSE */
  async listen(host: string, port: number): Promise<number> {
    await new Promise<void>((resolve, reject) => {
      this.#net.once('error', reject);
      this.#net.listen({ host, port }, resolve);
    });
    return (this.#net.address() as AddressInfo).port;
  }

  /** Takes no more connections, lets open requests end for at most `drainMs`, then cuts what is left. */
  async close(drainMs: number): Promise<void> {
    this.#isDraining = true;
    const closed = new Promise<void>((resolve) => this.#net.close(() => resolve()));
    for (const session of this.#socketOf.keys()) session.close();
    const deadline = Date.now() + drainMs;
    while (this.#openByConnection.size > 0 && Date.now() < deadline) {
      for (const [socket, open] of this.#openByConnection) if (open === 0) socket.destroy();
      await new Promise((resolve) => setTimeout(resolve, drainCheckMs));
    }
    for (const socket of this.#openByConnection.keys()) socket.destroy();
    await closed;
  }

  #accept(socket: Socket): void {
    this.#openByConnection.set(socket, 0);
    socket.on('close', () => this.#openByConnection.delete(socket));
    // A client that resets its connection is no fault of ours; 'close' follows.
    socket.on('error', () => undefined);
    this.#sniff(socket, Buffer.alloc(0));
  }

  /** Reads just enough to tell the protocols apart, and puts it back. */
  #sniff(socket: Socket, before: Buffer): void {
    socket.once('data', (chunk: Buffer) => {
      socket.pause();
      const seen = before.byteLength === 0 ? chunk : Buffer.concat([before, chunk]);
      const compared = Math.min(seen.byteLength, http2Preface.byteLength);
      const matches = seen.subarray(0, compared).equals(http2Preface.subarray(0, compared));
      if (matches && compared < http2Preface.byteLength) {
        this.#sniff(socket, seen);
        socket.resume();
        return;
      }
      socket.unshift(seen);
      this.#handingOver = socket;
      (matches ? this.#http2 : this.#http1).emit('connection', socket);
      this.#handingOver = undefined;
      if (!matches) socket.resume();
    });
  }

  #track(session: ServerHttp2Session): void {
    // The server announces a session while its 'connection' event is being emitted, so it belongs to that socket.
    if (this.#handingOver !== undefined) this.#socketOf.set(session, this.#handingOver);
    session.on('close', () => this.#socketOf.delete(session));
    session.on('error', () => undefined);
  }

  #serve(
    exchange: Exchange,
    socket: Socket | undefined,
    response: { on(event: 'close', listener: () => void): unknown },
  ): void {
    this.#countOpen(socket, 1);
    response.on('close', () => this.#countOpen(socket, -1));
    void answer(exchange, this.#state);
  }

  #countOpen(socket: Socket | undefined, change: number): void {
    if (socket === undefined) return;
    const open = this.#openByConnection.get(socket);
    if (open !== undefined) this.#openByConnection.set(socket, open + change);
  }
}

async function answer(exchange: Exchange, state: SimulatorState): Promise<void> {
  try {
    await handleExchange(exchange, state);
  } catch (error) {
    reportDefect(exchange, error);
  }
}

/** Leaving clients and resets by order are business as usual; anything else is a defect of the simulator. */
function reportDefect(exchange: Exchange, error: unknown): void {
  if (error instanceof ClientGone || error instanceof ResetBeforeHead) return;
  const trace = error instanceof Error ? (error.stack ?? error.message) : String(error);
  process.stderr.write(`weir-simulator: ${exchange.method} ${exchange.url.pathname} failed: ${trace}\n`);
  if (exchange.isHeadSent) {
    void exchange.reset();
    return;
  }
  const message = 'weir-simulator failed; see its log';
  const body = { error: { message, type: 'server_error', param: null, code: null } };
  exchange.respond(500, { 'content-type': 'application/json' }, JSON.stringify(body));
}
