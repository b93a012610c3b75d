import type { PriceRecord } from '@weir/contracts';
import { isSamePrice } from '@weir/money';

/** What a price list has for the book. */
export interface NewPrices {
  readonly added: readonly PriceRecord[];
  /** Versions the list states other rates for. They stay as they are: a version never changes, a new date makes a new one. */
  readonly conflicts: readonly string[];
}

/** The versions of `listed` that `stored` does not have yet, and those it has with other rates. */
export function findNewPrices(listed: readonly PriceRecord[], stored: readonly PriceRecord[]): NewPrices {
  const known = new Map(stored.map((record) => [record.priceVersion, record]));
  const conflicts = listed.filter((record) => {
    const before = known.get(record.priceVersion);
    return before !== undefined && !isSamePrice(before, record);
  });
  return {
    added: listed.filter((record) => !known.has(record.priceVersion)),
    conflicts: conflicts.map((record) => record.priceVersion),
  };
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
