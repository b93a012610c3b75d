import { openDataSource, type DataSource, type EntityManager, type Query, type Rows } from '@weir/store';
import { BILLING_MIGRATIONS } from './migrations.js';
import { PriceVersionEntity } from './price-version.entity.js';

export interface BillingDatabaseOptions {
  readonly url: string;
  readonly onPoolError: (error: unknown) => void;
}

/** Asked before Postgres was there: billing starts without it and waits. */
export class DatabaseNotReadyError extends Error {
  override readonly name = 'DatabaseNotReadyError';
}

/** Schema `billing` of Postgres, migrated and opened once, as soon as there is a server. */
export class BillingDatabase {
  private opening: Promise<DataSource> | undefined;
  private dataSource: DataSource | undefined;

  constructor(private readonly options: BillingDatabaseOptions) {}

  /** Waits for the server until the signal aborts; a second call gets the same. */
  async open(signal: AbortSignal): Promise<DataSource> {
    this.opening ??= openDataSource({
      url: this.options.url,
      schema: 'billing',
      entities: [PriceVersionEntity],
      migrations: BILLING_MIGRATIONS,
      poolSize: 4,
      signal,
      onPoolError: this.options.onPoolError,
    });
    try {
      this.dataSource = await this.opening;
      return this.dataSource;
    } catch (error) {
      this.opening = undefined;
      throw error;
    }
  }

  /** @throws DatabaseNotReadyError before it has been opened. */
  get(): DataSource {
    if (this.dataSource === undefined) throw new DatabaseNotReadyError('Postgres has not been reached yet');
    return this.dataSource;
  }

  /** @throws DatabaseNotReadyError before it has been opened. */
  query(sql: string, parameters: readonly unknown[] = []): Promise<Rows> {
    return this.get().query<Rows>(sql, [...parameters]);
  }

  /** Runs `work` in one transaction; rolls back and throws where it throws. */
  transaction<Result>(work: (query: Query) => Promise<Result>): Promise<Result> {
    return this.get().transaction((manager) => work(queryOf(manager)));
  }

  /** Runs `work` on one connection of the pool, for what belongs to a connection: temporary tables. */
  async session<Result>(work: (query: Query) => Promise<Result>): Promise<Result> {
    const runner = this.get().createQueryRunner();
    try {
      return await work(queryOf(runner.manager));
    } finally {
      await runner.release();
    }
  }

  async close(): Promise<void> {
    await this.dataSource?.destroy();
  }
}

/** Statements of one transaction. An UPDATE or DELETE gives no rows here: nothing of billing's is ever updated. */
const queryOf =
  (manager: EntityManager): Query =>
  (sql, parameters = []) =>
    manager.query<Rows>(sql, [...parameters]);
