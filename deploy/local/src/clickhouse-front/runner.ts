import { availableParallelism } from 'node:os';
import { randomUUID } from 'node:crypto';
import { Admission } from './admission.js';
import { QUERY_CLASS, type Engine, type EngineConnection } from './engine.js';
import { exception, mapEngineError } from './exception.js';
import type { InsertSpool } from './insert-spool.js';
import { MemoryWatch } from './memory-watch.js';
import type { FrontLimits } from './settings.js';
import {
  buildReaderLimits,
  buildReaderSettings,
  quoteIdentifier,
  quoteString,
  renderSet,
  type Statement,
} from './statement.js';

export interface StatementOutcome {
  readonly bytes: Uint8Array;
  readonly elapsedSeconds: number;
  readonly readRows: number;
  readonly readBytes: number;
  readonly writtenRows: number;
  readonly writtenBytes: number;
}

/** Enough of a statement for the engine to tell its kind; what follows in an insert is data. */
const CLASSIFIED_BYTES = 64 * 1024;
const READER_STATEMENT_BYTES_MAX = 1024 * 1024;

/** Runs statements: one writer at a time, readers in a pool of their own, so that a slow query delays no insert. */
export class StatementRunner {
  private readonly memory = new MemoryWatch();
  private isClosing = false;
  private readonly writer: Admission;
  private readonly readers: Admission;
  private readonly readerLimits: ReadonlyMap<string, number>;

  constructor(
    private readonly engine: Engine,
    private readonly spool: InsertSpool,
    limits: FrontLimits,
    private readonly defaultDatabase: string,
  ) {
    this.writer = new Admission('the writer', 1, limits.writersWaiting);
    this.readers = new Admission('readers', limits.readers, limits.readersWaiting);
    // Half the cores: inserts and merges go on beside a heavy query.
    this.readerLimits = buildReaderLimits(limits, Math.max(1, Math.floor(availableParallelism() / 2)));
  }

  /** Runs one statement in a session of its own. Throws ClickHouseException. An aborted reader's query is cancelled in the engine. */
  async run(statement: Statement, signal: AbortSignal): Promise<StatementOutcome> {
    if (this.isClosing) throw exception('ABORTED', 'The server is shutting down', 503);
    const admission = statement.isReader ? this.readers : this.writer;
    try {
      return await admission.run(signal, () => this.runAdmitted(statement, signal));
    } catch (error) {
      throw mapEngineError(error);
    }
  }

  /** Lets nothing new in and resolves when what was admitted has ended. */
  async close(): Promise<void> {
    this.isClosing = true;
    await Promise.all([this.writer.drained(), this.readers.drained()]);
  }

  private async runAdmitted(statement: Statement, signal: AbortSignal): Promise<StatementOutcome> {
    const connection = this.engine.open();
    const tag = `weir-front-${randomUUID()}`;
    try {
      await this.prepareSession(connection, statement, tag);
      signal.throwIfAborted();
      if (!statement.isReader) return await this.execute(connection, statement);
      return await this.executeGuarded(connection, statement, { tag, signal });
    } finally {
      this.engine.close(connection);
    }
  }

  /** Runs a reader's statement; it is cancelled when its client goes away or memory runs short. */
  private async executeGuarded(
    connection: EngineConnection,
    statement: Statement,
    { tag, signal }: { readonly tag: string; readonly signal: AbortSignal },
  ): Promise<StatementOutcome> {
    const memory = { isShort: false };
    const cancel = () => void this.cancel(tag);
    const release = this.memory.guard(() => {
      memory.isShort = true;
      cancel();
    });
    signal.addEventListener('abort', cancel, { once: true });
    try {
      return await this.execute(connection, statement);
    } catch (error) {
      if (memory.isShort)
        throw exception('MEMORY_LIMIT_EXCEEDED', 'The result does not fit into memory: add a LIMIT or aggregate');
      throw error;
    } finally {
      signal.removeEventListener('abort', cancel);
      release();
    }
  }

