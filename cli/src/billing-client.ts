import { findConnection } from './connection.js';

/** Billing refused what was asked, or cannot be reached; the message is for a person. */
class BillingError extends Error {
  override readonly name = 'BillingError';
}

/** A month's close reads and writes every charge of its last hours. */
const ANSWER_WITHIN_MS = 600_000;

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
    const url = new URL(path, this.url);
    for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value);
    return this.send(url, { method: 'GET' });
  }

  post<Answer>(path: string, body: object): Promise<Answer> {
    return this.send(new URL(path, this.url), { method: 'POST', body: JSON.stringify(body) });
  }

  private async send<Answer>(url: URL, request: { method: string; body?: string }): Promise<Answer> {
    let response: Response;
    try {
      response = await fetch(url, {
        ...request,
        headers: {
          authorization: `Bearer ${this.token}`,
          ...(request.body === undefined ? {} : { 'content-type': 'application/json' }),
        },
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
