/** One `name=value` of a directive; `value` is raw, with quotes and braces. */
export interface DirectiveToken {
  readonly name: string;
  readonly value: string;
}

export interface ScannedDirective {
  readonly tokens: readonly DirectiveToken[];
  readonly start: number;
  readonly end: number;
}

/** A directive that cannot be read. `message` says where and what was expected. */
export class DirectiveSyntaxError extends Error {
  override readonly name = 'DirectiveSyntaxError';
}

const opening = '[[sim';

/** Every directive of a text, in order. `]]` inside quoted strings and JSON does not end one. */
export function scanDirectives(text: string): ScannedDirective[] {
  const found: ScannedDirective[] = [];
  let from = text.indexOf(opening);
  while (from !== -1) {
    const next = text[from + opening.length] ?? '';
    const isDirective = next === ']' || /\s/.test(next);
    const scanned = isDirective ? scanOne(text, from) : undefined;
    if (scanned !== undefined) found.push(scanned);
    from = text.indexOf(opening, scanned?.end ?? from + opening.length);
  }
  return found;
}

function scanOne(text: string, start: number): ScannedDirective {
  const tokens: DirectiveToken[] = [];
  let at = skipSpace(text, start + opening.length);
  while (!text.startsWith(']]', at)) {
    if (at >= text.length) throw new DirectiveSyntaxError("directive '[[sim' is not closed by ']]'");
    const name = /^[A-Za-z]\w*(?==)/.exec(text.slice(at, at + 64))?.[0];
    if (name === undefined) {
      throw new DirectiveSyntaxError(`expected option=value in the directive, got '${text.slice(at, at + 20)}'`);
    }
    const valueStart = at + name.length + 1;
    const valueEnd = endOfValue(text, valueStart);
    tokens.push({ name, value: text.slice(valueStart, valueEnd) });
    at = skipSpace(text, valueEnd);
  }
  return { tokens, start, end: at + 2 };
}

function skipSpace(text: string, at: number): number {
  let next = at;
  while (next < text.length && /\s/.test(text[next] ?? '')) next += 1;
  return next;
}

function endOfValue(text: string, start: number): number {
  const first = text[start];
  if (first === '"') return endOfString(text, start);
  if (first === '{' || first === '[') return endOfJson(text, start);
  let at = start;
  while (at < text.length && !/\s/.test(text[at] ?? '') && !text.startsWith(']]', at)) at += 1;
  return at;
}

function endOfString(text: string, start: number): number {
  for (let at = start + 1; at < text.length; at += 1) {
    if (text[at] === '\\') at += 1;
    else if (text[at] === '"') return at + 1;
  }
  throw new DirectiveSyntaxError('a quoted value of the directive is not closed');
}

function endOfJson(text: string, start: number): number {
  let depth = 0;
  for (let at = start; at < text.length; at += 1) {
    const character = text[at];
    if (character === '"') at = endOfString(text, at) - 1;
    else if (character === '{' || character === '[') depth += 1;
    else if (character === '}' || character === ']') depth -= 1;
    if (depth === 0) return at + 1;
  }
  throw new DirectiveSyntaxError('a JSON value of the directive is not closed');
}
