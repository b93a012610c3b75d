import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http';
import { constants, type Http2ServerRequest, type Http2ServerResponse } from 'node:http2';
import { RequestFault } from '../domain/request-fault.js';

export type ResponseHeaders = Readonly<Record<string, string | number>>;

/** Thrown out of every wait and send once the client has left. */
export class ClientGone extends Error {
  override readonly name = 'ClientGone';
}

const requestBytesMax = 64 * 1024 * 1024;
/** Lets what was written leave the kernel before the connection is reset under it. */
const resetDelayMs = 20;

/** One request and its response, the same over HTTP/1.1 and HTTP/2. */
export class Exchange {
  readonly method: string;
  readonly url: URL;
  readonly headers: IncomingHttpHeaders;
  /** Aborts when the client closes before the response has ended. */
  readonly gone: AbortSignal;
  readonly #request: IncomingMessage | Http2ServerRequest;
  readonly #response: ServerResponse;
  readonly #reset: () => void;
  #bytesSent = 0;
  #isEnded = false;

  constructor(request: IncomingMessage | Http2ServerRequest, response: ServerResponse | Http2ServerResponse) {
    this.#request = request;
    // The compatibility response of node:http2 has the same methods; only its declared overloads differ.
    this.#response = response as ServerResponse;
    this.#reset = resetterOf(response);
    this.method = request.method ?? 'GET';
    this.url = parseTarget(request.url ?? '/');
    this.headers = request.headers;
    const gone = new AbortController();
    this.gone = gone.signal;
    response.on('close', () => {
      if (!this.#isEnded) gone.abort();
    });
    // A broken connection shows as 'close'; without a listener its error would end the process.
    response.on('error', () => undefined);
    request.on('error', () => undefined);
  }

  get bytesSent(): number {
    return this.#bytesSent;
  }

  get isHeadSent(): boolean {
    return this.#response.headersSent;
  }

  header(name: string): string | undefined {
    const value = this.headers[name];
    return Array.isArray(value) ? value.join(', ') : value;
  }

  /** @throws RequestFault 413 above 64 MiB; ClientGone when the client closes before its body's end. */
  async readBody(): Promise<Buffer> {
    const chunks: Buffer[] = [];
    let size = 0;
    try {
      for await (const chunk of this.#request as AsyncIterable<Buffer>) {
        size += chunk.byteLength;
        if (size > requestBytesMax) throw new RequestFault(413, 'Request exceeds the maximum size of 64 MiB');
        chunks.push(chunk);
      }
    } catch (error) {
      if (error instanceof RequestFault) throw error;
      throw new ClientGone('the client closed before the end of its request');
    }
    return Buffer.concat(chunks, size);
  }

  head(status: number, headers: ResponseHeaders): void {
    this.#response.writeHead(status, headers);
    this.#response.flushHeaders();
  }

  /** Resolves when the connection can take more, so a slow reader slows the answer instead of filling memory. */
  async send(body: string | Uint8Array): Promise<void> {
    if (this.gone.aborted) throw new ClientGone();
    if (body.length === 0) return;
    this.#bytesSent += typeof body === 'string' ? Buffer.byteLength(body) : body.byteLength;
    if (this.#response.write(body)) return;
    await this.#until((done) => {
      this.#response.once('drain', done);
      return () => this.#response.off('drain', done);
    });
  }

  async wait(milliseconds: number): Promise<void> {
    if (milliseconds <= 0) return;
    await this.#until((done) => {
      const timer = setTimeout(done, milliseconds);
      return () => clearTimeout(timer);
    });
  }

  /** Never resolves: says nothing until the client leaves. */
  async stayQuiet(): Promise<never> {
    await this.#until(() => () => undefined);
    throw new ClientGone();
  }

  end(): void {
    this.#isEnded = true;
    this.#response.end();
  }

  /** A whole response at once. */
  respond(status: number, headers: ResponseHeaders, body: string | Uint8Array): void {
    const bytes = typeof body === 'string' ? Buffer.from(body) : body;
    this.#bytesSent += bytes.byteLength;
    this.#isEnded = true;
    this.#response.writeHead(status, { ...headers, 'content-length': bytes.byteLength });
    this.#response.end(bytes);
  }

  /** Breaks the connection as a crashing provider does: RST on HTTP/1.1, RST_STREAM on HTTP/2. */
  async reset(): Promise<void> {
    this.#isEnded = true;
    await new Promise((resolve) => setTimeout(resolve, resetDelayMs));
    this.#reset();
  }

  /** Runs `listen` until it calls back or the client leaves; its result undoes it. */
  async #until(listen: (done: () => void) => () => void): Promise<void> {
    if (this.gone.aborted) throw new ClientGone();
    await new Promise<void>((resolve, reject) => {
      const leave = (): void => {
        undo();
        reject(new ClientGone());
      };
      const undo = listen(() => {
        undo();
        this.gone.removeEventListener('abort', leave);
        resolve();
      });
      this.gone.addEventListener('abort', leave, { once: true });
    });
  }
}

/** A request target is what the client wrote, which need not be a path. */
function parseTarget(target: string): URL {
  const url = `http://simulator${target.startsWith('/') ? target : '/'}`;
  return new URL(URL.canParse(url) ? url : 'http://simulator/');
}

function resetterOf(response: ServerResponse | Http2ServerResponse): () => void {
  if ('stream' in response) {
    const stream = response.stream;
    return () => stream.close(constants.NGHTTP2_INTERNAL_ERROR);
  }
  const socket = response.socket;
  return () => socket?.resetAndDestroy();
}
