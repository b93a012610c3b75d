import pg from 'pg';

/** Rows of a statement, as the driver returns them: `bigint` and `numeric` are strings. */
export type Rows = readonly Record<string, unknown>[];
/** Runs one statement with bound parameters. */
export type Query = (sql: string, parameters?: readonly unknown[]) => Promise<Rows>;

export interface StoreAddress {
  /** `postgres://user:password@host:port/database`. */
  readonly url: string;
  /** The owner's schema; unqualified names mean it. */
  readonly schema: string;
}

/** How long a statement may take before the connection is given up: a stopped server must not hold a caller for ever. */
const STATEMENT_WITHIN_MS = 10_000;
const CONNECT_WITHIN_MS = 5_000;

/** A schema is spelt into statements that take no parameters, so it may be nothing but a plain name. */
export function checkedSchema(schema: string): string {
  if (!/^[a-z][a-z0-9_]{0,62}$/.test(schema)) throw new RangeError(`not a schema name: ${JSON.stringify(schema)}`);
  return schema;
}

/** Options shared by every connection to the store, pooled or dedicated. */
export function connectionOptions({ url, schema }: StoreAddress): pg.ClientConfig {
  return {
    connectionString: url,
    options: `-c search_path=${checkedSchema(schema)}`,
    application_name: `weir-${schema}`,
    connectionTimeoutMillis: CONNECT_WITHIN_MS,
    query_timeout: STATEMENT_WITHIN_MS,
    keepAlive: true,
  };
}

/**
 * A connection of its own: for what belongs to a session (locks, LISTEN) and must end with it.
 *
 * @throws where the server cannot be reached within 5 s.
 */
export async function connectSession(address: StoreAddress): Promise<pg.Client> {
  const client = new pg.Client(connectionOptions(address));
  // The `end` that follows an error is what callers act on; without a listener the error would end the process.
  client.on('error', () => undefined);
  await client.connect();
  return client;
}

/** {@link Query} on one connection. */
export function queryOn(client: pg.Client): Query {
  return async (sql, parameters = []) => {
    const result = await client.query<Record<string, unknown>>(sql, [...parameters]);
    return result.rows;
  };
}
