import { DirectiveSyntaxError, scanDirectives, type DirectiveToken } from './directive-scanner.js';
import { isJsonObject, type JsonObject } from './json.js';

/** How an attempt goes wrong. `afterChunks` undefined: before any response head. */
export type Failure =
  | { readonly kind: 'status'; readonly status: number }
  | { readonly kind: 'reset' | 'stall' | 'malformed' | 'error'; readonly afterChunks: number | undefined };

export type UsageBehaviour = 'normal' | 'none' | 'twice' | 'late';

export interface ToolOrder {
  readonly name: string;
  readonly arguments: JsonObject | undefined;
}

/** What `[[sim …]]` in the last user message asks of one call. */
export interface Directive {
  readonly chunks: number | undefined;
  readonly bytes: number | undefined;
  readonly delayMs: number;
  readonly ttftMs: number;
  readonly fail: Failure | undefined;
  readonly failTimes: number | undefined;
  readonly retryAfterSeconds: number | undefined;
  readonly usage: UsageBehaviour;
  readonly tools: readonly ToolOrder[];
  readonly reasoningTokens: number | undefined;
  readonly text: string | undefined;
  readonly only: string | undefined;
}

type Draft = { -readonly [Key in keyof Directive]: Directive[Key] };

export const noDirective: Directive = {
  chunks: undefined,
  bytes: undefined,
  delayMs: 0,
  ttftMs: 0,
  fail: undefined,
  failTimes: undefined,
  retryAfterSeconds: undefined,
  usage: 'normal',
  tools: [],
  reasoningTokens: undefined,
  text: undefined,
  only: undefined,
};

const failureStatuses = [400, 401, 403, 404, 408, 413, 429, 500, 502, 503, 504, 529];
const chunksMax = 10_000_000;
const bytesMax = 4 * 1024 ** 3;
const waitMsMax = 600_000;

const readers: Record<string, (draft: Draft, value: string, name: string) => void> = {
  chunks: (draft, value, name) => {
    draft.chunks = parseInteger(name, value, chunksMax);
  },
  bytes: (draft, value, name) => {
    draft.bytes = parseInteger(name, value, bytesMax);
  },
  delayMs: (draft, value, name) => {
    draft.delayMs = parseInteger(name, value, waitMsMax);
  },
  ttftMs: (draft, value, name) => {
    draft.ttftMs = parseInteger(name, value, waitMsMax);
  },
  fail: (draft, value) => {
    draft.fail = parseFailure(value);
  },
  failTimes: (draft, value, name) => {
    draft.failTimes = parseInteger(name, value, 1_000_000);
  },
  retryAfter: (draft, value, name) => {
    draft.retryAfterSeconds = parseInteger(name, value, 86_400);
  },
  usage: (draft, value) => {
    draft.usage = parseUsage(value);
  },
  tool: (draft, value) => {
    draft.tools = [...draft.tools, { name: parseText(value), arguments: undefined }];
  },
  args: (draft, value) => {
    draft.tools = withArguments(draft.tools, value);
  },
  reasoning: (draft, value, name) => {
    draft.reasoningTokens = parseInteger(name, value, 1_000_000);
  },
  text: (draft, value) => {
    draft.text = parseText(value);
  },
  only: (draft, value) => {
    draft.only = parseText(value);
  },
};

/**
 * The directive that steers a call to `model`: the first of the text whose `only` does not exclude it.
 * @throws DirectiveSyntaxError for any directive of the text that cannot be read, also one for another model.
 */
export function parseDirective(text: string, model: string): Directive {
  const directives = scanDirectives(text).map((scanned) => readDirective(scanned.tokens));
  return directives.find((directive) => directive.only === undefined || directive.only === model) ?? noDirective;
}

/** The text without its directives: what the prompt itself says. */
export function withoutDirectives(text: string): string {
  let rest = '';
  let from = 0;
  for (const { start, end } of scanDirectives(text)) {
    rest += text.slice(from, start);
    from = end;
  }
  return (rest + text.slice(from)).trim();
}

function readDirective(tokens: readonly DirectiveToken[]): Directive {
  const draft: Draft = { ...noDirective };
  for (const { name, value } of tokens) {
    const reader = Object.hasOwn(readers, name) ? readers[name] : undefined;
    if (reader === undefined) {
      throw new DirectiveSyntaxError(
        `unknown option '${name}' in the directive; known: ${Object.keys(readers).join(', ')}`,
      );
    }
    reader(draft, value, name);
  }
  return draft;
}

function parseInteger(name: string, value: string, max: number): number {
  const number = /^\d{1,12}$/.test(value) ? Number(value) : Number.NaN;
  if (!(number <= max)) throw new DirectiveSyntaxError(`${name} takes a whole number from 0 to ${max}, got '${value}'`);
  return number;
}

function parseText(value: string): string {
  return value.startsWith('"') ? String(parseJson(value)) : value;
}

function parseUsage(value: string): UsageBehaviour {
  if (value === 'none' || value === 'twice' || value === 'late' || value === 'normal') return value;
  throw new DirectiveSyntaxError(`usage takes none, twice, late or normal, got '${value}'`);
}

function parseFailure(value: string): Failure {
  if (value === '200-then-reset') return { kind: 'reset', afterChunks: 0 };
  if (failureStatuses.includes(Number(value))) return { kind: 'status', status: Number(value) };
  const match = /^(reset|stall|malformed|error)(?:@(\d{1,8}))?$/.exec(value);
  const kind = match?.[1];
  if (kind === 'reset' || kind === 'stall')
    return { kind, afterChunks: match?.[2] === undefined ? undefined : Number(match[2]) };
  if (kind === 'malformed' || kind === 'error') return { kind, afterChunks: Number(match?.[2] ?? 0) };
  throw new DirectiveSyntaxError(
    `fail takes ${failureStatuses.join('|')}|reset[@n]|stall[@n]|malformed[@n]|error[@n]|200-then-reset, got '${value}'`,
  );
}

function withArguments(tools: readonly ToolOrder[], value: string): ToolOrder[] {
  const last = tools.at(-1);
  if (last === undefined) throw new DirectiveSyntaxError('args belongs after the tool= it is for');
  const parsed = parseJson(value);
  if (!isJsonObject(parsed)) throw new DirectiveSyntaxError(`args takes a JSON object, got '${value}'`);
  return [...tools.slice(0, -1), { name: last.name, arguments: parsed }];
}

function parseJson(value: string): unknown {
  try {
    return JSON.parse(value);
  } catch {
    throw new DirectiveSyntaxError(`the directive holds JSON that does not parse: ${value.slice(0, 80)}`);
  }
}
