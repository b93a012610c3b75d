import type { CatalogRecord, CredentialRecord, KvBucketName } from '@weir/contracts';

type WithoutVersion<T> = T extends unknown ? Omit<T, 'version'> : never;

/** One record as the configuration wants it, before the store gives it a version. */
export interface DesiredEntry {
  readonly bucket: KvBucketName;
  readonly kind: string;
  readonly id: string;
  readonly document: WithoutVersion<CatalogRecord> | WithoutVersion<CredentialRecord>;
  /** What tells whether the record changed; a sealed secret differs at each sealing, so it is not compared itself. */
  readonly fingerprint: string;
}

/** One record as stored. `isRemoved` ones stay, so that an older copy on the bus cannot come back. */
export interface StoredEntry {
  readonly bucket: KvBucketName;
  readonly kind: string;
  readonly id: string;
  readonly fingerprint: string;
  readonly isRemoved: boolean;
}

export interface CatalogChange {
  readonly put: readonly DesiredEntry[];
  readonly remove: readonly Pick<StoredEntry, 'bucket' | 'kind' | 'id'>[];
}

const keyOf = (entry: Pick<StoredEntry, 'bucket' | 'kind' | 'id'>): string =>
  JSON.stringify([entry.bucket, entry.kind, entry.id]);

/** What has to change for the store to hold exactly the desired entries. Applying the same configuration twice changes nothing. */
export function diffEntries(stored: readonly StoredEntry[], desired: readonly DesiredEntry[]): CatalogChange {
  const present = new Map(stored.filter((entry) => !entry.isRemoved).map((entry) => [keyOf(entry), entry.fingerprint]));
  const wanted = new Set(desired.map(keyOf));
  return {
    put: desired.filter((entry) => present.get(keyOf(entry)) !== entry.fingerprint),
    remove: stored.filter((entry) => !entry.isRemoved && !wanted.has(keyOf(entry))),
  };
}
