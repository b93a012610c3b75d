import { describe, expect, it } from '@jest/globals';
import { renderCsv, renderTable, usd } from './table.js';

describe('tables', () => {
  it('line up, figures to the right', () => {
    expect(
      renderTable(
        ['name', 'usd'],
        [
          ['a', '1'],
          ['bcd', '12'],
        ],
        [1],
      ),
    ).toBe('name  usd\na       1\nbcd    12');
  });

  it('are CSV that no spreadsheet runs', () => {
    const rows = [
      ['a', 'b'],
      ['x,"y"\n', '=1+1'],
      ['-0.5', '@sum'],
    ];
    expect(renderCsv(rows)).toBe('a,b\r\n"x,""y""\n",\'=1+1\r\n-0.5,\'@sum\r\n');
  });

  it('state money to the last digit', () => {
    expect(usd('-1000000000001')).toBe('-1.000000000001');
  });
});
