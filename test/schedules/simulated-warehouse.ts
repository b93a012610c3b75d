import type { InsertBatch, Parameter, Warehouse } from '@weir/warehouse';
import { placeOf, readLine, type LandedRow } from './landed-row.js';
import { answerQuery } from './warehouse-queries.js';
import { SimulatedServer } from './simulated-server.js';
import { InvariantError, type SimulatedProcess, type Simulation } from './simulation.js';

export interface LandedTable {
  readonly rows: LandedRow[];
  /** As a materialised view that counts rows by the event they came from; moved by the insert itself. */
  readonly view: Map<string, number>;
}

/** The server's promise, in time: the last 10,000 tokens of a table are more than ten minutes of any load. */
const TOKEN_KEPT_MS = 600_000;
/** What the log leaves to the place alone: whoever comes second to it is not inserted, whatever its leaves are. */
const TABLES_BY_PLACE: ReadonlySet<string> = new Set(['log_leaves']);

interface KnownToken {
  readonly lines: string;
  insertedAt: number;
}

/** ClickHouse: inserts that are whole or not at all, tokens that are known for a while, and no fence whatever. */
export class SimulatedWarehouse extends SimulatedServer {
  readonly tables = new Map<string, LandedTable>();
  /** Told of each insert when it is sent. */
  onInsert: (process: SimulatedProcess | undefined, batch: InsertBatch) => void = () => undefined;
  private readonly tokens = new Map<string, KnownToken>();

  constructor(simulation: Simulation) {
    super(simulation, 'clickhouse', 10_000);
  }

  table(name: string): LandedTable {
    let table = this.tables.get(name);
    if (!table) this.tables.set(name, (table = { rows: [], view: new Map() }));
    return table;
  }

  asWarehouse(): Warehouse {
    const refuse = (): Promise<never> => Promise.reject(new Error('the simulation does not know this'));
    return {
      database: 'weir',
      insertLines: (batch) => {
        this.onInsert(this.simulation.current, batch);
        // The sender may use its buffer again; the server has read it by then.
        const lines = batch.lines.toString();
        return this.call({ label: `insert ${batch.table}` }, () => this.insert({ ...batch, lines }));
      },
      query: <Row>(sql: string, parameters: Readonly<Record<string, Parameter>> = {}) =>
        this.call({ label: 'select' }, () => answerQuery(this, sql, parameters) as Row[]),
      queryText: refuse,
      queryBytes: refuse,
      command: refuse,
      close: () => Promise.resolve(),
    };
  }

  private insert(batch: InsertBatch & { readonly lines: string }): void {
    const { now } = this.simulation;
    const name = `${batch.table} ${batch.token}`;
    const known = this.tokens.get(name);
    if (known && known.lines !== batch.lines && !TABLES_BY_PLACE.has(batch.table))
      throw new InvariantError('a token stands for the same rows for ever', name);
    if (known && now - known.insertedAt < TOKEN_KEPT_MS) return;
    this.tokens.set(name, { lines: batch.lines, insertedAt: now });
    const table = this.table(batch.table);
    for (const line of batch.lines.split('\n'))
      if (line !== '') addRow(batch.table, table, readLine(batch.columns, line));
    this.simulation.note(`${batch.table} ← ${table.rows.at(-1)?.['sequence'] ?? ''} and before`);
  }
}

function addRow(name: string, { rows, view }: LandedTable, row: LandedRow): void {
  const place = placeOf(row);
  const count = (view.get(place) ?? 0) + 1;
  if (count > 1 && !TABLES_BY_PLACE.has(name))
    throw new InvariantError('every event is landed exactly once', `${place} a second time in ${name}`);
  rows.push(row);
  view.set(place, count);
}
