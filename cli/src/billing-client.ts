import { open } from 'node:fs/promises';
import { Readable } from 'node:stream';
import type { ReadableStream } from 'node:stream/web';
import { findConnection } from './connection.js';

/** Billing refused what was asked, or cannot be reached; the message is for a person. */
class BillingError extends Error {
  override readonly name = 'BillingError';
}

/** A month's close reads and writes every charge of its last hours. */
const ANSWER_WITHIN_MS = 600_000;

interface Sent {
  readonly method: string;
  readonly body?: string | ReadableStream;
  readonly type?: string;
}

/** Billing's administration, at the address and with the token of a home's `connection.json`. */
export class BillingClient {
  private constructor(
    private readonly url: string,
    private readonly token: string,
  ) {}

  /** @throws BillingError where no stack with billing was started in that home. */
  static of(home: string): BillingClient {
    const billing = findConnection(home)?.billing;
    if (billing === undefined) throw new BillingError(`No stack with billing has been started in ${home}.`);
    return new BillingClient(billing.url, billing.token);
  }

  get<Answer>(path: string, query: Readonly<Record<string, string>> = {}): Promise<Answer> {
    return this.send(this.urlOf(path, query), { method: 'GET' });
  }

  post<Answer>(path: string, body: object): Promise<Answer> {
    return this.send(this.urlOf(path), { method: 'POST', body: JSON.stringify(body), type: 'application/json' });
  }

  /** Sends a file as it is read. @throws the file system's error where it cannot be opened. */
  async upload<Answer>(
    path: string,
    file: { readonly name: string; readonly type: string; readonly query: Readonly<Record<string, string>> },
  ): Promise<Answer> {
    const handle = await open(file.name);
    try {
      const body = Readable.toWeb(handle.createReadStream({ autoClose: false }));
      return await this.send(this.urlOf(path, file.query), { method: 'POST', body, type: file.type });
    } finally {
      await handle.close();
    }
  }

  private urlOf(path: string, query: Readonly<Record<string, string>> = {}): URL {
    const url = new URL(path, this.url);
    for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value);
    return url;
  }

  private async send<Answer>(url: URL, request: Sent): Promise<Answer> {
    const { method, body, type } = request;
    let response: Response;
    try {
      response = await fetch(url, {
        method,
        // A body that is still being read is sent in half-duplex, which fetch wants to be told.
        ...(body === undefined ? {} : { body, duplex: 'half' }),
        headers: { authorization: `Bearer ${this.token}`, ...(type === undefined ? {} : { 'content-type': type }) },
        signal: AbortSignal.timeout(ANSWER_WITHIN_MS),
      });
    } catch (error) {
      throw new BillingError(`billing does not answer at ${url.origin}: ${describe(error)}`);
    }
    const text = await response.text();
    if (!response.ok) throw new BillingError(explain(response.status, text));
    return JSON.parse(text) as Answer;
  }
}

/** `fetch` says "fetch failed" and keeps the reason in its cause. */
function describe(error: unknown): string {
  const reason = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  return reason instanceof Error ? reason.message : String(reason);
}

/** The message of an error of the administration; its text where it has none. */
function explain(status: number, text: string): string {
  try {
    const { message } = JSON.parse(text) as { message?: string };
    return message ?? text;
  } catch {
    return `billing answers ${status}: ${text.slice(0, 200)}`;
  }
}
