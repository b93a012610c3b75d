import { describe, expect, it } from '@jest/globals';
import { parseCsv } from './csv.js';
import { InvoiceError, parseInvoice, type InvoiceLine } from './invoice.js';
import { reconcile, type LedgerAttempt } from './reconcile.js';

const DAY = Date.parse('2026-08-01T00:00:00Z');
const id = (number: number): string => `019ae000-0000-7000-8000-${String(number).padStart(12, '0')}`;
const line = (number: number, part: Partial<InvoiceLine> = {}): InvoiceLine => ({
  attemptId: id(number),
  model: 'm',
  quantities: new Map([['output', 10n]]),
  billedPico: 100n,
  endedAt: DAY + 1,
  ...part,
});
const attempt = (number: number, part: Partial<LedgerAttempt> = {}): LedgerAttempt => ({
  attemptId: id(number),
  model: 'm',
  chargedAt: DAY + 1,
  quantities: new Map([['output', 10n]]),
  amountPico: 100n,
  isUnpriced: false,
  usageSource: 'provider',
  ...part,
});
const compare = (invoice: InvoiceLine[], attempts: LedgerAttempt[], uncharged: [string, string][] = []) =>
  reconcile({ provider: 'p', invoice, attempts, uncharged: new Map(uncharged), since: DAY, until: DAY + 86_400_000 });
const kindOf = (invoice: InvoiceLine[], attempts: LedgerAttempt[], uncharged: [string, string][] = []) =>
  compare(invoice, attempts, uncharged).differences.map((difference) => difference.kind);

describe('reconciliation', () => {
  it('has nothing to say where invoice and ledger agree', () => {
    const answer = compare([line(1), line(2, { quantities: null })], [attempt(1), attempt(2)]);
    expect(answer).toEqual({
      days: [
        {
          provider: 'p',
          day: '2026-08-01',
          billedPico: '200',
          chargedPico: '200',
          invoiceLines: 2,
          matched: 2,
          capturedMillionths: 1_000_000,
        },
      ],
      differences: [],
      counts: {},
    });
  });

  it('explains each line that differs', () => {
    expect(kindOf([line(1)], [])).toEqual(['not-ours']);
    expect(kindOf([line(1, { attemptId: null })], [])).toEqual(['not-ours']);
    expect(kindOf([line(1)], [], [[id(1), 'our record has it as failed']])).toEqual(['usage-differs']);
    expect(kindOf([], [attempt(1)])).toEqual(['not-billed']);
    expect(kindOf([], [attempt(1, { usageSource: 'bounded' })])).toEqual(['bounded']);
    expect(kindOf([line(1)], [attempt(1, { usageSource: 'bounded', amountPico: 101n })])).toEqual(['bounded']);
    expect(kindOf([line(1)], [attempt(1, { usageSource: 'bounded', amountPico: 99n })])).toEqual(['over-bound']);
    expect(kindOf([line(1)], [attempt(1, { amountPico: 99n })])).toEqual(['price-differs']);
    expect(kindOf([line(1)], [attempt(1, { quantities: new Map([['output', 9n]]) })])).toEqual(['usage-differs']);
    expect(kindOf([line(1)], [attempt(1, { isUnpriced: true, amountPico: 0n })])).toEqual(['unpriced']);
    expect(kindOf([line(1), line(1)], [attempt(1)])).toEqual(['billed-twice']);
  });

  it('finds the one pico-USD, and which bucket it is in', () => {
    expect(compare([line(1, { billedPico: 101n })], [attempt(1)]).differences[0]?.detail).toContain('0.000000000101');
    const other = new Map([
      ['output', 9n],
      ['reasoning', 1n],
    ]);
    expect(compare([line(1)], [attempt(1, { quantities: other })]).differences[0]?.detail).toBe(
      'output: billed 10, ours 9; reasoning: billed 0, ours 1',
    );
  });

  it('matches over midnight, and counts days by the invoice', () => {
    const beforeMidnight = attempt(1, { chargedAt: DAY - 1 });
    expect(compare([line(1)], [beforeMidnight]).counts).toEqual({});
    expect(compare([line(1, { endedAt: DAY + 86_400_000 })], [attempt(1)])).toMatchObject({ days: [], counts: {} });
  });

  it('tells the share of what was billed that was captured, never rounded up', () => {
    const days = compare(
      [line(1, { billedPico: 999_999_999n }), line(2, { billedPico: 1n })],
      [attempt(1, { amountPico: 999_999_999n })],
    ).days;
    expect(days[0]?.capturedMillionths).toBe(999_999);
  });
});

describe('an invoice', () => {
  const rest = '"model": "m", "endedAt": "2026-08-01T00:00:00.000Z"';

  it('is read to the last digit, from NDJSON and from CSV', () => {
    const ndjson = `{"attemptId": "${id(1)}", ${rest}, "output": 33, "reasoning": 0, "costUsd": 0.000342500001}\n\n`;
    const expected: InvoiceLine[] = [
      { attemptId: id(1), model: 'm', quantities: new Map([['output', 33n]]), billedPico: 342_500_001n, endedAt: DAY },
    ];
    expect(parseInvoice('ndjson', ndjson)).toEqual(expected);
    const csv = `attemptId,model,output,reasoning,costUsd,endedAt\r\n${id(1).toUpperCase()},"m",33,0,0.000342500001,2026-08-01T00:00:00.000Z\r\n`;
    expect(parseInvoice('csv', csv)).toEqual(expected);
    expect(parseInvoice('csv', `model,costUsd,endedAt\n"a ""b"", c",1,2026-08-01T00:00:00Z`)).toMatchObject([
      { attemptId: null, model: 'a "b", c', quantities: null },
    ]);
  });

  it.each([
    ['ndjson', `{${rest}, "costUsd": "1"}\n{`, 'line 2'],
    ['ndjson', `{${rest}}`, 'costUsd is missing'],
    ['ndjson', `{${rest}, "costUsd": "0.0000000000001"}`, 'finer than a pico-USD'],
    ['ndjson', `{${rest}, "costUsd": "1", "output": 1.5}`, 'output is no count'],
    ['ndjson', '{"costUsd": "1", "endedAt": "soon"}', 'endedAt is no time'],
    ['csv', '', 'there is no header'],
    ['csv', 'costUsd,endedAt\n1', 'line 2: 1 cells'],
    ['csv', 'costUsd,"endedAt\n1', 'line 1: a quote'],
  ] as const)('that cannot be read is refused by line (%s, %s)', (format, text, message) => {
    expect(() => parseInvoice(format, text)).toThrow(InvoiceError);
    expect(() => parseInvoice(format, text)).toThrow(message);
  });

  it('may have anything in its quotes', () => {
    expect(parseCsv('a,"b\n1",\r\n\r\n"",x\n').map(({ cells, line }) => [line, ...cells])).toEqual([
      [1, 'a', 'b\n1', ''],
      [4, '', 'x'],
    ]);
    expect(() => parseCsv('a,"b')).toThrow(/line 1/);
  });
});