  private async prepareSession(connection: EngineConnection, statement: Statement, tag: string): Promise<void> {
    const asked = statement.isReader ? buildReaderSettings(this.readerLimits, statement.settings) : statement.settings;
    const settings = new Map(asked);
    if (statement.isReader) settings.set('log_comment', tag);
    const steps = [
      `USE ${quoteIdentifier(statement.database ?? this.defaultDatabase)}`,
      renderSet(settings),
      // A SET of a parameter binds it for the session, as `param_*` in a URL does for the statement.
      renderSet(statement.parameters, 'param_'),
      // Last: from here on the session can change nothing, its own limits included.
      statement.isReader ? 'SET readonly = 1' : undefined,
    ];
    for (const step of steps) if (step !== undefined) await this.engine.query(connection, step);
  }

  private async execute(connection: EngineConnection, statement: Statement): Promise<StatementOutcome> {
    const { query, body } = statement;
    const spooled = statement.isReader ? undefined : this.spool.find(query, body);
    if (spooled) return this.spool.run(spooled, body, (text) => this.insert(connection, text, EMPTY_BUFFER));
    const text = joinText(query, readHead(statement));
    const kind = await this.engine.classify(connection, text);
    if (kind.queryClass === QUERY_CLASS.readOnly && kind.statementCount > 1) {
      throw exception('SYNTAX_ERROR', 'Syntax error (Multi-statements are not allowed)');
    }
    if (statement.isReader) await this.refuseBeyondReading(connection, text, kind.queryClass);
    if (kind.queryClass === QUERY_CLASS.mutating) {
      return this.insert(connection, query.trimEnd(), body);
    }
    const whole = body.length > CLASSIFIED_BYTES ? joinText(query, body.toString('utf8')) : text;
    const { bytes, elapsed, rowsRead, bytesRead } = await this.engine.query(connection, whole, statement.format);
    return outcome({ bytes, elapsedSeconds: elapsed, readRows: rowsRead, readBytes: bytesRead });
  }

  private async insert(connection: EngineConnection, text: string, rows: Buffer): Promise<StatementOutcome> {
    const { elapsed, rowsWritten, bytesWritten } = await this.engine.insert(connection, text, rows);
    return outcome({ elapsedSeconds: elapsed, writtenRows: rowsWritten, writtenBytes: bytesWritten });
  }

  /** Readers run under readonly = 1; this closes what the engine leaves open there: INTO OUTFILE, also before a statement that fails. */
  private async refuseBeyondReading(connection: EngineConnection, text: string, queryClass: number): Promise<void> {
    if (queryClass === QUERY_CLASS.readOnly) return;
    // Not parsed: the engine's own words for what is wrong where, without running any of it.
    if (queryClass === QUERY_CLASS.invalid)
      await this.engine.query(connection, `SELECT formatQuery(${quoteString(text)})`);
    throw exception('READONLY', 'Cannot execute query in readonly mode');
  }

  private async cancel(tag: string): Promise<void> {
    try {
      await this.engine.ask(`KILL QUERY WHERE Settings['log_comment'] = ${quoteString(tag)} ASYNC`);
    } catch (error) {
      // Nobody is left to be told, and the query ends by its own limit.
      const message = error instanceof Error ? error.message : String(error);
      process.stdout.write(
        `${JSON.stringify({ level: 'warn', message: 'a query was not cancelled', error: message })}\n`,
      );
    }
  }
}

function joinText(query: string, rest: string): string {
  if (query === '' || rest === '') return query + rest;
  return `${query}\n${rest}`;
}

/** What the engine is shown to tell a statement's kind: all of a reader's, since what follows the beginning could write. */
function readHead({ isReader, body }: Statement): string {
  if (isReader && body.length > READER_STATEMENT_BYTES_MAX) {
    throw exception(
      'QUERY_IS_TOO_LARGE',
      `Query is too large (${body.length}), at most ${READER_STATEMENT_BYTES_MAX} bytes`,
    );
  }
  return (isReader ? body : body.subarray(0, CLASSIFIED_BYTES)).toString('utf8');
}

function outcome(part: Partial<StatementOutcome>): StatementOutcome {
  return { bytes: EMPTY, elapsedSeconds: 0, readRows: 0, readBytes: 0, writtenRows: 0, writtenBytes: 0, ...part };
}

const EMPTY = new Uint8Array(0);
const EMPTY_BUFFER = Buffer.alloc(0);
