import type { FrontLimits } from './settings.js';
import { exception } from './exception.js';

/** One statement as HTTP brought it. */
export interface Statement {
  readonly queryId: string;
  readonly isReader: boolean;
  /** From the URL; may be empty where the body is the statement. */
  readonly query: string;
  /** The rest of the statement, or its data. */
  readonly body: Buffer;
  readonly database: string | undefined;
  readonly format: string;
  readonly settings: ReadonlyMap<string, string>;
  readonly parameters: ReadonlyMap<string, string>;
}

/** A setting's or parameter's name; anything else could end the SET statement. */
const NAME = /^[A-Za-z_][A-Za-z0-9_]*$/;

/** The SET statement for these names; undefined where there is nothing to set. */
export function renderSet(values: ReadonlyMap<string, string>, prefix = ''): string | undefined {
  if (values.size === 0) return undefined;
  const pairs = [...values].map(([name, value]) => {
    if (!NAME.test(name)) throw exception('BAD_ARGUMENTS', `Invalid name of a setting or parameter: ${name}`);
    return `${prefix}${name} = ${quoteString(value)}`;
  });
  return `SET ${pairs.join(', ')}`;
}

/** A single-quoted literal of ClickHouse SQL. */
export function quoteString(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
}

/** A back-quoted identifier. */
export function quoteIdentifier(text: string): string {
  return `\`${text.replaceAll('\\', '\\\\').replaceAll('`', '\\`')}\``;
}

/** The bounds of every reader; a smaller value may be asked for, a greater one (or 0, which is "none") is refused. */
export function buildReaderLimits(limits: FrontLimits, threads: number): ReadonlyMap<string, number> {
  return new Map([
    ['max_execution_time', limits.executionSeconds],
    ['max_memory_usage', limits.memoryBytes],
    ['max_result_rows', limits.resultRows],
    ['max_threads', threads],
  ]);
}

/** Settings a reader may not choose: they would lift its limits or its confinement. */
const FIXED_FOR_READERS = new Set([
  'readonly',
  'result_overflow_mode',
  'timeout_overflow_mode',
  'allow_introspection_functions',
  'allow_ddl',
  'max_untracked_memory',
]);

/** What a reader's session is set to: the limits, and within them what the request asks for. Throws code 452 beyond them. */
export function buildReaderSettings(
  limits: ReadonlyMap<string, number>,
  asked: ReadonlyMap<string, string>,
): ReadonlyMap<string, string> {
  const settings = new Map([...limits].map(([name, value]) => [name, String(value)]));
  settings.set('result_overflow_mode', 'throw');
  settings.set('timeout_overflow_mode', 'throw');
  for (const [name, value] of asked) {
    if (FIXED_FOR_READERS.has(name)) continue;
    const limit = limits.get(name);
    if (limit !== undefined && !isWithin(value, limit)) {
      throw exception(
        'SETTING_CONSTRAINT_VIOLATION',
        `Setting ${name} shouldn't be greater than ${limit} for this user`,
      );
    }
    settings.set(name, value);
  }
  return settings;
}

function isWithin(value: string, limit: number): boolean {
  const number = Number(value);
  return number > 0 && number <= limit;
}
