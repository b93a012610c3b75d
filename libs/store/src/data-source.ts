import { setTimeout as sleep } from 'node:timers/promises';
import { DataSource, type DataSourceOptions } from 'typeorm';
import { connectionOptions, type StoreAddress } from './connection.js';
import { runMigrations, type Migration } from './migrations.js';

export interface DataSourceSettings extends StoreAddress {
  readonly entities: NonNullable<DataSourceOptions['entities']>;
  /** Connections of the pool; 5 by default. */
  readonly poolSize?: number;
  /** Told when an idle connection of the pool fails; the pool replaces it. */
  readonly onPoolError?: (error: unknown) => void;
}

/** A TypeORM data source on the owner's schema, not yet connected. It never changes the schema by itself: migrations do. */
export function createDataSource(settings: DataSourceSettings): DataSource {
  const { connectionString: _url, ...extra } = connectionOptions(settings);
  return new DataSource({
    type: 'postgres',
    url: settings.url,
    schema: settings.schema,
    entities: settings.entities,
    synchronize: false,
    migrationsRun: false,
    installExtensions: false,
    poolSize: settings.poolSize ?? 5,
    poolErrorHandler: (error: unknown) => settings.onPoolError?.(error),
    extra,
  });
}

export interface OpenOptions extends DataSourceSettings {
  readonly migrations: readonly Migration[];
  /** Bounds the wait for a server that is not up yet. */
  readonly signal: AbortSignal;
  /** Told of each failed attempt. */
  readonly onError?: (error: unknown) => void;
}

/**
 * Migrates the owner's schema and connects. Waits for a server that cannot be reached until the signal aborts.
 *
 * @throws MigrationError at once; the signal's reason where it aborts.
 */
export async function openDataSource(options: OpenOptions): Promise<DataSource> {
  await runMigrations(options);
  for (;;) {
    const dataSource = createDataSource(options);
    try {
      return await dataSource.initialize();
    } catch (error) {
      options.onError?.(error);
      await sleep(500, undefined, { signal: options.signal });
    }
  }
}
