import type { PriceRecord } from '@weir/contracts';
import type { DataSource, EntityManager } from '@weir/store';
import { Frontier } from '@weir/translog';
import { AuditFault } from './audit-fault.js';
import { epochKey } from './leaf-log.js';
import { fromWatermark, type Ranges } from './sequence-ranges.js';

type Source = Pick<EntityManager, 'query'>;
type SqlRow = Readonly<Record<string, unknown>>;

async function select(source: Source, sql: string, parameters: readonly unknown[] = []): Promise<readonly SqlRow[]> {
  return source.query<readonly SqlRow[]>(sql, [...parameters]);
}

/** What Postgres says of the record at one moment. */
export interface LogSnapshot {
  readonly heads: ReadonlyMap<number, Frontier>;
  /** Sequences that audit and billing have landed, by `producer:epoch`. */
  readonly landed: ReadonlyMap<string, Ranges>;
  readonly charged: ReadonlyMap<string, Ranges>;
  readonly prices: ReadonlyMap<string, PriceRecord>;
  /** Oldest first. */
  readonly verifierKeys: readonly string[];
  /** Checkpoints up to this number belong to it. */
  readonly lastCheckpoint: number;
}

/** @throws AuditFault where a head is none. */
export async function readSnapshot(store: DataSource): Promise<LogSnapshot> {
  return store.transaction('REPEATABLE READ', async (source) => ({
    heads: await readHeads(source),
    landed: await readLanded(source, 'audit'),
    charged: await readLanded(source, 'billing'),
    prices: await readPrices(source),
    verifierKeys: (await select(source, 'SELECT verifier_key FROM audit.log_keys ORDER BY first_signed_at')).map(
      (row) => String(row['verifier_key']),
    ),
    lastCheckpoint: Number(
      (await select(source, 'SELECT coalesce(max(number), 0) AS last FROM audit.log_checkpoints'))[0]?.['last'] ?? 0,
    ),
  }));
}

/** @throws AuditFault where a head is none. */
export async function readHeads(source: Source): Promise<ReadonlyMap<number, Frontier>> {
  const rows = await select(source, 'SELECT partition, size, frontier FROM audit.log_heads ORDER BY partition');
  return new Map(
    rows.map((row) => {
      const partition = Number(row['partition']);
      try {
        return [partition, Frontier.decode(Number(row['size']), row['frontier'] as Buffer)];
      } catch (error) {
        if (!(error instanceof RangeError)) throw error;
        throw new AuditFault('head_invalid', error.message, { partition });
      }
    }),
  );
}

/** The two sinks whose watermarks there are. */
export async function readLanded(source: Source, sink: 'audit' | 'billing'): Promise<ReadonlyMap<string, Ranges>> {
  const table = { audit: 'audit.landing_watermarks', billing: 'billing.landing_watermarks' }[sink];
  const rows = await select(source, `SELECT producer_id, epoch, through, above FROM ${table}`);
  return new Map(
    rows.map((row) => [
      epochKey({ producerId: String(row['producer_id']), epoch: Number(row['epoch']) }),
      fromWatermark(Number(row['through']), row['above'] as Ranges),
    ]),
  );
}

async function readPrices(source: Source): Promise<ReadonlyMap<string, PriceRecord>> {
  const rows = await select(
    source,
    'SELECT price_version, key, valid_from, rates, bands, tiers, source FROM billing.price_versions',
  );
  return new Map(
    rows.map((row) => {
      const priceVersion = String(row['price_version']);
      const { bands, tiers } = row as {
        readonly bands: NonNullable<PriceRecord['bands']> | null;
        readonly tiers: NonNullable<PriceRecord['tiers']> | null;
      };
      return [
        priceVersion,
        {
          kind: 'price',
          priceVersion,
          key: String(row['key']),
          validFrom: (row['valid_from'] as Date).getTime(),
          rates: row['rates'] as PriceRecord['rates'],
          ...(bands === null ? {} : { bands }),
          ...(tiers === null ? {} : { tiers }),
          source: String(row['source']),
        },
      ];
    }),
  );
}

/** A checkpoint as it is stored. */
export interface StoredCheckpoint {
  readonly number: number;
  readonly partition: number;
  readonly size: number;
  /** ISO 8601. */
  readonly signedAt: string;
  readonly note: string;
}

const CHECKPOINTS_AT_ONCE = 1_000;

/** Checkpoints of a partition in the order they were signed. */
export async function* readCheckpoints(
  store: Source,
  { partition, last }: { readonly partition: number; readonly last: number },
): AsyncGenerator<StoredCheckpoint, undefined> {
  for (let after = 0; ;) {
    const rows = await select(
      store,
      `SELECT number, partition, size, signed_at, note FROM audit.log_checkpoints
       WHERE partition = $1 AND number > $2 AND number <= $3 ORDER BY number LIMIT ${CHECKPOINTS_AT_ONCE}`,
      [partition, after, last],
    );
    for (const row of rows) {
      after = Number(row['number']);
      yield mapRowToCheckpoint(row);
    }
    if (rows.length < CHECKPOINTS_AT_ONCE) return undefined;
  }
}

/** The newest checkpoint of a partition that covers a leaf; undefined where none does yet. */
export async function findCheckpointOf(
  store: Source,
  { partition, index }: { readonly partition: number; readonly index: number },
): Promise<StoredCheckpoint | undefined> {
  const [row] = await select(
    store,
    `SELECT number, partition, size, signed_at, note FROM audit.log_checkpoints
     WHERE partition = $1 AND size > $2 ORDER BY number DESC LIMIT 1`,
    [partition, index],
  );
  return row && mapRowToCheckpoint(row);
}

/** Which of these notes are stored, as they are. */
export async function readStoredNotes(
  store: Source,
  { partition, notes }: { readonly partition: number; readonly notes: readonly string[] },
): Promise<ReadonlySet<string>> {
  const rows = await select(
    store,
    'SELECT note FROM audit.log_checkpoints WHERE partition = $1 AND note = ANY ($2::text[])',
    [partition, notes],
  );
  return new Set(rows.map((row) => String(row['note'])));
}

const mapRowToCheckpoint = (row: SqlRow): StoredCheckpoint => ({
  number: Number(row['number']),
  partition: Number(row['partition']),
  size: Number(row['size']),
  signedAt: (row['signed_at'] as Date).toISOString(),
  note: String(row['note']),
});
