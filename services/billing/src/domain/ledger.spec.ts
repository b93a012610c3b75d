import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { monthEnd, monthOf, planAttempt, type BookedLine, type ChargeFact, type PlannedEntry } from './ledger.js';

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
const fact = (line: number, quantity: bigint, part: Partial<ChargeFact> = {}): ChargeFact => ({
  attemptId: 'a',
  line,
  bucket: `bucket${line}`,
  quantity,
  ratePico: 3n,
  costPico: quantity * 3n,
  priceVersion: 'p/m@2026-01-01',
  usageSource: 'provider',
  chargedAt: 0,
  origin: 'x:1:1',
  context,
  ...part,
});
const bounded = (line: number, quantity: bigint): ChargeFact =>
  fact(line, quantity, { usageSource: 'bounded', origin: 'y:1:1' });

/** A ledger of one attempt. */
function book(batches: readonly (readonly ChargeFact[])[]): {
  entries: PlannedEntry[];
  booked: BookedLine[];
  conflicts: number;
} {
  const entries: PlannedEntry[] = [];
  const booked = new Map<number, BookedLine>();
  let conflicts = 0;
  batches.forEach((facts, index) => {
    const plan = planAttempt(facts, [...booked.values()], index > 0);
    if (plan.conflicts.length > 0) conflicts += 1;
    for (const entry of plan.entries) {
      const before = booked.get(entry.line);
      expect(entry.revision).toBe((before?.revision ?? -1) + 1);
      booked.set(entry.line, { ...entry, quantity: (before?.quantity ?? 0n) + entry.quantity });
      entries.push(entry);
    }
  });
  return { entries, booked: [...booked.values()], conflicts };
}

const sum = (entries: readonly PlannedEntry[]): bigint =>
  entries.reduce((total, entry) => total + (entry.entryPico ?? 0n), 0n);

describe('the ledger', () => {
  it('books an attempt once, however often it is read', () => {
    const facts = [fact(0, 5n), fact(4, 7n)];
    const { entries } = book([facts, facts, [...facts, ...facts]]);
    expect(entries.map(({ line, revision, kind, entryPico }) => [line, revision, kind, entryPico])).toEqual([
      [0, 0, 'charge', 15n],
      [4, 0, 'charge', 21n],
    ]);
  });

  it('replaces a bound by the count that comes later, line by line', () => {
    const { entries, booked } = book([
      [bounded(3, 100n), bounded(4, 50n)],
      [fact(0, 10n), fact(4, 20n)],
    ]);
    expect(sum(entries)).toBe(90n);
    expect(
      entries
        .slice(2)
        .map(({ line, revision, kind, quantity, entryPico }) => [line, revision, kind, quantity, entryPico]),
    ).toEqual([
      [0, 0, 'correction', 10n, 30n],
      [4, 1, 'correction', -30n, -90n],
      [3, 1, 'correction', -100n, -300n],
    ]);
    expect(booked.find((line) => line.line === 3)?.quantity).toBe(0n);
  });

  it('comes to the same sum in whatever order and pieces the facts are read', () => {
    const origin = fc.record({
      usageSource: fc.constantFrom('provider', 'estimated', 'bounded'),
      quantities: fc.uniqueArray(fc.tuple(fc.nat(9), fc.bigInt({ min: 1n, max: 10n ** 9n })), {
        minLength: 1,
        selector: ([line]) => line,
      }),
    });
    const recorded = fc.uniqueArray(origin, { minLength: 1, maxLength: 3, selector: (one) => one.usageSource });
    fc.assert(
      fc.property(recorded, fc.infiniteStream(fc.nat(2)), (origins, order) => {
        const events = origins.map(({ usageSource, quantities }, index) =>
          quantities.map(([line, quantity]) => fact(line, quantity, { usageSource, origin: `e${index}` })),
        );
        const batches = [...order.take(12)].map((index) => events[index % events.length] ?? []);
        const { entries, conflicts } = book([...batches, ...events]);
        const best = ['provider', 'estimated', 'bounded'].find((source) =>
          origins.some((one) => one.usageSource === source),
        );
        const quantities = origins.find((one) => one.usageSource === best)?.quantities ?? [];
        expect(sum(entries)).toBe(quantities.reduce((total, [, quantity]) => total + quantity * 3n, 0n));
        expect(conflicts).toBe(0);
      }),
    );
  });

  it('says so where two counts of the same standing differ, and keeps the first', () => {
    const { entries, conflicts } = book([[fact(0, 5n)], [fact(0, 6n, { origin: 'z:1:1' })]]);
    expect(sum(entries)).toBe(15n);
    expect(conflicts).toBe(1);
    // Also where the fact that is booked is read along with the other, whichever is first by its name.
    expect(book([[fact(0, 5n)], [fact(0, 5n), fact(0, 6n, { origin: 'z:1:1' })]]).conflicts).toBe(1);
    expect(book([[fact(0, 5n), fact(0, 6n, { origin: 'z:1:1' })]]).conflicts).toBe(1);
  });

  it('keeps a line without a price in sight and out of the sum', () => {
    const { entries } = book([[fact(0, 5n, { ratePico: null, costPico: null })]]);
    expect(entries).toMatchObject([{ entryPico: null, ratePico: null, quantity: 5n }]);
  });

  it('knows its months in UTC', () => {
    expect(monthOf(Date.parse('2026-12-31T23:59:59.999Z'))).toBe('2026-12');
    expect(monthEnd('2026-12')).toBe(Date.parse('2027-01-01T00:00:00Z'));
  });
});
