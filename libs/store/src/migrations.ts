import { createHash } from 'node:crypto';
import { acquireLock } from './lock-session.js';
import { checkedSchema, type Query, type StoreAddress } from './connection.js';

/** One step of a schema. Append-only: a step that has been applied anywhere is never changed, only followed by another. */
export interface Migration {
  /** From 1, without gaps. */
  readonly number: number;
  readonly name: string;
  /** Run in order in one transaction; unqualified names mean the owner's schema. */
  readonly statements: readonly string[];
}

export class MigrationError extends Error {
  override readonly name = 'MigrationError';
}

export interface MigrationOptions extends StoreAddress {
  readonly migrations: readonly Migration[];
  /** Bounds the wait for the server and for another process that migrates. */
  readonly signal: AbortSignal;
  readonly onError?: (error: unknown) => void;
}

/**
 * Brings the owner's schema up to date, one process at a time. Each step commits on its own, together with its record, so a crash
 * repeats nothing; a second run does nothing. Returns the numbers applied now.
 *
 * @throws MigrationError where steps are not numbered 1, 2, 3 …, or an applied one has been changed or is missing.
 */
export async function runMigrations(options: MigrationOptions): Promise<readonly number[]> {
  const { migrations, schema } = options;
  migrations.forEach((migration, index) => {
    if (migration.number !== index + 1)
      throw new MigrationError(`migration ${migration.name} is not number ${index + 1}`);
  });
  const session = await acquireLock({ ...options, name: `weir:migrations:${schema}` });
  try {
    await session.query(`CREATE SCHEMA IF NOT EXISTS ${checkedSchema(schema)}`);
    await session.query(
      `CREATE TABLE IF NOT EXISTS schema_migrations (
         number integer PRIMARY KEY, name text NOT NULL, digest text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now())`,
    );
    const waiting = await findWaiting(session.query, options);
    for (const migration of waiting) await session.transaction((query) => applyMigration(query, migration));
    return waiting.map((migration) => migration.number);
  } finally {
    await session.close();
  }
}

async function findWaiting(query: Query, { migrations, schema }: MigrationOptions): Promise<readonly Migration[]> {
  const applied = await query('SELECT number, name, digest FROM schema_migrations ORDER BY number');
  for (const row of applied) {
    const migration = migrations[Number(row['number']) - 1];
    // A newer release has been here: its schema only adds, so an older process works with it.
    if (!migration) continue;
    if (digestOf(migration) !== row['digest']) {
      throw new MigrationError(
        `${schema}: migration ${migration.number} ${migration.name} was changed after it was applied`,
      );
    }
  }
  return migrations.slice(applied.length);
}

async function applyMigration(query: Query, migration: Migration): Promise<void> {
  for (const statement of migration.statements) await query(statement);
  await query('INSERT INTO schema_migrations (number, name, digest) VALUES ($1, $2, $3)', [
    migration.number,
    migration.name,
    digestOf(migration),
  ]);
}

/** White space does not count, so that a formatter may run over a step. */
function digestOf(migration: Migration): string {
  const text = migration.statements.map((statement) => statement.replace(/\s+/g, ' ').trim()).join(';\n');
  return createHash('sha256').update(text).digest('hex');
}
