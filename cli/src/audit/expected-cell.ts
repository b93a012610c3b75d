import { picoToUsd, type PicoUsd } from '@weir/money';
import type { ColumnKind, Expected } from './column-rules.js';

export const NULL_CELL = '\\N';

/**
 * A cell as ClickHouse writes the expected value in `TabSeparated`; undefined where that can be said in more than one way. Only a short cut: a
 * cell that is not this text is compared by its value.
 */
export function expectedCell(kind: ColumnKind, expected: Expected): string | undefined {
  if (expected === null) return NULL_CELL;
  switch (kind) {
    case 'text':
      return NEEDS_ESCAPE.test(expected as string) ? undefined : (expected as string);
    case 'money':
      return moneyCell(expected as PicoUsd);
    case 'time':
      return String(Math.floor(Number(expected)));
    case 'list':
      return (expected as readonly string[]).length === 0 ? '[]' : undefined;
    case 'exact':
    case 'number':
      return typeof expected === 'string' ? expected : String(expected);
  }
}

const NEEDS_ESCAPE = /[\\\t\n\r\0\b\f]/;

function moneyCell(pico: PicoUsd): string {
  return pico === 0n ? '0' : picoToUsd(pico).replace(/\.?0+$/, '');
}
