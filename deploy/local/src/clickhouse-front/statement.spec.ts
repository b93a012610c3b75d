import { describe, expect, it } from '@jest/globals';
import { ClickHouseException } from './exception.js';
import { buildReaderLimits, buildReaderSettings, quoteIdentifier, quoteString, renderSet } from './statement.js';

describe('statements of our own', () => {
  it('hold hostile values and names', () => {
    expect(quoteString("a'; DROP TABLE x; --\\")).toBe("'a\\'; DROP TABLE x; --\\\\'");
    expect(quoteIdentifier('a`b\\')).toBe('`a\\`b\\\\`');
    expect(renderSet(new Map([['max_threads', '2']]))).toBe("SET max_threads = '2'");
    expect(() => renderSet(new Map([["x = 1, readonly = '0", '1']]))).toThrow(ClickHouseException);
    expect(renderSet(new Map())).toBeUndefined();
  });

  it('keep a reader within its limits whatever it asks for', () => {
    const limits = buildReaderLimits(
      {
        readers: 1,
        readersWaiting: 1,
        writersWaiting: 1,
        executionSeconds: 60,
        memoryBytes: 1000,
        resultRows: 100,
        bodyBytes: 1,
      },
      2,
    );
    const settings = buildReaderSettings(
      limits,
      new Map([
        ['max_threads', '1'],
        ['readonly', '0'],
        ['extremes', '1'],
      ]),
    );
    expect(Object.fromEntries(settings)).toMatchObject({ max_threads: '1', max_execution_time: '60', extremes: '1' });
    expect(settings.has('readonly')).toBe(false);
    for (const value of ['0', '61', '-1', 'NaN', '']) {
      expect(() => buildReaderSettings(limits, new Map([['max_execution_time', value]]))).toThrow(
        /shouldn't be greater/,
      );
    }
  });
});
