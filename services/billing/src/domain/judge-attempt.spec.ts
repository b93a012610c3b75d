import { describe, expect, it } from '@jest/globals';
import { CHARGE_BUCKETS, type PriceRecord } from '@weir/contracts';
import { judgeAttempt } from './judge-attempt.js';
import { UNUSED_LINE, type BookedLine, type ChargeFact } from './ledger.js';

const VERSION = 'p/m@2026-01-01';
const price: PriceRecord = {
  kind: 'price',
  priceVersion: VERSION,
  key: 'p/m',
  validFrom: 0,
  source: 'test',
  rates: {
    inputUncached: '3',
    inputCacheRead: '3',
    inputCacheWrite5m: '3',
    inputCacheWrite1h: '3',
    output: '5',
    reasoning: '5',
  },
};
const context = {
  organisationId: 'o',
  teamId: 't',
  personId: '',
  keyId: 'k',
  application: '',
  provider: 'p',
  deploymentId: 'd',
  model: 'm',
  upstreamModel: 'm',
  region: 'r',
  simulated: true,
};
const output = (quantity: bigint, part: Partial<ChargeFact> = {}): ChargeFact => ({
  attemptId: 'a',
  line: 4,
  bucket: 'output',
  quantity,
  ratePico: 5n,
  costPico: quantity * 5n,
  priceVersion: VERSION,
  usageSource: 'provider',
  chargedAt: 0,
  origin: 'x:1:1',
  context,
  ...part,
});
const unused = (part: Partial<ChargeFact> = {}): ChargeFact =>
  output(0n, {
    line: UNUSED_LINE,
    bucket: '',
    ratePico: null,
    costPico: null,
    priceVersion: '',
    usageSource: 'none',
    ...part,
  });
const bookedOf = (fact: ChargeFact): BookedLine => ({
  ...fact,
  revision: 0,
  amountPico: fact.costPico ?? 0n,
});
const judge = (facts: readonly ChargeFact[], booked: readonly BookedLine[] = [], isKnown = true) =>
  judgeAttempt(facts, booked, { findPrice: () => (isKnown ? price : undefined), isLate: booked.length > 0 });
const amounts = ({ entries }: ReturnType<typeof judge>) => entries.map(({ line, entryPico }) => [line, entryPico]);

describe('judging an attempt', () => {
  it('books a line once that the record has twice, and finds no fault in that', () => {
    const judged = judge([output(2n), output(2n)]);
    expect(amounts(judged)).toEqual([[4, 10n]]);
    expect(judged.setAside).toEqual([]);
  });

  it('sets aside an event whose lines contradict each other', () => {
    const judged = judge([output(2n), output(3n)]);
    expect(judged.entries).toEqual([]);
    expect(judged.setAside).toMatchObject([{ kind: 'fault', reason: expect.stringContaining('twice') }]);
  });

  it.each([
    ['an amount that no price makes', output(2n, { costPico: 11n }), true, 'not what'],
    [
      'an amount of a usage from a source nobody knows',
      output(2n, { costPico: 11n, usageSource: 'hearsay' }),
      true,
      'not what',
    ],
    ['a price version nobody knows', output(2n), false, 'no price version'],
    ['a bucket there is not', output(2n, { bucket: 'smell' }), true, 'no bucket smell'],
    ['a count beyond counting', output(2n ** 60n), true, 'nobody can count'],
  ])('sets aside %s, and books nothing of it', (_, fact, isKnown, reason) => {
    const judged = judge([fact], [], isKnown);
    expect(judged.entries).toEqual([]);
    expect(judged.setAside).toMatchObject([{ kind: 'fault', facts: [fact], reason: expect.stringContaining(reason) }]);
  });

  it('books a sound event beside a faulty one, which is cured by it where it is known as well', () => {
    const faulty = output(2n, { costPico: 11n });
    const sound = judge([faulty, output(2n, { origin: 'y:1:1' })]);
    expect(amounts(sound)).toEqual([[4, 10n]]);
    expect(sound.setAside).toEqual([]);
    const bound = judge([faulty, output(9n, { origin: 'y:1:1', usageSource: 'bounded' })]);
    expect(amounts(bound)).toEqual([[4, 45n]]);
    expect(bound.setAside).toMatchObject([{ kind: 'fault', facts: [faulty] }]);
  });

  it('names the event that contradicts what is booked', () => {
    const other = output(3n, { origin: 'y:1:1' });
    const judged = judge([output(2n), other], [bookedOf(output(2n))]);
    expect(judged).toMatchObject({ entries: [], setAside: [{ kind: 'conflict', facts: [other] }] });
  });

  it('takes no fee per request for another count, whether the version that is booked or the recorded one has it', () => {
    const fee = { line: CHARGE_BUCKETS.indexOf('requests'), bucket: 'requests', quantity: 1n };
    const free = output(2n, { ratePico: null, costPico: null, priceVersion: '' });
    const ratedWithFee = [bookedOf(output(2n)), bookedOf(output(1n, fee))];
    expect(judge([free], ratedWithFee)).toEqual({ entries: [], setAside: [] });
    const recordedWithFee = [free, { ...free, ...fee }];
    expect(judge(recordedWithFee, [bookedOf(output(2n))])).toEqual({ entries: [], setAside: [] });
    expect(judge([output(3n, { ...free, quantity: 3n })], ratedWithFee).setAside).toMatchObject([{ kind: 'conflict' }]);
  });

  it('takes a bound back to nothing where nothing was used, in whatever order it is told', () => {
    const bound = output(9n, { usageSource: 'bounded', origin: 'b:1:1' });
    const later = judge([unused()], [bookedOf(bound)]);
    expect(amounts(later)).toEqual([[4, -45n]]);
    expect(later.entries).toMatchObject([{ quantity: -9n, usageSource: 'none', kind: 'correction' }]);
    expect(judge([bound, unused()])).toEqual({ entries: [], setAside: [] });
    const zero: BookedLine = { ...bookedOf(bound), quantity: 0n, amountPico: 0n, revision: 1, usageSource: 'none' };
    expect(judge([bound, unused()], [zero])).toEqual({ entries: [], setAside: [] });
  });

  it('sees a conflict where one event counts and another says that nothing was used', () => {
    const judged = judge([unused({ origin: 'z:1:1' })], [bookedOf(output(2n))]);
    expect(judged).toMatchObject({ entries: [], setAside: [{ kind: 'conflict' }] });
  });

  it('takes what was used at a rate of nothing for used', () => {
    const free = output(2n, { ratePico: null, costPico: null, priceVersion: '' });
    expect(judge([free, unused({ usageSource: 'provider' })]).entries).toMatchObject([{ line: 4, quantity: 2n }]);
  });
});
