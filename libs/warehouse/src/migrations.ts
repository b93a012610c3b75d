import { createHash } from 'node:crypto';
import { onCluster } from './on-cluster.js';
import type { Warehouse } from './warehouse.js';

/** One step of the warehouse's schema. Append-only; ClickHouse has no transactions over definitions, so each statement may be repeated. */
export interface WarehouseMigration {
  /** From 1, without gaps. */
  readonly number: number;
  readonly name: string;
  /** `IF NOT EXISTS` or `OR REPLACE` each. `{database}` stands for the database's name. */
  readonly statements: readonly string[];
}

export class WarehouseMigrationError extends Error {
  override readonly name = 'WarehouseMigrationError';
}

interface AppliedRow {
  readonly number: number;
  readonly digest: string;
}

/**
 * Brings the warehouse's schema up to date. Two processes may do it at the same time, and a crash in the middle is made good by the
 * next run, since every statement may be repeated. Returns the numbers applied now. With the name of a cluster the tables are replicated, and
 * defined on each of its servers.
 *
 * @throws WarehouseMigrationError where steps are not numbered 1, 2, 3 … or an applied one has been changed.
 */
export async function migrateWarehouse(
  warehouse: Warehouse,
  migrations: readonly WarehouseMigration[],
  cluster?: string,
): Promise<readonly number[]> {
  const { database } = warehouse;
  const define = (statement: string): Promise<void> =>
    warehouse.command(cluster === undefined ? statement : onCluster(statement, cluster));
  await define(`CREATE DATABASE IF NOT EXISTS ${database}`);
  await define(
    `CREATE TABLE IF NOT EXISTS ${database}.schema_migrations
       (number UInt32, name String, digest String, applied_at DateTime DEFAULT now())
     ENGINE = MergeTree ORDER BY number SETTINGS fsync_after_insert = 1`,
  );
  const rows = await warehouse.query<AppliedRow>(
    `SELECT number, any(digest) AS digest FROM ${database}.schema_migrations GROUP BY number`,
  );
  const applied = new Map(rows.map((row) => [row.number, row.digest]));
  const done: number[] = [];
  for (const [index, migration] of migrations.entries()) {
    if (migration.number !== index + 1) {
      throw new WarehouseMigrationError(`migration ${migration.name} is not number ${index + 1}`);
    }
    if (await applyMigration(warehouse, { migration, define, appliedDigest: applied.get(migration.number) }))
      done.push(migration.number);
  }
  return done;
}

async function applyMigration(
  warehouse: Warehouse,
  step: {
    readonly migration: WarehouseMigration;
    readonly define: (statement: string) => Promise<void>;
    readonly appliedDigest: string | undefined;
  },
): Promise<boolean> {
  const { migration, define, appliedDigest } = step;
  const digest = digestOf(migration);
  if (appliedDigest === digest) return false;
  if (appliedDigest !== undefined) {
    throw new WarehouseMigrationError(
      `migration ${migration.number} ${migration.name} was changed after it was applied`,
    );
  }
  for (const statement of migration.statements) {
    await define(statement.replaceAll('{database}', warehouse.database));
  }
  await warehouse.insertLines({
    table: 'schema_migrations',
    columns: ['number', 'name', 'digest'],
    lines: `${migration.number}\t${migration.name}\t${digest}\n`,
    token: `schema:${migration.number}:${digest}`,
  });
  return true;
}

/** White space does not count, so that a formatter may run over a step. */
function digestOf(migration: WarehouseMigration): string {
  const text = migration.statements.map((statement) => statement.replace(/\s+/g, ' ').trim()).join(';\n');
  return createHash('sha256').update(text).digest('hex');
}
