import { after, before, describe, it } from 'node:test';
import { eventually, startInfrastructure, type RunningStack } from '@weir/testing';
import { expect } from 'expect';
import {
  WAREHOUSE_SCHEMA,
  WarehouseMigrationError,
  WarehouseRejection,
  createWarehouse,
  migrateWarehouse,
  type Warehouse,
} from './index.js';

const CALL = '019ae000-0000-7000-8000-000000000001';
const columns = ['started_at', 'call_id', 'cost'];
const row = (cost: string, started = '1764000000.123', call = CALL): string => `${started}\t${call}\t${cost}\n`;
const count = async (warehouse: Warehouse): Promise<string | undefined> =>
  (await warehouse.query<{ n: string }>('SELECT count() AS n FROM weir.calls_landed'))[0]?.n;

describe('the warehouse', () => {
  let stack: RunningStack;
  let warehouse: Warehouse;

  before(async () => {
    stack = await startInfrastructure({ parts: ['clickhouse'] });
    warehouse = createWarehouse(stack.connection.internal.clickhouseWriter);
  });
  after(async () => {
    await warehouse.close();
    await stack.stop();
  });

  it('gets its schema once, also when two processes bring it at the same time', async () => {
    await Promise.all([migrateWarehouse(warehouse, WAREHOUSE_SCHEMA), migrateWarehouse(warehouse, WAREHOUSE_SCHEMA)]);
    expect(await migrateWarehouse(warehouse, WAREHOUSE_SCHEMA)).toEqual([]);
    const views = await warehouse.query<{ name: string }>(
      "SELECT name FROM system.tables WHERE database = 'weir' AND engine = 'View' ORDER BY name",
    );
    expect(views.map((view) => view.name)).toEqual([
      'attempts',
      'calls',
      'charges',
      'spend_by_day',
      'spend_by_model',
      'spend_by_team',
    ]);
  });

  it('refuses a migration that was changed after it was applied', async () => {
    const [first, ...rest] = WAREHOUSE_SCHEMA;
    if (!first) throw new Error('there is no migration');
    const changed = [{ ...first, statements: [...first.statements, 'SELECT 1'] }, ...rest];
    await expect(migrateWarehouse(warehouse, changed)).rejects.toThrow(WarehouseMigrationError);
  });

  it('inserts the same token once, and keeps it over a restart of the server', async () => {
    const batch = { table: 'calls_landed', columns, lines: row('0.000000000001'), token: 'test:1' };
    await warehouse.insertLines(batch);
    await warehouse.insertLines(batch);
    expect(await count(warehouse)).toBe('1');
    const pid = stack.kill('clickhouse');
    await stack.waitForRestart('clickhouse', pid);
    await eventually(() => warehouse.query('SELECT 1'), { timeoutMs: 30_000 });
    await warehouse.insertLines(batch);
    expect(await count(warehouse)).toBe('1');
  });

  it('gives money and 64-bit integers back to the last digit', async () => {
    const cost = '12345678901234567890123456.123456789012';
    await warehouse.insertLines({ table: 'calls_landed', columns, lines: row(cost), token: 'test:2' });
    const [answer] = await warehouse.query(
      `SELECT max(cost) AS cost, toUInt64('18446744073709551615') AS n, started_at FROM weir.calls GROUP BY started_at`,
    );
    expect(answer).toEqual({ cost, n: '18446744073709551615', started_at: '2025-11-24 16:00:00.123' });
  });

  it('tells rows that can never be inserted from a server that cannot insert now', async () => {
    const insert = (lines: string, table = 'calls_landed') =>
      warehouse.insertLines({ table, columns, lines, token: `test:${lines.length}` });
    for (const bad of [row('1', '1764000000.123', 'no uuid'), row('1e60'), row('1', 'yesterday')]) {
      await expect(insert(bad)).rejects.toThrow(WarehouseRejection);
    }
    await expect(insert(row('1'), 'no_such_table')).rejects.not.toThrow(WarehouseRejection);
    const nobody = createWarehouse({ ...stack.connection.internal.clickhouseWriter, url: 'http://127.0.0.1:1' });
    await expect(nobody.query('SELECT 1')).rejects.not.toThrow(WarehouseRejection);
    await nobody.close();
  });

  it('binds parameters, so that no value can change a statement', async () => {
    const hostile = `' OR 1 = 1; DROP TABLE weir.events --\\`;
    const [answer] = await warehouse.query<{ echo: string }>('SELECT {value: String} AS echo', { value: hostile });
    expect(answer?.echo).toBe(hostile);
  });
});
