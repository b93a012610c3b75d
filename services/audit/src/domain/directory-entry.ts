import type { CatalogRecord } from '@weir/contracts';

/** A name that goes with an id of the record. */
export interface DirectoryEntry {
  readonly kind: 'organisation' | 'team' | 'person' | 'key';
  readonly id: string;
  readonly organisationId: string;
  readonly teamId: string;
  readonly name: string;
  readonly email: string;
  /** Version of the catalog's record: the highest is current. */
  readonly version: number;
}

/**
 * The directory's entry for a catalog record; undefined where the record names nobody. What is removed from the catalog keeps its
 * name here, since the record goes on speaking of it.
 */
export function findDirectoryEntry(record: CatalogRecord): DirectoryEntry | undefined {
  switch (record.kind) {
    case 'organisation':
      return entryOf(record, { organisationId: record.id });
    case 'team':
      return entryOf(record, { organisationId: record.organisationId, teamId: record.id });
    case 'person':
      return entryOf(record, { ...record, email: record.email ?? '' });
    case 'key':
      return entryOf(record, { organisationId: record.organisationId, teamId: record.teamId });
    case 'provider':
    case 'model':
    case 'alias':
    case 'removed':
    case 'complete':
      return undefined;
  }
}

function entryOf(
  record: Pick<DirectoryEntry, 'kind' | 'id' | 'name' | 'version'>,
  place: { organisationId: string; teamId?: string; email?: string },
): DirectoryEntry {
  const { kind, id, name, version } = record;
  const { organisationId, teamId = '', email = '' } = place;
  return { kind, id, organisationId, teamId, name, email, version };
}
