import { COMPLETE_KEY, KV_BUCKETS, kvKey, type KvBucketName } from '@weir/contracts';
import { writeOutbox, type DataSource, type EntityManager, type OutboxMessage } from '@weir/store';
import { diffEntries, type DesiredEntry, type StoredEntry } from '../../domain/catalog-entry.js';
import { CatalogEntryEntity } from './catalog-entry.entity.js';

/** Buckets this service projects to; each ends with a marker that says the projection is complete. */
export const PROJECTED_BUCKETS = [KV_BUCKETS.catalog, KV_BUCKETS.credentials] as const;

const ROWS_A_STATEMENT = 500;

interface NewRow {
  readonly bucket: KvBucketName;
  readonly kind: string;
  readonly id: string;
  readonly document: object;
  readonly fingerprint: string;
  readonly isRemoved: boolean;
}

/** The catalog in Postgres. Each change is written together with the messages that carry it to the bus. */
export class CatalogStore {
  constructor(private readonly dataSource: DataSource) {}

  /**
   * Makes the catalog hold exactly these entries, in one transaction, one writer at a time. Returns how many records changed; with none,
   * nothing is written. Throws where Postgres cannot be written; then nothing has changed.
   */
  apply(desired: readonly DesiredEntry[]): Promise<number> {
    return this.dataSource.transaction(async (manager) => {
      await lockCatalog(manager);
      const stored = (await manager.find(CatalogEntryEntity, {
        select: { bucket: true, kind: true, id: true, fingerprint: true, isRemoved: true },
      })) as unknown as StoredEntry[];
      const change = diffEntries(stored, desired);
      const rows: NewRow[] = [
        ...change.put.map(({ bucket, kind, id, document, fingerprint }) => ({
          bucket,
          kind,
          id,
          document,
          fingerprint,
          isRemoved: false,
        })),
        ...change.remove.map(({ bucket, kind, id }) => ({
          bucket,
          kind,
          id,
          document: { kind: 'removed' },
          fingerprint: '',
          isRemoved: true,
        })),
      ];
      if (rows.length === 0) return 0;
      const versions = await nextVersions(manager, rows.length + 1);
      for (let at = 0; at < rows.length; at += ROWS_A_STATEMENT) {
        const part = rows.slice(at, at + ROWS_A_STATEMENT);
        const entities = part.map((row, n) => ({ ...row, version: String(versions[at + n]), changedAt: new Date() }));
        await manager.upsert(CatalogEntryEntity, entities, ['bucket', 'kind', 'id']);
      }
      const messages = rows.map((row, n) => messageOf(row, versions[n] ?? 0));
      await writeOutbox(manager, ...messages, ...completeMarkers(versions.at(-1) ?? 0));
      return rows.length;
    });
  }

  /**
   * Sends every record of a bucket again: for one that was lost with the broker's disk. Before the first configuration there is nothing to send,
   * and no marker either: an empty catalog that calls itself complete would turn away valid keys.
   */
  resend(bucket: KvBucketName): Promise<void> {
    return this.dataSource.transaction(async (manager) => {
      await lockCatalog(manager);
      if ((await manager.count(CatalogEntryEntity)) === 0) return;
      const rows = await manager.findBy(CatalogEntryEntity, { bucket });
      const [markerVersion] = await nextVersions(manager, 1);
      const messages = rows.map(({ kind, id, document, version }) =>
        messageOf({ bucket, kind, id, document }, Number(version)),
      );
      await writeOutbox(
        manager,
        ...messages,
        ...completeMarkers(markerVersion ?? 0).filter((marker) => marker.topic === bucket),
      );
    });
  }
}

async function lockCatalog(manager: EntityManager): Promise<void> {
  await manager.query("SELECT pg_advisory_xact_lock(hashtextextended('weir:catalog', 0))");
}

async function nextVersions(manager: EntityManager, count: number): Promise<number[]> {
  const rows: unknown = await manager.query(
    "SELECT nextval('control.catalog_version') AS version FROM generate_series(1, $1)",
    [count],
  );
  return (rows as { version: string }[]).map((row) => Number(row.version)).sort((a, b) => a - b);
}

function messageOf(row: Pick<NewRow, 'bucket' | 'kind' | 'id' | 'document'>, version: number): OutboxMessage {
  return { topic: row.bucket, key: kvKey(row.kind, row.id), payload: { ...row.document, version } };
}

function completeMarkers(version: number): OutboxMessage[] {
  return PROJECTED_BUCKETS.map((bucket) => ({
    topic: bucket,
    key: COMPLETE_KEY,
    payload: { kind: 'complete', version, records: 0 },
  }));
}
