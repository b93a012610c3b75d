import { after, afterEach, before, beforeEach, describe, it } from 'node:test';
import type { CloseAnswer, CloseMonthAnswer, EntriesAnswer, ReportAnswer, SetAsideAnswer } from '@weir/contracts';
import { createDataSource, type DataSource } from '@weir/store';
import { WAREHOUSE_SCHEMA, createWarehouse, migrateWarehouse, type Warehouse } from '@weir/warehouse';
import { eventually, startInfrastructure, type RunningStack } from '@weir/testing';
import { expect } from 'expect';
import { startBilling, type BillingProcess } from './billing-process.fixture.js';
import { landCharges, landUnused } from './ledger.fixture.js';

/** The clock of billing under test closes nothing: each test says when. */
const BY_HAND = { WEIR_CLOSE_GRACE_MS: String(10 * 365 * 86_400_000), WEIR_TIME_SCALE: '0.01' };
const NO_GRACE = { WEIR_CLOSE_GRACE_MS: '0' };
const AT = '2026-08-01T01:00:00.000Z';
const FAULTY = { at: AT, tokens: { output: 1 }, costUsd: '0.000015000001' };
const OUTPUT_PICO = 15_000_000n;
const NOTHING_OPEN = { faults: 0, conflicts: 0, amountPico: '0' };

