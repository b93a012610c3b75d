import { describe, expect, it } from '@jest/globals';
import { CHARGE_BUCKETS, type PriceRecord } from '@weir/contracts';
import { findLedgerFault, type BookedLine, type RecordedLine } from './ledger-rules.js';

const VERSION = 'p/m@2026-01-01';
const rates = { inputUncached: '3', inputCacheRead: '3', inputCacheWrite5m: '3', inputCacheWrite1h: '3' };
const price: PriceRecord = {
  kind: 'price',
  key: 'p/m',
  priceVersion: VERSION,
  validFrom: 0,
  source: 'test',
  rates: { ...rates, output: '5', reasoning: '5' },
  tiers: { flex: { rates: { ...rates, output: '2', reasoning: '2' } } },
};
const WITH_FEE = 'p/m@2026-02-01';
const prices = new Map([
  [VERSION, price],
  [WITH_FEE, { ...price, priceVersion: WITH_FEE, rates: { ...price.rates, requests: '9' }, tiers: {} }],
]);
const booked = (part: Partial<BookedLine> = {}): BookedLine => ({
  line: 4,
  bucket: 'output',
  quantity: 7n,
  amountPico: 35n,
  ratePico: 5n,
  priceVersion: VERSION,
  isWhole: true,
  ...part,
});
const recorded = (part: Partial<RecordedLine> = {}): RecordedLine => ({
  origin: 'x:1:1',
  line: 4,
  bucket: 'output',
  quantity: 7n,
  costUsd: '0.000000000035',
  priceVersion: VERSION,
  ...part,
});
const feeLine = { line: CHARGE_BUCKETS.indexOf('requests'), bucket: 'requests', quantity: 1n };
const fee = (part: Partial<BookedLine> = {}): BookedLine =>
  booked({ ...feeLine, amountPico: 9n, ratePico: 9n, priceVersion: WITH_FEE, ...part });
const atFee = booked({ priceVersion: WITH_FEE });
const withoutPrice = recorded({ costUsd: null, priceVersion: '' });
const charged = [
  recorded({ priceVersion: WITH_FEE }),
  recorded({ ...feeLine, costUsd: '0.000000000009', priceVersion: WITH_FEE }),
];
const unused = recorded({ origin: 'y:1:1', line: -1, bucket: '', quantity: 0n, costUsd: null, priceVersion: '' });

describe('what is booked of an attempt', () => {
  it.each([
    ['what it was charged', [booked()], [recorded()]],
    ['one of two events', [booked()], [recorded({ origin: 'z:1:1', quantity: 9n }), recorded()]],
    ['a bound taken back to nothing', [booked({ quantity: 0n, amountPico: 0n })], [recorded(), unused]],
    [
      'an older price rated anew',
      [booked()],
      [recorded({ priceVersion: 'p/m@2025-01-01', costUsd: '0.000000000028' })],
    ],
    ['another tier rated anew', [booked({ amountPico: 14n })], [recorded({ priceVersion: 'p/m@2025-01-01' })]],
    ['no price', [booked({ ratePico: null, amountPico: 0n, priceVersion: '' })], [recorded({ costUsd: null })]],
    ['a fee per request, charged', [atFee, fee()], charged],
    ['a fee per request, rated anew from nothing', [atFee, fee()], [withoutPrice]],
    ['a fee per request, rated anew', [atFee, fee()], [recorded()]],
    ['a fee per request, rated away', [booked(), fee({ quantity: 0n, amountPico: 0n })], charged],
  ])('may be %s', (_, lines, facts) => {
    expect(findLedgerFault(lines, facts, prices)).toBeUndefined();
  });

  it.each([
    ['nothing recorded', [booked()], [], 'no event'],
    ['another count', [booked({ quantity: 8n })], [recorded()], 'no event'],
    ['another line', [booked({ line: 5, bucket: 'reasoning' })], [recorded()], 'no event'],
    ['a pico-USD more', [booked({ amountPico: 36n })], [recorded()], 'does not make'],
    ['a version nobody knows', [booked({ priceVersion: 'p/m@1999-01-01' })], [recorded()], 'does not make'],
    ['an amount of nothing', [booked({ quantity: 0n })], [unused], 'holds nothing'],
    ['a revision gone', [booked({ isWhole: false })], [recorded()], 'lacks a revision'],
    ['a fee per request that its version has and the ledger has not', [atFee], charged, 'does not make'],
    [
      'a fee per request that its version has not',
      [booked(), fee({ priceVersion: VERSION })],
      [recorded()],
      'does not',
    ],
    [
      'two fees of an event that states none',
      [atFee, fee({ quantity: 2n, amountPico: 18n })],
      [recorded()],
      'no event',
    ],
    ['a fee of an event without use', [fee()], [unused], 'no event'],
  ])('may not be %s', (_, lines, facts, reason) => {
    expect(findLedgerFault(lines, facts, prices)).toContain(reason);
  });
});
