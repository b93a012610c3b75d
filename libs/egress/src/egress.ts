import { parseRanges } from './address.js';
import { EgressError } from './egress-error.js';
import { systemResolve, type Resolve } from './guarded-connector.js';
import { OriginDispatcher, type OutboundRequest, type ResponseHead } from './origin-dispatcher.js';
import { parseUpstreamUrl } from './origin.js';

export interface EgressOptions {
  /** Certificate authorities in PEM in place of the system's. */
  readonly ca?: string;
  readonly resolve?: Resolve;
}

export interface OriginPolicy {
  /** Addresses or CIDR ranges that may be reached although they are not global unicast. Plain http only goes to these. */
  readonly allowPrivate: readonly string[];
  readonly connectionsMax: number;
  readonly connectTimeoutMs: number;
  /** How long an idle connection is kept. @default 30 s */
  readonly keepAliveMs?: number;
  /** Cap on the body of one answer. @default 256 MiB */
  readonly responseBytesMax?: number;
}

export interface BufferedResponse extends ResponseHead {
  readonly body: Uint8Array;
}

export interface BufferedRequest extends OutboundRequest {
  readonly url: string;
  readonly policy: OriginPolicy;
  /** Cap on the whole exchange. */
  readonly timeoutMs: number;
  readonly signal?: AbortSignal;
}

const KEEP_ALIVE_MS = 30_000;
const RESPONSE_BYTES_MAX = 256 * 1024 * 1024;

/** Collects an answer; the dispatcher's own cap bounds the memory. */
function buffered(dispatcher: OriginDispatcher, request: BufferedRequest): Promise<BufferedResponse> {
  return new Promise((resolve, reject) => {
    const chunks: Uint8Array[] = [];
    let head: ResponseHead = { status: 0, headers: {} };
    let failure: EgressError | null = null;
    const settled = new AbortController();
    const stop = (reason: EgressError) => {
      failure = reason;
      exchange.abort();
    };
    const onAbort = () => stop(new EgressError('aborted', `${dispatcher.origin}: aborted by the caller`));
    const onTimeout = () =>
      stop(new EgressError('timeout', `${dispatcher.origin}: no complete answer within ${request.timeoutMs} ms`));
    const exchange = dispatcher.send(request, {
      head: (received) => (head = received),
      data: (chunk) => void chunks.push(chunk),
      end: () => {
        settled.abort();
        resolve({ ...head, body: Buffer.concat(chunks) });
      },
      fail: (error) => {
        settled.abort();
        reject(failure ?? error);
      },
    });
    if (settled.signal.aborted) return;
    const timer = setTimeout(onTimeout, request.timeoutMs);
    settled.signal.addEventListener('abort', () => clearTimeout(timer));
    request.signal?.addEventListener('abort', onAbort, { signal: settled.signal });
    if (request.signal?.aborted) onAbort();
  });
}

/** The one way out of a process. */
export class Egress {
  private readonly open = new Set<OriginDispatcher>();

  /** @internal use {@link createEgress} */
  constructor(private readonly options: EgressOptions) {}

  /**
   * Connections to the origin of `url`, under `policy`. The caller keeps it for as long as it uses the origin and closes it.
   * @throws EgressError `invalid_url`; RangeError where an entry of `allowPrivate` is unreadable.
   */
  dispatcher(url: string, policy: OriginPolicy): OriginDispatcher {
    const dispatcher = new OriginDispatcher(parseUpstreamUrl(url), {
      allowPrivate: parseRanges(policy.allowPrivate),
      connectionsMax: policy.connectionsMax,
      connectTimeoutMs: policy.connectTimeoutMs,
      keepAliveMs: policy.keepAliveMs ?? KEEP_ALIVE_MS,
      responseBytesMax: policy.responseBytesMax ?? RESPONSE_BYTES_MAX,
      resolve: this.options.resolve ?? systemResolve,
      ...(this.options.ca === undefined ? {} : { ca: this.options.ca }),
    });
    this.open.add(dispatcher);
    return dispatcher;
  }

  /**
   * One request with its whole answer in memory, on a connection of its own.
   * @throws EgressError; a status of 4xx or 5xx is an answer and no error.
   */
  async request(request: BufferedRequest): Promise<BufferedResponse> {
    const dispatcher = this.dispatcher(request.url, request.policy);
    try {
      return await buffered(dispatcher, request);
    } finally {
      await this.release(dispatcher);
    }
  }

  /** Closes a dispatcher once what it has under way has ended. */
  async release(dispatcher: OriginDispatcher): Promise<void> {
    this.open.delete(dispatcher);
    await dispatcher.close();
  }

  /** Breaks off everything that is under way and closes every connection. */
  async close(): Promise<void> {
    const dispatchers = [...this.open];
    this.open.clear();
    await Promise.all(dispatchers.map((dispatcher) => dispatcher.destroy()));
  }
}

/** Creates the outbound dispatcher of a process; opens nothing yet. */
export function createEgress(options: EgressOptions = {}): Egress {
  return new Egress(options);
}
