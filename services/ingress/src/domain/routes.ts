import type { ClientDialect } from '@weir/contracts';

/** The routes of the data plane. `root` answers the probe that agents send to a base URL before they use it. */
export type RouteName = 'root' | 'chat-completions' | 'messages' | 'models' | 'model';

/** What SDKs are given as base URL, for each dialect. Anthropic's append `/v1` themselves, so a base that ends in it is doubled. */
const OPENAI_BASES = ['', '/v1', '/openai', '/openai/v1'] as const;
const ANTHROPIC_BASES = ['', '/v1', '/v1/v1', '/anthropic', '/anthropic/v1', '/anthropic/v1/v1'] as const;
const ALL_BASES = [...new Set<string>([...OPENAI_BASES, ...ANTHROPIC_BASES])];

const under = (bases: readonly string[], path: string): readonly string[] => bases.map((base) => `${base}${path}`);

/** Exact paths of each route; `model` has the model's id behind it, which may itself hold slashes. */
export const ROUTE_PATHS: Readonly<Record<RouteName, readonly string[]>> = {
  root: ['/', '/api/hello', ...ALL_BASES.filter((base) => base !== '')],
  'chat-completions': under(OPENAI_BASES, '/chat/completions'),
  messages: under(ANTHROPIC_BASES, '/messages'),
  models: under(ALL_BASES, '/models'),
  model: under(ALL_BASES, '/models/'),
};

export const ROUTE_METHODS: Readonly<Record<RouteName, readonly string[]>> = {
  root: ['HEAD', 'GET'],
  'chat-completions': ['POST'],
  messages: ['POST'],
  models: ['GET', 'HEAD'],
  model: ['GET', 'HEAD'],
};

const EXACT = new Map<string, RouteName>(
  (['root', 'chat-completions', 'messages', 'models'] as const).flatMap((name) =>
    ROUTE_PATHS[name].map((path) => [path, name] as const),
  ),
);

/** Path of a request target: without query, without doubled or trailing slashes. Percent signs stay as they are. */
export function normalisePath(target: string): string {
  const query = target.search(/[?#]/);
  const path = (query < 0 ? target : target.slice(0, query)).replace(/\/{2,}/g, '/');
  return path.length > 1 && path.endsWith('/') ? path.slice(0, -1) : path || '/';
}

/**
 * The route a request target names, whatever its method: tells a wrong method (405) from an unknown route (404). It chooses
 * no handler; that is done by the HTTP router from the same table.
 */
export function findRoute(target: string): RouteName | undefined {
  const path = normalisePath(target);
  const exact = EXACT.get(path);
  if (exact) return exact;
  return ROUTE_PATHS.model.some((prefix) => path.startsWith(prefix) && path.length > prefix.length)
    ? 'model'
    : undefined;
}

/** Headers as Node gives them: lower-case names, repeated ones joined or in an array. */
export type IncomingHeaders = Readonly<Record<string, string | string[] | undefined>>;

/**
 * The dialect in which a caller wants to be answered. The route decides where it belongs to one dialect, then the base URL, then
 * what only Anthropic clients send.
 */
export function dialectOf(target: string, headers: IncomingHeaders): ClientDialect {
  const path = normalisePath(target);
  const route = findRoute(path);
  if (route === 'chat-completions') return 'openai-chat';
  if (route === 'messages') return 'anthropic';
  if (path === '/openai' || path.startsWith('/openai/')) return 'openai-chat';
  if (path === '/anthropic' || path.startsWith('/anthropic/')) return 'anthropic';
  if (headers['anthropic-version'] !== undefined || headers['x-api-key'] !== undefined) return 'anthropic';
  return /(^|\/)messages(\/|$)/.test(path) ? 'anthropic' : 'openai-chat';
}
