import { describe, expect, it } from '@jest/globals';
import { parseCsv } from './csv.js';
import { RECORD_CHARACTERS_MAX } from './invoice-records.js';
import { InvoiceError, InvoiceReader, type InvoiceLine } from './invoice.js';
import { Reconciliation, type LedgerAttempt } from './reconcile.js';

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
const compare = (invoice: InvoiceLine[], attempts: LedgerAttempt[], uncharged: [string, string][] = []) => {
  const reconciliation = new Reconciliation({ provider: 'p', since: DAY, until: DAY + 86_400_000 });
  const reasons = new Map(uncharged);
  const named = invoice.map(({ attemptId }) => attemptId ?? '');
  invoice.forEach((one, index) => {
    const name = named[index] ?? '';
    reconciliation.addLine(one, {
      attempt: attempts.find(({ attemptId }) => attemptId === name),
      isRepeated: named.indexOf(name) < index,
      uncharged: reasons.get(name),
    });
  });
  for (const one of attempts) if (!named.includes(one.attemptId)) reconciliation.addUnbilled(one);
  return reconciliation.answer();
};
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

/** Read in pieces of so many characters. */
function parseInvoice(format: 'ndjson' | 'csv', text: string, size = Infinity): InvoiceLine[] {
  const reader = new InvoiceReader(format);
  const lines: InvoiceLine[] = [];
  for (let at = 0; at < text.length; at += size) lines.push(...reader.push(text.slice(at, at + size)));
  return [...lines, ...reader.end()];
}

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
    expect(parseCsv('a,"b\n1",\r\n\r\n"",x\n')).toEqual([
      ['a', 'b\n1', ''],
      ['', 'x'],
    ]);
    expect(() => parseCsv('a,"b')).toThrow(/quote/);
  });

  it('is the same wherever it is cut into pieces', () => {
    const csv = `\uFEFFmodel,costUsd,endedAt\r\n"a ""b"",\r\nc",1,2026-08-01T00:00:00Z\r\n\r\n"ü",2,2026-08-01T00:00:00Z`;
    const ndjson = `{${rest}, "costUsd": 1}\r\n\n{${rest}, "costUsd": 2}`;
    for (let size = 1; size < csv.length; size += 1) {
      expect(parseInvoice('csv', csv, size)).toEqual(parseInvoice('csv', csv));
      expect(parseInvoice('ndjson', ndjson, size)).toEqual(parseInvoice('ndjson', ndjson));
    }
    expect(parseInvoice('csv', csv)).toMatchObject([
      { model: 'a "b",\r\nc' },
      { model: 'ü', billedPico: 2n * 10n ** 12n },
    ]);
    expect(() => parseInvoice('csv', `model,costUsd,endedAt\r\n"a\r\nb",1,2026-08-01T00:00:00Z\r\n1`)).toThrow(
      'line 4: 1 cells',
    );
  });

  it('is given up where a line does not end', () => {
    const reader = new InvoiceReader('ndjson');
    expect(() => reader.push('\n'.repeat(3) + 'x'.repeat(RECORD_CHARACTERS_MAX + 1))).toThrow(/line 4: it is longer/);
  });
});
