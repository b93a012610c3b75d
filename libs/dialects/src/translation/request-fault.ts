import type { z } from 'zod';
import type { RequestFault } from '../dialect.js';
import { decodeText, isValidUtf8 } from '../framing/bytes.js';
import { isJsonObject, type JsonObject } from './json.js';

/** A refusal raised deep inside a translation; caught at its edge and returned as a value. Never leaves the library. */
export class RequestFaultError extends Error {
  override readonly name = 'RequestFaultError';

  constructor(
    readonly param: string | null,
    message: string,
  ) {
    super(message);
  }
}

/** Runs a translation; a {@link RequestFaultError} becomes a result, anything else stays a fault of ours. */
export function catchRequestFault<T>(run: () => T): T | { ok: false; fault: RequestFault } {
  try {
    return run();
  } catch (error) {
    if (!(error instanceof RequestFaultError)) throw error;
    return { ok: false, fault: { code: 'invalid_request', param: error.param, message: error.message } };
  }
}

/** The body as a JSON object. @throws RequestFaultError */
export function readJsonBody(body: Uint8Array): JsonObject {
  if (!isValidUtf8(body)) throw new RequestFaultError(null, 'The request body is not valid UTF-8.');
  let value: unknown;
  try {
    value = JSON.parse(decodeText(body));
  } catch {
    throw new RequestFaultError(null, 'The request body is not valid JSON.');
  }
  if (!isJsonObject(value)) throw new RequestFaultError(null, 'The request body must be a JSON object.');
  return value;
}

/** @throws RequestFaultError naming the deepest field that does not fit. */
export function parseWith<T>(schema: z.ZodType<T>, value: unknown): T {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const { path, message } = deepestIssue(result.error.issues, [], value);
  const param = formatPath(path);
  throw new RequestFaultError(param === '' ? null : param, param === '' ? message : `${param}: ${message}`);
}

type Issue = z.core.$ZodIssue;
type Path = readonly PropertyKey[];

/** In a union every alternative fails; the one that got furthest into the value is what the caller meant. */
function deepestIssue(issues: readonly Issue[], prefix: Path, value: unknown): { path: Path; message: string } {
  let deepest: { path: Path; message: string } = { path: prefix, message: 'is not valid' };
  let isFirst = true;
  for (const issue of issues) {
    const path = [...prefix, ...issue.path];
    const candidates =
      issue.code === 'invalid_union' && issue.errors.length > 0
        ? issue.errors.map((errors) => deepestIssue(errors, path, value))
        : [{ path, message: describeIssue(issue, valueAt(value, path) === undefined) }];
    for (const candidate of candidates) {
      if (isFirst || candidate.path.length > deepest.path.length) deepest = candidate;
      isFirst = false;
    }
  }
  return deepest;
}

function valueAt(value: unknown, path: Path): unknown {
  return path.reduce<unknown>(
    (item, key) => (typeof item === 'object' && item !== null ? Reflect.get(item, key) : undefined),
    value,
  );
}

function describeIssue(issue: Issue, isMissing: boolean): string {
  if (isMissing) return 'this field is required';
  switch (issue.code) {
    case 'invalid_type':
      return `must be ${withArticle(issue.expected)}`;
    case 'invalid_value':
      return `must be one of ${issue.values.map((value) => JSON.stringify(value)).join(', ')}`;
    case 'invalid_union':
      return 'is not a known value';
    case 'too_small':
      return issue.origin === 'array' || issue.origin === 'string'
        ? 'must not be empty'
        : `must be at least ${String(issue.minimum)}`;
    case 'too_big':
      return `must be at most ${String(issue.maximum)}`;
    default:
      return issue.message;
  }
}

function withArticle(type: string): string {
  const name = type === 'int' ? 'integer' : type === 'record' ? 'object' : type;
  return /^[aeiou]/.test(name) ? `an ${name}` : `a ${name}`;
}

function formatPath(path: Path): string {
  return path.reduce<string>((text, part) => {
    if (typeof part === 'number') return `${text}[${part}]`;
    return text === '' ? String(part) : `${text}.${String(part)}`;
  }, '');
}
