import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

const require = createRequire(import.meta.url);

/** One connection of the embedded engine: its settings, its database, its statement. Opaque. */
export interface EngineConnection {
  readonly brand: unique symbol;
}

export interface QueryOutcome {
  readonly bytes: Uint8Array;
  /** Seconds. */
  readonly elapsed: number;
  readonly rowsRead: number;
  readonly bytesRead: number;
}

export interface InsertOutcome {
  readonly elapsed: number;
  readonly rowsWritten: number;
  readonly bytesWritten: number;
}

/** What the engine's own parser says of a statement, without running it. */
export interface Classification {
  readonly statementCount: number;
  readonly queryClass: number;
}

export const QUERY_CLASS = { readOnly: 0, mutating: 1, invalid: 4 } as const;

/** The addon's own calls (chdb 3.4.0). */
interface Addon {
  CreateConnection(path: string): EngineConnection | null;
  CloseConnection(connection: EngineConnection): void;
  QueryAsyncConnection(connection: EngineConnection, statement: string, format: string): Promise<QueryOutcome>;
  InsertRawAsyncConnection(
    connection: EngineConnection,
    statement: string,
    data: Buffer,
    countLines: boolean,
  ): Promise<InsertOutcome>;
  DurableClassifyAsync(connection: EngineConnection, statement: string, database: string): Promise<Classification>;
}

/**
 * chDB, one data folder for the life of the process. Below the package's `Session`, because that class closes no connection while
 * any other runs a statement, binds parameters one statement at a time for the whole process, and takes raw data only for eight
 * formats. A connection costs under a millisecond, so each statement has its own and no setting leaks into the next.
 */
export class Engine {
  private readonly addon: Addon;
  /** Keeps the engine in memory while no statement runs. */
  private readonly anchor: EngineConnection;

  /** Loads the engine and opens the folder; throws where another process has it open. */
  constructor(
    private readonly directory: string,
    private readonly database: string,
  ) {
    const loader = join(dirname(require.resolve('chdb')), 'dist', 'loader.js');
    this.addon = (require(loader) as { loadNative(): Addon }).loadNative();
    this.anchor = this.open();
  }

  open(): EngineConnection {
    const connection = this.addon.CreateConnection(this.directory);
    if (connection === null) throw new Error(`chDB cannot open ${this.directory}`);
    return connection;
  }

  /** Only when nothing runs on it: the engine aborts the process's engine otherwise. */
  close(connection: EngineConnection): void {
    this.addon.CloseConnection(connection);
  }

  query(connection: EngineConnection, statement: string, format = 'TabSeparated'): Promise<QueryOutcome> {
    return this.addon.QueryAsyncConnection(connection, statement, format);
  }

  /** Runs a statement whose text may end in `data`: bytes in whatever format it names. */
  insert(connection: EngineConnection, statement: string, data: Buffer): Promise<InsertOutcome> {
    return this.addon.InsertRawAsyncConnection(connection, statement, data, false);
  }

  classify(connection: EngineConnection, statement: string): Promise<Classification> {
    return this.addon.DurableClassifyAsync(connection, statement, this.database);
  }

  /** A short question of our own; its text. */
  async ask(statement: string): Promise<string> {
    const connection = this.open();
    try {
      return Buffer.from((await this.query(connection, statement)).bytes)
        .toString('utf8')
        .trim();
    } finally {
      this.close(connection);
    }
  }

  /** Releases the folder. Nothing may run. */
  shutDown(): void {
    this.close(this.anchor);
  }
}
