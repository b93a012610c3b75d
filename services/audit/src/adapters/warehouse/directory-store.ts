import { createHash } from 'node:crypto';
import { encodeCell } from '@weir/landing';
import type { Warehouse } from '@weir/warehouse';
import type { DirectoryEntry } from '../../domain/directory-entry.js';

const COLUMNS = ['kind', 'id', 'organisation_id', 'team_id', 'name', 'email', 'removed', 'version'];

export const entryKey = (entry: Pick<DirectoryEntry, 'kind' | 'id'>): string => `${entry.kind}:${entry.id}`;

/** Versions the warehouse holds, by {@link entryKey}. */
export async function readDirectoryVersions(warehouse: Warehouse): Promise<Map<string, number>> {
  const rows = await warehouse.query<{ kind: DirectoryEntry['kind']; id: string; version: string }>(
    `SELECT kind, id, max(version) AS version FROM ${warehouse.database}.directory GROUP BY kind, id`,
  );
  return new Map(rows.map((row) => [entryKey(row), Number(row.version)]));
}

export async function writeDirectory(warehouse: Warehouse, entries: readonly DirectoryEntry[]): Promise<void> {
  const lines = entries
    .map(
      ({ kind, id, organisationId, teamId, name, email, version }) =>
        `${[kind, id, organisationId, teamId, name, email, false, version].map(encodeCell).join('\t')}\n`,
    )
    .join('');
  const token = `directory:${createHash('sha256').update(lines).digest('hex')}`;
  await warehouse.insertLines({ table: 'directory', columns: COLUMNS, lines, token });
}
