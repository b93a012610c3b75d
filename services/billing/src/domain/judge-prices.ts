import type { PriceRecord, PriceVerdict } from '@weir/contracts';
import { approvalReasonsOf, differencesOf, type ImportCandidate } from '@weir/money';

/** What is to become of one price of a list. */
export interface JudgedPrice {
  readonly verdict: PriceVerdict;
  /** What comes into force, or waits; undefined where nothing is to happen. */
  readonly record: PriceRecord | undefined;
}

/**
 * Judges what a list says against the book. A price that is at fault is refused; one that differs by much, or is nothing, waits for
 * somebody's approval; a version that exists is never given other rates.
 */
export function judgePrice(candidate: ImportCandidate, stored: readonly PriceRecord[]): JudgedPrice {
  const { name, key, record, faults, notCarried } = candidate;
  const before = record && findInForce(record, stored);
  const differences = record === undefined || before === undefined ? [] : differencesOf(before, record);
  const judged = (kind: PriceVerdict['kind'], reasons: readonly string[], next?: PriceRecord): JudgedPrice => ({
    verdict: {
      name,
      key,
      priceVersion: record?.priceVersion ?? null,
      kind,
      reasons,
      differences: differences.map((one) => ({ name: one.name, before: text(one.before), after: text(one.after) })),
      notCarried,
      proposal: null,
    },
    record: next,
  });
  if (record === undefined || faults.length > 0) return judged('refused', faults);
  if (differences.length === 0 && isOfSameRegion(before, record)) return judged('same', []);
  if (before?.priceVersion === record.priceVersion) {
    return judged('refused', [
      `${record.priceVersion} exists with other rates, and a version never changes: give another day`,
    ]);
  }
  const reasons = approvalReasonsOf(record, before);
  return judged(reasons.length === 0 ? 'accepted' : 'waiting', reasons, record);
}

const isOfSameRegion = (before: PriceRecord | undefined, next: PriceRecord): boolean =>
  before !== undefined && (before.region ?? null) === (next.region ?? null);

const text = (amount: bigint | null): string | null => (amount === null ? null : amount.toString());

/** The version of the same key in force on the day another would begin: of its region, or of none where the region has none. */
function findInForce(next: PriceRecord, stored: readonly PriceRecord[]): PriceRecord | undefined {
  const begun = stored.filter((price) => price.key === next.key && price.validFrom <= next.validFrom);
  const latestIn = (region: string | null): PriceRecord | undefined =>
    begun
      .filter((price) => (price.region ?? null) === region)
      .reduce<PriceRecord | undefined>(
        (one, price) => (one && one.validFrom >= price.validFrom ? one : price),
        undefined,
      );
  return latestIn(next.region ?? null) ?? latestIn(null);
}

/**
 * Which models of a list are meant: those of the book, those named, and others only where all are asked for. Two that would become the same
 * key are both at fault: nobody can say which of them is the price.
 */
export function selectCandidates(
  candidates: readonly ImportCandidate[],
  stored: readonly PriceRecord[],
  { keys, includeNew }: { readonly keys: Readonly<Record<string, string>>; readonly includeNew: boolean },
): ImportCandidate[] {
  const known = new Set(stored.map((price) => price.key));
  const chosen = candidates.filter(({ key, name }) => includeNew || known.has(key) || Object.hasOwn(keys, name));
  return chosen.map((candidate) => {
    const others = chosen.filter((other) => other !== candidate && other.key === candidate.key);
    if (others.length === 0) return candidate;
    const fault = `${others.map((other) => other.name).join(', ')} of this list is ${candidate.key} too: only one can be its price`;
    return { ...candidate, faults: [...candidate.faults, fault] };
  });
}