describe('what is recorded and not booked', () => {
  let stack: RunningStack;
  let warehouse: Warehouse;
  let postgres: DataSource;
  let running: BillingProcess[] = [];

  before(async () => {
    stack = await startInfrastructure({ parts: ['nats', 'postgres', 'clickhouse'] });
    warehouse = createWarehouse(stack.connection.internal.clickhouseWriter);
    await migrateWarehouse(warehouse, WAREHOUSE_SCHEMA);
    postgres = await createDataSource({
      url: stack.connection.postgres.url,
      schema: 'billing',
      entities: [],
    }).initialize();
  });
  after(async () => {
    await warehouse.close();
    await postgres.destroy();
    await stack.stop();
  });
  beforeEach(async () => {
    await postgres.query('DROP SCHEMA IF EXISTS billing CASCADE');
    await warehouse.command('TRUNCATE TABLE weir.charges_landed');
    await warehouse.command('TRUNCATE TABLE weir.attempts_landed');
  });
  afterEach(async () => {
    for (const billing of running) await billing.kill();
    running = [];
  });

  const start = async (environment: Record<string, string> = BY_HAND): Promise<BillingProcess> => {
    const billing = await startBilling(stack, environment);
    running.push(billing);
    return billing;
  };
  const close = (billing: BillingProcess): Promise<CloseAnswer> =>
    billing.expect('POST', 'billing/close', { by: 'ada', early: true });
  const open = async (billing: BillingProcess): Promise<SetAsideAnswer['rows']> =>
    (await billing.expect<SetAsideAnswer>('GET', 'billing/open')).rows;
  const booked = async (): Promise<bigint> => {
    const [row] = await postgres.query<{ sum: string }[]>(
      'SELECT coalesce(sum(amount_pico), 0) AS sum FROM ledger_entries',
    );
    return BigInt(row?.sum ?? -1);
  };

  it('sets a faulty line aside, closes its hour and those after it without it, and tells of it everywhere', async () => {
    const billing = await start();
    const { attemptIds } = await landCharges(warehouse, [
      { at: '2026-08-01T00:00:00.000Z', tokens: { output: 1 } },
      FAULTY,
      { at: AT, tokens: { output: 2 } },
      { at: '2026-08-01T02:00:00.000Z', tokens: { output: 3 } },
    ]);
    const told = { faults: 1, conflicts: 0, amountPico: '15000001' };
    expect(await close(billing)).toMatchObject({ hours: 3, charges: 3, faults: 1, open: told });
    expect(await booked()).toBe(6n * OUTPUT_PICO);
    const [item] = await open(billing);
    expect(item).toMatchObject({
      kind: 'fault',
      attemptId: attemptIds[1],
      line: 4,
      bucket: 'output',
      quantity: '1',
      recordedPico: '15000001',
      bookedPico: null,
      hour: AT,
      month: '2026-08',
      reason: expect.stringContaining('are not what'),
    });
    // Found once, however often it is looked at.
    expect(await close(billing)).toMatchObject({ hours: 0, faults: 0, open: told });
    expect(await open(billing)).toEqual([item]);
    const report = await billing.expect<ReportAnswer>('GET', 'billing/report?month=2026-08&by=team');
    expect(report).toMatchObject({ open: told, amountPico: String(6n * OUTPUT_PICO) });
    await eventually(
      async () => expect(await billing.metrics()).toMatch(/weir_billing_set_aside_attempts\{.*kind="fault".*\} 1/),
      { timeoutMs: 30_000 },
    );
  });

  it('closes no month over it unless somebody says why, and books what is cured later in the running one', async () => {
    const { attemptIds } = await landCharges(warehouse, [FAULTY, { at: AT, tokens: { output: 2 } }]);
    const monthCloser = await start(NO_GRACE);
    await close(monthCloser);
    const request = { month: '2026-08', by: 'ada' };
    expect(await monthCloser.ask('POST', 'billing/close-month', request)).toMatchObject({
      status: 409,
      body: { message: expect.stringContaining('1 attempts of 2026-08 have faults') },
    });
    expect((await monthCloser.ask('POST', 'billing/close-month', { ...request, acceptOpen: ' ' })).status).toBe(400);
    const closed = await monthCloser.expect<CloseMonthAnswer>('POST', 'billing/close-month', {
      ...request,
      acceptOpen: 'the provider looks into it',
    });
    expect(closed).toMatchObject({ entries: 1, amountPico: String(2n * OUTPUT_PICO) });
    const [audit] = await postgres.query<{ done_by: string; detail: object }[]>(
      `SELECT done_by, detail FROM closings WHERE kind = 'month'`,
    );
    expect(audit).toMatchObject({
      done_by: 'ada',
      detail: { acceptOpen: 'the provider looks into it', open: { faults: 1, conflicts: 0, amountPico: '15000001' } },
    });
    // Accepted, it is told no more as open, and still waits for its cure.
    expect(await close(monthCloser)).toMatchObject({ open: NOTHING_OPEN });
    expect(await open(monthCloser)).toHaveLength(1);
    await landCharges(warehouse, [{ at: AT, tokens: { output: 1 }, attemptId: attemptIds[0] ?? '' }]);
    expect(await close(monthCloser)).toMatchObject({ late: 1, amountPico: String(OUTPUT_PICO) });
    const now = new Date().toISOString().slice(0, 7);
    const { rows } = await monthCloser.expect<EntriesAnswer>('GET', `billing/entries?month=${now}`);
    expect(rows).toMatchObject([{ attemptId: attemptIds[0], kind: 'late', chargedAt: AT }]);
    expect(await open(monthCloser)).toEqual([]);
  });

  it('books what had no price version as soon as there is one', async () => {
    const priceVersion = 'simulator/sim-anthropic@2027-01-01';
    const first = await start();
    await landCharges(warehouse, [{ at: AT, tokens: { output: 7 }, priceVersion }]);
    expect(await close(first)).toMatchObject({ hours: 1, charges: 0, open: { faults: 1 } });
    await postgres.query(
      `INSERT INTO price_versions (price_version, key, region, valid_from, rates, source)
       SELECT key || '@2027-01-01', key, region, '2027-01-01', rates, 'test'
       FROM price_versions WHERE price_version = 'simulator/sim-anthropic@2026-01-01'`,
    );
    // Started now, it knows the new version.
    const second = await start();
    expect(await close(second)).toMatchObject({ hours: 0, late: 1, open: NOTHING_OPEN });
    expect(await booked()).toBe(7n * OUTPUT_PICO);
    expect(await close(second)).toMatchObject({ hours: 0, late: 0, corrections: 0 });
  });

  it('keeps a conflict until a better count settles it, and closes no month over it', async () => {
    const billing = await start();
    const bound = { at: AT, tokens: { output: 50 }, usageSource: 'bounded' };
    const [attemptId = ''] = (await landCharges(warehouse, [bound])).attemptIds;
    await close(billing);
    await landCharges(warehouse, [{ ...bound, attemptId, tokens: { output: 60 } }]);
    expect(await close(billing)).toMatchObject({ conflicts: 1, open: { conflicts: 1 }, amountPico: '0' });
    expect(await close(billing)).toMatchObject({ conflicts: 0, open: { conflicts: 1 } });
    expect(await open(billing)).toMatchObject([
      {
        kind: 'conflict',
        attemptId,
        quantity: '60',
        recordedPico: String(60n * OUTPUT_PICO),
        bookedPico: String(50n * OUTPUT_PICO),
      },
    ]);
    const monthCloser = await start(NO_GRACE);
    const refused = await monthCloser.ask('POST', 'billing/close-month', { month: '2026-08', by: 'ada' });
    expect(refused).toMatchObject({ status: 409, body: { message: expect.stringContaining('1 have conflicts') } });
    await landCharges(warehouse, [{ at: '2026-08-01T09:00:00.000Z', attemptId, tokens: { output: 20 } }]);
    expect(await close(billing)).toMatchObject({ corrections: 1, open: NOTHING_OPEN });
    expect(await booked()).toBe(20n * OUTPUT_PICO);
    expect(await monthCloser.ask('POST', 'billing/close-month', { month: '2026-08', by: 'ada' })).toMatchObject({
      status: 200,
    });
  });

  it('takes a bound back to nothing when it turns out that nothing was used, in either order', async () => {
    const billing = await start();
    const bound = { at: AT, tokens: { inputUncached: 10, output: 50 }, usageSource: 'bounded' };
    const [attemptId = ''] = (await landCharges(warehouse, [bound])).attemptIds;
    expect(await close(billing)).toMatchObject({ charges: 2 });
    await landUnused(warehouse, [{ attemptId, at: '2026-08-01T01:30:00.000Z' }]);
    expect(await close(billing)).toMatchObject({ hours: 1, corrections: 2, conflicts: 0 });
    expect(await booked()).toBe(0n);
    expect(await close(billing)).toMatchObject({ hours: 0, corrections: 0 });
    // Known to be nothing before the bound comes, an hour later.
    const other = '01990000-0000-7000-8000-000000000001';
    await landUnused(warehouse, [{ attemptId: other, at: AT }]);
    await close(billing);
    await landCharges(warehouse, [{ ...bound, attemptId: other, at: '2026-08-01T03:00:00.000Z' }]);
    expect(await close(billing)).toMatchObject({ hours: 1, charges: 0, late: 0, corrections: 0, conflicts: 0 });
    expect(await booked()).toBe(0n);
  });
});
