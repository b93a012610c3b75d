import type { ClickHouseAccess } from '@weir/testing';

/** One answer of the front, its body read. */
export interface FrontAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  readonly summary: Readonly<Record<string, string>>;
}

export interface AskOptions {
  readonly parameters?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array<ArrayBuffer>;
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
}

/** Asks as one user, by basic auth. */
export function asUser(access: ClickHouseAccess): (query: string, options?: AskOptions) => Promise<FrontAnswer> {
  const authorization = `Basic ${Buffer.from(`${access.user}:${access.password}`).toString('base64')}`;
  return (query, options = {}) =>
    ask(access.url, query, { ...options, headers: { authorization, ...options.headers } });
}

/** Asks without credentials, unless `options` has some. An empty query is left out of the URL. */
export async function ask(url: string, query: string, options: AskOptions = {}): Promise<FrontAnswer> {
  const parameters = new URLSearchParams({ ...(query === '' ? {} : { query }), ...options.parameters });
  const response = await fetch(`${url}/?${parameters.toString()}`, {
    method: options.method ?? 'POST',
    headers: { ...options.headers },
    ...(options.body === undefined ? {} : { body: options.body }),
    ...(options.signal === undefined ? {} : { signal: options.signal }),
  });
  const text = await response.text();
  const summary = JSON.parse(response.headers.get('x-clickhouse-summary') ?? '{}') as Record<string, string>;
  return { status: response.status, headers: response.headers, text, summary };
}
