import { createHash } from 'node:crypto';
import { Invoice } from '../domain/invoice.js';
import type { PriceList } from '../domain/prices.js';
import { PromptCache } from '../domain/prompt-cache.js';
import type { Exchange } from './exchange.js';

const invoiceLinesMax = 100_000;
const cacheEntriesMax = 100_000;
const failureCountersMax = 10_000;
const rememberedRequestsMax = 200;
const rememberedBodyBytesMax = 16 * 1024;
const rememberedDeparturesMax = 10_000;

export interface RememberedRequest {
  readonly attemptId: string | null;
  readonly receivedAt: string;
  readonly method: string;
  readonly path: string;
  /** Without credentials. */
  readonly headers: Readonly<Record<string, string>>;
  readonly bodyBytes: number;
  readonly bodySha256: string;
  /** Undefined above 16 KiB. */
  readonly body: string | undefined;
}

export interface Departure {
  readonly attemptId: string | null;
  /** Milliseconds since 1970. */
  readonly at: number;
}

const secretHeaders = new Set(['authorization', 'x-api-key', 'api-key', 'x-amz-security-token', 'cookie']);

/** Everything the process remembers between requests; all of it bounded. */
export class SimulatorState {
  readonly invoice: Invoice;
  readonly cache = new PromptCache(cacheEntriesMax, Date.now);
  readonly #failures = new Map<string, number>();
  readonly #requests: RememberedRequest[] = [];
  readonly #departures: Departure[] = [];
  #openRequests = 0;
  #requestsTotal = 0;

  constructor(prices: PriceList) {
    this.invoice = new Invoice(prices, invoiceLinesMax);
  }

  requestOpened(): void {
    this.#openRequests += 1;
    this.#requestsTotal += 1;
  }

  requestClosed(): void {
    this.#openRequests -= 1;
  }

  clientLeft(attemptId: string | null): void {
    this.#departures.push({ attemptId, at: Date.now() });
    if (this.#departures.length > rememberedDeparturesMax) this.#departures.shift();
  }

  /** How often this exact message has asked for a failure, this time included. */
  countFailure(message: string): number {
    const key = createHash('sha256').update(message).digest('base64');
    const count = (this.#failures.get(key) ?? 0) + 1;
    this.#failures.delete(key);
    this.#failures.set(key, count);
    const oldest = this.#failures.keys().next();
    if (this.#failures.size > failureCountersMax && oldest.done !== true) this.#failures.delete(oldest.value);
    return count;
  }

  rememberRequest(exchange: Exchange, body: Buffer): void {
    const headers = Object.entries(exchange.headers).filter(
      ([name]) => !secretHeaders.has(name) && !name.startsWith(':'),
    );
    this.#requests.push({
      attemptId: exchange.header('x-client-request-id') ?? null,
      receivedAt: new Date().toISOString(),
      method: exchange.method,
      path: exchange.url.pathname + exchange.url.search,
      headers: Object.fromEntries(headers.map(([name, value]) => [name, String(value)])),
      bodyBytes: body.byteLength,
      bodySha256: createHash('sha256').update(body).digest('hex'),
      body: body.byteLength <= rememberedBodyBytesMax ? body.toString('utf8') : undefined,
    });
    if (this.#requests.length > rememberedRequestsMax) this.#requests.shift();
  }

  lastRequests(count: number): readonly RememberedRequest[] {
    return count <= 0 ? [] : this.#requests.slice(-count);
  }

  stats(): Record<string, unknown> {
    return {
      openRequests: this.#openRequests,
      requestsTotal: this.#requestsTotal,
      invoiceLinesDropped: this.invoice.dropped,
      closedByClient: this.#departures,
    };
  }
}
