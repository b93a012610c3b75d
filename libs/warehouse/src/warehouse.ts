import { Readable } from 'node:stream';
import { ClickHouseLogLevel, createClient, type ClickHouseClient } from '@clickhouse/client';
import { WarehouseRejection, isRejection } from './rejection.js';

export interface WarehouseSettings {
  /** `http://host:port`. */
  readonly url: string;
  readonly user: string;
  readonly password: string;
  readonly database: string;
  /** Bound of one request; 30 s by default. */
  readonly requestWithinMs?: number;
  /** Name in the server's query log. */
  readonly application?: string;
}

/** Rows to insert, in one block: all of them or none become visible. */
export interface InsertBatch {
  readonly table: string;
  readonly columns: readonly string[];
  /** Rows in the format `TabSeparated`, each followed by a newline, with values in the order of `columns`. */
  readonly lines: string | Buffer;
  /** The server forgets a repeat of the same token (its table's window holds the last 10,000). Same token must mean same rows. */
  readonly token: string;
}

/** A value bound to `{name: Type}` of a query. */
export type Parameter = string | number | bigint | boolean | Date | null | readonly Parameter[];

export interface Warehouse {
  readonly database: string;
  /**
   * Inserts synchronously: the rows are on disk when it resolves.
   *
   * @throws WarehouseRejection where the server cannot take these rows, whenever they come; any other error where it may have
   * taken them or not.
   */
  insertLines(batch: InsertBatch): Promise<void>;
  /** Rows of a query with bound parameters. 64-bit integers and decimals are strings. */
  query<Row = Record<string, unknown>>(sql: string, parameters?: Readonly<Record<string, Parameter>>): Promise<Row[]>;
  /**
   * The same as text in the format `TabSeparated`, for what reads many rows: one string of lines, each with its newline. The caller bounds
   * the number of rows.
   */
  queryText(sql: string, parameters?: Readonly<Record<string, Parameter>>): Promise<string>;
  /** The same as the bytes that came, for what is hashed rather than read. They are the caller's. */
  queryBytes(sql: string, parameters?: Readonly<Record<string, Parameter>>): Promise<Buffer>;
  /** Runs a statement without a result. */
  command(sql: string): Promise<void>;
  close(): Promise<void>;
}

/** JSON numbers are doubles: what a double cannot hold comes as a string. */
const EXACT_JSON = { output_format_json_quote_64bit_integers: 1, output_format_json_quote_decimals: 1 } as const;

const NAME = /^[a-z][a-z0-9_]{0,63}$/;
const TOKEN = /^[A-Za-z0-9:._-]{1,200}$/;

/** Opens the warehouse. Nothing is sent yet, so a server that is down shows at the first use. */
export function createWarehouse(settings: WarehouseSettings): Warehouse {
  const client = createClient({
    url: settings.url,
    username: settings.user,
    password: settings.password,
    application: settings.application ?? 'weir',
    request_timeout: settings.requestWithinMs ?? 30_000,
    max_open_connections: 8,
    // The default keeps a socket for 2.5 s, servers for 3 s or more; a reused socket that the server has closed is a failed insert.
    keep_alive: { enabled: true, idle_socket_ttl: 2_000 },
    compression: { request: false, response: false },
    // Failures are thrown, and logged once by whoever handles them.
    log: { level: ClickHouseLogLevel.OFF },
  });
  const { database } = settings;
  if (!NAME.test(database)) throw new RangeError(`not a database name: ${JSON.stringify(database)}`);
  return {
    database,
    insertLines: (batch) => insertLines(client, database, batch),
    query: async <Row>(sql: string, parameters: Readonly<Record<string, Parameter>> = {}) => {
      const result = await client.query({
        query: sql,
        query_params: { ...parameters },
        format: 'JSONEachRow',
        clickhouse_settings: EXACT_JSON,
      });
      return result.json<Row>();
    },
    queryText: async (sql, parameters = {}) => {
      const result = await client.query({ query: sql, query_params: { ...parameters }, format: 'TabSeparated' });
      return result.text();
    },
    queryBytes: async (sql, parameters = {}) => {
      const { stream } = await client.exec({ query: `${sql}\nFORMAT TabSeparated`, query_params: { ...parameters } });
      const chunks: Buffer[] = [];
      for await (const chunk of stream) chunks.push(chunk as Buffer);
      return Buffer.concat(chunks);
    },
    command: async (sql) => {
      await client.command({ query: sql });
    },
    close: () => client.close(),
  };
}

async function insertLines(client: ClickHouseClient, database: string, batch: InsertBatch): Promise<void> {
  try {
    // The rows are the body and the statement stands in the URL: nobody has to look for where the one ends and the other begins.
    const rows = Readable.from([batch.lines], { objectMode: false });
    const { stream } = await client.exec({ query: insertStatement(database, batch), values: rows });
    for await (const _ of stream) continue;
  } catch (error) {
    throw isRejection(error) ? new WarehouseRejection(batch.table, error) : error;
  }
}

/**
 * Settings stand in the statement, so that they hold for it alone whatever carries it. Parallel parsing is off because it would cut
 * the rows into several blocks: one block is what makes the insert atomic. A repeat whose first try ended between the table and a materialised
 * view of it is dropped by the one and taken by the other.
 */
function insertStatement(database: string, { table, columns, token }: InsertBatch): string {
  if (!NAME.test(table) || !columns.every((column) => NAME.test(column)))
    throw new RangeError('not a table or column name');
  if (!TOKEN.test(token)) throw new RangeError('not a deduplication token');
  return (
    `INSERT INTO ${database}.${table} (${columns.join(', ')}) SETTINGS async_insert = 0, input_format_parallel_parsing = 0, ` +
    `max_threads = 1, insert_deduplicate = 1, deduplicate_blocks_in_dependent_materialized_views = 1, ` +
    `insert_deduplication_token = '${token}' FORMAT TabSeparated`
  );
}
