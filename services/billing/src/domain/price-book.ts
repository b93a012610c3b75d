import type { PriceRecord } from '@weir/contracts';
import { isSamePrice } from '@weir/money';

/** A price list states other rates for a version that exists: versions never change, a new date makes a new one. */
export class PriceConflictError extends Error {
  override readonly name = 'PriceConflictError';
  constructor(readonly priceVersions: readonly string[]) {
    super(`price versions never change; give a new date to: ${priceVersions.join(', ')}`);
  }
}

/**
 * The versions of `listed` that `stored` does not have yet.
 *
 * @throws PriceConflictError naming each one that is stored with other rates.
 */
export function findNewPrices(listed: readonly PriceRecord[], stored: readonly PriceRecord[]): readonly PriceRecord[] {
  const known = new Map(stored.map((record) => [record.priceVersion, record]));
  const isNew = (record: PriceRecord): boolean => !known.has(record.priceVersion);
  const conflicts = listed.filter((record) => {
    const before = known.get(record.priceVersion);
    return before !== undefined && !isSamePrice(before, record);
  });
  if (conflicts.length > 0) throw new PriceConflictError(conflicts.map((record) => record.priceVersion));
  return listed.filter(isNew);
}

/** Every version by its name. Versions of the past stay: attempts that pinned them are charged at them. */
export class PriceBook {
  private records: ReadonlyMap<string, PriceRecord> = new Map();

  replace(records: readonly PriceRecord[]): void {
    this.records = new Map(records.map((record) => [record.priceVersion, record]));
  }

  readonly find = (priceVersion: string): PriceRecord | undefined => this.records.get(priceVersion);

  all(): readonly PriceRecord[] {
    return [...this.records.values()];
  }
}
