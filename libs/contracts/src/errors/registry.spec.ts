import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { ERRORS, findError, isErrorCode } from './registry.js';

const page = readFileSync(join(__dirname, '../../../../docs/errors.md'), 'utf8');

describe('the registry of errors', () => {
  it('is what docs/errors.md says, row by row', () => {
    const rows = Object.entries(ERRORS).map(
      ([code, { status, retryable, openai, anthropic, message }]) =>
        `| \`${code}\` | ${status} | ${retryable ? 'yes' : 'no'} | ${openai.type}${openai.code === null ? '' : `, \`${openai.code}\``} | ${anthropic} | ${message} |`,
    );
    const documented = page.split('\n').filter((line) => line.startsWith('| `'));
    expect(documented).toEqual(rows);
  });

  it('treats a code of a newer version as internal', () => {
    expect(isErrorCode('a_code_of_tomorrow')).toBe(false);
    expect(isErrorCode('toString')).toBe(false);
    expect(findError('a_code_of_tomorrow')).toBe(ERRORS.internal);
  });
});
