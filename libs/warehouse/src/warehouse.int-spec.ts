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
      'security_events',
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

  describe('keeps spend by day', () => {
    const charge = (at: string, attempt: string, cost: string | null, team = 't1'): string =>
      [at, attempt, CALL, 'o1', team, 'simulator', 'm1', 'output', 7, cost ?? '\\N', cost === null].join('\t');
    const insert = (token: string, rows: readonly string[], into = warehouse): Promise<void> =>
      into.insertLines({
        table: 'charges_landed',
        columns: [
          ...[
            'charged_at',
            'attempt_id',
            'call_id',
            'organisation_id',
            'team_id',
            'provider',
            'model_served',
            'bucket',
          ],
          ...['quantity', 'cost', 'unpriced'],
        ],
        lines: rows.map((one) => `${one}\n`).join(''),
        token,
      });
    /** The sums of each view, and of the charges themselves. */
    const expectEqual = async (of = warehouse): Promise<void> => {
      const sums = `toString(sum(cost)) AS cost, sum(tokens_output) AS tokens, sum(attempts) AS attempts, sum(unpriced_attempts) AS unpriced`;
      const [base] = await of.query(
        `SELECT toString(sum(ifNull(cost, toDecimal128(0, 12)))) AS cost, sum(quantity) AS tokens,
           toUInt64(uniqExact(toDate(charged_at), attempt_id)) AS attempts,
           toUInt64(uniqExactIf((toDate(charged_at), attempt_id), unpriced)) AS unpriced FROM ${of.database}.charges_landed`,
      );
      for (const view of ['spend_by_day', 'spend_by_team', 'spend_by_model']) {
        expect((await of.query(`SELECT ${sums} FROM ${of.database}.${view}`))[0]).toEqual(base);
      }
    };
    const attempt = (number: number): string => `019ae000-0000-7000-8000-0000000001${String(number).padStart(2, '0')}`;
    /** Over the end of a month, so that one insert makes two parts; one attempt in two batches. */
    const batches = [
      [
        charge('2026-08-31 23:59:59.999', attempt(1), '0.000000000001'),
        charge('2026-09-01 00:00:00.000', attempt(2), null),
        charge('2026-09-01 00:00:01.000', attempt(3), '12345678901234567890.123456789012', 't2'),
      ],
      [charge('2026-09-01 10:00:00.000', attempt(3), '0.000000000002', 't2')],
    ];

    it('to the pico-USD, however often a batch is repeated, also over a merge and a restart', async () => {
      for (const [index, rows] of [...batches, ...batches].entries()) await insert(`spend:${index % 2}`, rows);
      await expectEqual();
      await warehouse.command('OPTIMIZE TABLE weir.spend_daily FINAL');
      const pid = stack.kill('clickhouse');
      await stack.waitForRestart('clickhouse', pid);
      await eventually(() => warehouse.query('SELECT 1'), { timeoutMs: 30_000 });
      for (const [index, rows] of batches.entries()) await insert(`spend:${index}`, rows);
      await expectEqual();
    });

    it('also where an insert reached the charges and not the view, once it is repeated', async () => {
      const rows = [charge('2026-09-02 00:00:00.000', attempt(4), '0.000000000007')];
      await warehouse.command('DETACH TABLE weir.spend_daily_feed');
      await insert('spend:cut', rows);
      await warehouse.command('ATTACH TABLE weir.spend_daily_feed');
      await expect(expectEqual()).rejects.toThrow();
      await insert('spend:cut', rows);
      await expectEqual();
    });

    it('from the day after tomorrow on where there were charges before it, each of them counted once', async () => {
      const old = createWarehouse({ ...stack.connection.internal.clickhouseWriter, database: 'before' });
      await migrateWarehouse(old, WAREHOUSE_SCHEMA.slice(0, 3));
      await insert('before:1', batches[0] ?? [], old);
      expect(
        await Promise.all([migrateWarehouse(old, WAREHOUSE_SCHEMA), migrateWarehouse(old, WAREHOUSE_SCHEMA)]),
      ).toContainEqual(WAREHOUSE_SCHEMA.slice(3).map((migration) => migration.number));
      await insert('before:2', batches[1] ?? [], old);
      const inThreeDays = new Date(Date.now() + 3 * 86_400_000).toISOString().slice(0, 10);
      await insert('before:3', [charge(`${inThreeDays} 00:00:00.000`, attempt(5), '0.000000000003')], old);
      await expectEqual(old);
      const [kept] = await old.query('SELECT toString(sum(cost)) AS cost FROM before.spend_daily');
      expect(kept).toEqual({ cost: '0.000000000003' });
      await old.close();
    });
  });

  it('binds parameters, so that no value can change a statement', async () => {
    const hostile = `' OR 1 = 1; DROP TABLE weir.events --\\`;
    const [answer] = await warehouse.query<{ echo: string }>('SELECT {value: String} AS echo', { value: hostile });
    expect(answer?.echo).toBe(hostile);
  });
});
