import type { PriceRecord } from '@weir/contracts';
import type { DataSource, EntityManager } from '@weir/store';
import { findNewPrices } from '../../domain/price-book.js';
import { PriceVersionEntity } from './price-version.entity.js';

/**
 * Stores the versions of the price lists that are new, and returns every version there is. One that a list states other rates for stays as
 * it is stored, and is told: charges must go on landing while somebody mends the list.
 */
export async function storePrices(
  dataSource: DataSource,
  listed: readonly PriceRecord[],
  onConflict: (priceVersions: readonly string[]) => void,
): Promise<readonly PriceRecord[]> {
  return dataSource.transaction(async (manager) => {
    const repository = manager.getRepository(PriceVersionEntity);
    const stored = (await repository.find()).map(mapEntityToRecord);
    const { added, conflicts } = findNewPrices(listed, stored);
    if (conflicts.length > 0) onConflict(conflicts);
    if (added.length > 0) {
      // Another process may have stored the same lists a moment ago; a different price would violate (key, valid_from) all the same.
      await repository.createQueryBuilder().insert().values(added.map(mapRecordToEntity)).orIgnore().execute();
    }
    return [...stored, ...added];
  });
}

/** Every version there is. */
export async function readPrices(store: Pick<EntityManager, 'getRepository'>): Promise<readonly PriceRecord[]> {
  return (await store.getRepository(PriceVersionEntity).find()).map(mapEntityToRecord);
}

/** Stores one version. @throws the store's error where it exists. */
export async function storePrice(manager: EntityManager, record: PriceRecord): Promise<void> {
  await manager.getRepository(PriceVersionEntity).insert(mapRecordToEntity(record));
}

function mapEntityToRecord(entity: PriceVersionEntity): PriceRecord {
  const { priceVersion, key, region, rates, bands, tiers, source } = entity;
  return {
    kind: 'price',
    priceVersion,
    key,
    ...(region === null ? {} : { region }),
    validFrom: entity.validFrom.getTime(),
    rates,
    ...(bands === null ? {} : { bands }),
    ...(tiers === null ? {} : { tiers }),
    source,
  };
}

function mapRecordToEntity(record: PriceRecord): Omit<PriceVersionEntity, 'storedAt'> {
  const { priceVersion, key, region = null, rates, bands = null, tiers = null, source } = record;
  return { priceVersion, key, region, validFrom: new Date(record.validFrom), rates, bands, tiers, source };
}
