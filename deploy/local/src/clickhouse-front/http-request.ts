import { createHash, randomUUID, timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { ClickHouseException, exception } from './exception.js';
import type { Account } from './settings.js';

/** What the URL and headers say; the body is read later. */
export interface RequestHead {
  readonly query: string;
  readonly queryId: string;
  readonly database: string | undefined;
  readonly defaultFormat: string | undefined;
  readonly wantsCompression: boolean;
  readonly settings: ReadonlyMap<string, string>;
  readonly parameters: ReadonlyMap<string, string>;
}

export type AccountRole = 'writer' | 'reader';

/** URL parameters of ClickHouse's HTTP handler; every other is a setting of the statement. */
const HANDLED = new Set([
  'query',
  'query_id',
  'user',
  'password',
  'database',
  'default_format',
  'quota_key',
  'session_id',
  'session_timeout',
  'session_check',
  'close_session',
  'stacktrace',
  'buffer_size',
  'wait_end_of_query',
  'enable_http_compression',
  'http_zlib_compression_level',
  'send_progress_in_http_headers',
  'http_headers_progress_interval_ms',
  'add_http_cors_header',
  'client_protocol_version',
  'cancel_http_readonly_queries_on_client_close',
  'compress',
  'decompress',
  'role',
]);
const PARAMETER = 'param_';

/** Reads a statement's URL and headers. Throws where they ask for what this front cannot do. */
export function parseHead(parameters: URLSearchParams, headers: IncomingHttpHeaders): RequestHead {
  refuseUnsupported(parameters);
  const settings = new Map<string, string>();
  const bound = new Map<string, string>();
  for (const [name, value] of parameters) {
    if (name.startsWith(PARAMETER)) bound.set(name.slice(PARAMETER.length), value);
    else if (!HANDLED.has(name)) settings.set(name, value);
  }
  return {
    query: parameters.get('query') ?? '',
    queryId: parameters.get('query_id') || randomUUID(),
    database: parameters.get('database') || oneHeader(headers, 'x-clickhouse-database'),
    defaultFormat: parameters.get('default_format') || oneHeader(headers, 'x-clickhouse-format'),
    wantsCompression: isOn(parameters.get('enable_http_compression')),
    settings,
    parameters: bound,
  };
}

function refuseUnsupported(parameters: URLSearchParams): void {
  if (isOn(parameters.get('compress')) || isOn(parameters.get('decompress'))) {
    throw notImplemented(
      "ClickHouse's native block compression (compress=1, decompress=1): use enable_http_compression=1 with gzip",
    );
  }
  if (parameters.has('role')) throw notImplemented('roles');
}

function notImplemented(what: string): ClickHouseException {
  return new ClickHouseException(
    48,
    `Code: 48. DB::Exception: The local ClickHouse front does not support ${what} (NOT_IMPLEMENTED)`,
  );
}

/** Who asks. Throws 194 without credentials, 516 with wrong ones or two kinds at once, as ClickHouse does. */
export function authenticate(
  parameters: URLSearchParams,
  headers: IncomingHttpHeaders,
  accounts: { readonly writer: Account; readonly reader: Account },
): AccountRole {
  const given = findCredentials(parameters, headers);
  if (given === undefined) {
    throw exception(
      'REQUIRED_PASSWORD',
      'Authentication is required: basic auth, X-ClickHouse-User and -Key, or user and password in the URL',
    );
  }
  for (const role of ['writer', 'reader'] as const) {
    if (isSame(given.user, accounts[role].user) && isSame(given.password, accounts[role].password)) return role;
  }
  throw exception(
    'AUTHENTICATION_FAILED',
    `${given.user}: Authentication failed: password is incorrect, or there is no user with such name.`,
  );
}

function findCredentials(parameters: URLSearchParams, headers: IncomingHttpHeaders): Account | undefined {
  const ways = [findHeaderAccount(headers), findBasicAccount(headers), findUrlAccount(parameters)].filter(
    (account) => account !== undefined,
  );
  if (ways.length > 1) {
    throw exception(
      'AUTHENTICATION_FAILED',
      'Invalid authentication: it is not allowed to use more than one authentication method simultaneously',
    );
  }
  return ways[0];
}

function findHeaderAccount(headers: IncomingHttpHeaders): Account | undefined {
  const user = oneHeader(headers, 'x-clickhouse-user');
  const password = oneHeader(headers, 'x-clickhouse-key');
  if (user === undefined && password === undefined) return undefined;
  return { user: user ?? 'default', password: password ?? '' };
}

function findBasicAccount(headers: IncomingHttpHeaders): Account | undefined {
  const encoded = /^basic (.*)$/i.exec(headers.authorization ?? '')?.[1];
  if (encoded === undefined) return undefined;
  const decoded = Buffer.from(encoded, 'base64').toString('utf8');
  const colon = decoded.indexOf(':');
  return colon < 0
    ? { user: decoded, password: '' }
    : { user: decoded.slice(0, colon), password: decoded.slice(colon + 1) };
}

function findUrlAccount(parameters: URLSearchParams): Account | undefined {
  if (!parameters.has('user') && !parameters.has('password')) return undefined;
  return { user: parameters.get('user') ?? 'default', password: parameters.get('password') ?? '' };
}

// Hashed first: the comparison takes the same time whatever the lengths.
function isSame(a: string, b: string): boolean {
  const digest = (text: string) => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(a), digest(b));
}

function isOn(value: string | null): boolean {
  return value === '1' || value === 'true';
}

function oneHeader(headers: IncomingHttpHeaders, name: string): string | undefined {
  const value = headers[name];
  return typeof value === 'string' && value !== '' ? value : undefined;
}
