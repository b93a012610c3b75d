import { after, afterEach, before, beforeEach, describe, it } from 'node:test';
import {
  uuidv7,
  type CloseAnswer,
  type CloseMonthAnswer,
  type EntriesAnswer,
  type LedgerRow,
  type ReportAnswer,
  type RerateAnswer,
} from '@weir/contracts';
import { createDataSource, type DataSource } from '@weir/store';
import { WAREHOUSE_SCHEMA, createWarehouse, migrateWarehouse, type Warehouse } from '@weir/warehouse';
import { eventually, startInfrastructure, type RunningStack } from '@weir/testing';
import { expect } from 'expect';
import { ChargeReader } from './adapters/facts/charge-reader.js';
import { startBilling, type BillingProcess } from './billing-process.fixture.js';
import { landCharges, type TestCharge } from './ledger.fixture.js';

const WITHIN = { timeoutMs: 30_000 };
/** The clock of billing under test closes nothing: each test says when. */
const BY_HAND = { WEIR_CLOSE_GRACE_MS: String(10 * 365 * 86_400_000) };
/** To close months at once: started where the hours were closed by hand, its clock finds nothing to do. */
const NO_GRACE = { WEIR_CLOSE_GRACE_MS: '0' };
const TABLES = ['ledger_entries', 'closed_hours', 'closed_months', 'closings', 'set_aside', 'set_aside_ends'];

/** Entries again, a revision further, into a month. */
const copyTo = (month: string): string =>
  `INSERT INTO ledger_entries (attempt_id, line, revision, kind, month, charged_at, closing, organisation_id, team_id, person_id, key_id,
     application, provider, deployment_id, model, upstream_model, region, bucket, quantity, rate_pico, amount_pico, price_version,
     usage_source, simulated)
   SELECT attempt_id, line, revision + 1, 'correction', '${month}', charged_at, closing, organisation_id, team_id, person_id, key_id,
     application, provider, deployment_id, model, upstream_model, region, bucket, 0, 0, -amount_pico, price_version, usage_source,
     simulated FROM ledger_entries`;

describe('the ledger', () => {
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
  const entries = async (billing: BillingProcess, month: string): Promise<readonly LedgerRow[]> =>
    (await billing.expect<EntriesAnswer>('GET', `billing/entries?month=${month}`)).rows;
  const booked = async (): Promise<{ lines: number; doubles: number; amountPico: bigint }> => {
    const [row] = await postgres.query<Record<string, string>[]>(
      `SELECT count(*) AS lines, count(*) - count(DISTINCT (attempt_id, line)) AS doubles, coalesce(sum(amount_pico), 0) AS amount
       FROM ledger_entries`,
    );
    return {
      lines: Number(row?.['lines']),
      doubles: Number(row?.['doubles']),
      amountPico: BigInt(row?.['amount'] ?? -1),
    };
  };
  /** So many attempts of two lines in each of so many hours of August. */
  const august = (hours: number, attempts: number): TestCharge[] =>
    Array.from({ length: hours * attempts }, (_, index) => ({
      at: new Date(Date.UTC(2026, 7, 1, Math.floor(index / attempts), 0, 0, index % attempts)).toISOString(),
      tokens: { inputUncached: 1 + index, output: 2 + index },
    }));

  it('holds every line of every closed hour, once, to the pico-USD, and closing again adds nothing', async () => {
    const billing = await start();
    const { amountPico } = await landCharges(warehouse, august(3, 10));
    const first = await close(billing);
    expect(first).toMatchObject({
      hours: 3,
      charges: 60,
      late: 0,
      corrections: 0,
      unpriced: 0,
      amountPico: String(amountPico),
    });
    expect(await close(billing)).toMatchObject({ hours: 0, charges: 0, late: 0, amountPico: '0' });
    expect(await booked()).toEqual({ lines: 60, doubles: 0, amountPico });
    const report = await billing.expect<ReportAnswer>('GET', 'billing/report?month=2026-08&by=model');
    expect(report.rows).toEqual([
      { name: 'sim-anthropic', attempts: 30, quantity: '960', amountPico: String(amountPico), unpricedLines: 0 },
    ]);
    const real = await billing.expect<ReportAnswer>('GET', 'billing/report?month=2026-08&by=day&real=true');
    expect(real).toMatchObject({ rows: [], amountPico: '0' });
  });

  it('reads an hour in pages without losing or repeating a line', async () => {
    await start();
    await landCharges(warehouse, [
      ...august(1, 30),
      ...Array.from({ length: 20 }, () => ({
        at: '2026-08-01T00:00:00.500Z',
        tokens: { inputUncached: 1, output: 1 },
      })),
    ]);
    const [hour] = await new ChargeReader(warehouse).countByHour(Date.UTC(2027, 0, 1));
    const seen: string[] = [];
    for await (const page of new ChargeReader(warehouse, 11).readHour(hour?.hour ?? 0)) {
      seen.push(...page.map((fact) => `${fact.attemptId} ${fact.line}`));
    }
    expect(seen).toHaveLength(100);
    expect(new Set(seen).size).toBe(100);
  });

  it('gives the last millisecond of an hour to that hour alone, so that a late fact of the next one is seen', async () => {
    const billing = await start();
    await landCharges(warehouse, [
      { at: '2026-08-01T08:59:59.999Z', tokens: { output: 1 } },
      { at: '2026-08-01T09:00:00.000Z', tokens: { output: 2 } },
    ]);
    expect(await close(billing)).toMatchObject({ hours: 2, charges: 2 });
    const late = await landCharges(warehouse, [{ at: '2026-08-01T09:30:00.000Z', tokens: { output: 3 } }]);
    expect(await close(billing)).toMatchObject({ hours: 1, late: 1, amountPico: String(late.amountPico) });
    const hours = await postgres.query<{ facts: string }[]>(
      `SELECT sum(facts) AS facts FROM closed_hours WHERE hour < '2026-09-01' GROUP BY hour ORDER BY hour`,
    );
    expect(hours.map((row) => row.facts)).toEqual(['1', '2']);
  });

  it('is the same after two closers at once as after one', async () => {
    const [first, second] = [await start(), await start()];
    const { amountPico } = await landCharges(warehouse, august(12, 20));
    const answers = await Promise.all([first, second, first, second].map((billing) => close(billing)));
    expect(answers.reduce((sum, answer) => sum + BigInt(answer.amountPico), 0n)).toBe(amountPico);
    expect(await booked()).toEqual({ lines: 480, doubles: 0, amountPico });
  });

  for (const table of ['closings', 'ledger_entries', 'closed_hours']) {
    it(`is whole after a kill -9 just before a closer writes ${table}`, async () => {
      const billing = await start();
      const { amountPico } = await landCharges(warehouse, august(2, 10));
      const blocker = postgres.createQueryRunner();
      await blocker.startTransaction();
      await blocker.query(`LOCK TABLE ${table} IN EXCLUSIVE MODE`);
      const killed = close(billing).catch((error: unknown) => error);
      await eventually(async () => {
        const waiting = await postgres.query<unknown[]>(
          `SELECT FROM pg_locks WHERE NOT granted AND relation = '${table}'::regclass`,
        );
        expect(waiting).toHaveLength(1);
      }, WITHIN);
      await billing.kill();
      running = [];
      expect(await killed).toBeInstanceOf(Error);
      await blocker.rollbackTransaction();
      await blocker.release();
      expect(await booked()).toEqual({ lines: 0, doubles: 0, amountPico: 0n });
      await close(await start());
      expect(await booked()).toEqual({ lines: 40, doubles: 0, amountPico });
    });
  }

  it('leaves a long close at once when it is told to end, and the next one goes on to the same', async () => {
    const billing = await start();
    const { amountPico } = await landCharges(warehouse, august(600, 3));
    const left = billing.ask('POST', 'billing/close', { by: 'ada', early: true });
    await eventually(
      async () => expect((await postgres.query<unknown[]>('SELECT FROM closed_hours')).length).toBeGreaterThan(2),
      { ...WITHIN, everyMs: 1 },
    );
    await billing.stop();
    running = [];
    expect(await left).toMatchObject({ status: 503, body: { message: expect.stringContaining('stopping') } });
    const hours = await postgres.query<unknown[]>('SELECT FROM closed_hours');
    expect(hours.length).toBeLessThan(600);
    await close(await start());
    expect(await booked()).toEqual({ lines: 3_600, doubles: 0, amountPico });
  });

  it('refuses a fact of another hour, which would hide one of its own', async () => {
    await landCharges(warehouse, [
      { at: '2026-08-01T08:59:59.999Z', tokens: { output: 1 } },
      { at: '2026-08-01T09:00:00.000Z', tokens: { output: 2 } },
    ]);
    const nextHour = Date.UTC(2026, 7, 1, 10);
    // The record, asked for an hour more than the reader asks for.
    const wider: Warehouse = {
      ...warehouse,
      query: (sql, parameters) => warehouse.query(sql, { ...parameters, until: nextHour }),
    };
    const read = async (): Promise<void> => {
      for await (const page of new ChargeReader(wider).readHour(Date.UTC(2026, 7, 1, 8))) expect(page).toHaveLength(1);
    };
    await expect(read()).rejects.toThrow(/is not of the hour 2026-08-01T08:00:00.000Z/);
  });

  it('is whole after a kill -9 between two hours', async () => {
    const billing = await start();
    const { amountPico } = await landCharges(warehouse, august(60, 20));
    const killed = close(billing).catch((error: unknown) => error);
    await eventually(
      async () => {
        const hours = await postgres.query<unknown[]>('SELECT FROM closed_hours');
        expect(hours.length).toBeGreaterThanOrEqual(3);
      },
      { ...WITHIN, everyMs: 1 },
    );
    await billing.kill();
    running = [];
    await killed;
    await close(await start());
    expect(await booked()).toEqual({ lines: 2_400, doubles: 0, amountPico });
  });

  it('books what comes after its hour was closed as late, and into the running month where its own is closed', async () => {
    const billing = await start();
    const first = await landCharges(warehouse, august(1, 1));
    await close(billing);
    const second = await landCharges(warehouse, [{ at: '2026-08-01T00:30:00.000Z', tokens: { output: 1 } }]);
    expect(await close(billing)).toMatchObject({ hours: 1, charges: 0, late: 1 });
    const monthCloser = await start(NO_GRACE);
    const month = await monthCloser.expect<CloseMonthAnswer>('POST', 'billing/close-month', {
      month: '2026-08',
      by: 'ada',
    });
    expect(month).toMatchObject({
      entries: 3,
      amountPico: String(first.amountPico + second.amountPico),
      closedBy: 'ada',
    });
    const third = await landCharges(warehouse, [
      { at: '2026-09-30T23:59:59.999Z', tokens: { output: 1 } },
      { at: '2026-08-31T23:59:59.999Z', tokens: { output: 2 } },
    ]);
    const now = new Date().toISOString().slice(0, 7);
    expect(await close(billing)).toMatchObject({ late: 2, amountPico: String(third.amountPico) });
    expect(await entries(billing, '2026-08')).toHaveLength(3);
    expect(await entries(billing, '2026-09')).toMatchObject([{ attemptId: third.attemptIds[0], kind: 'late' }]);
    expect(await entries(billing, now)).toMatchObject([
      { attemptId: third.attemptIds[1], kind: 'late', chargedAt: '2026-08-31T23:59:59.999Z' },
    ]);
    // Closing it again tells what was closed, and changes nothing.
    expect(await billing.expect('POST', 'billing/close-month', { month: '2026-08', by: 'grace' })).toEqual(month);
  });

  it('replaces a bound by what the provider counted, and says where two counts contradict', async () => {
    const billing = await start();
    const at = '2026-08-01T00:10:00.000Z';
    const cut = await landCharges(warehouse, [
      { at, tokens: { inputCacheWrite1h: 100, output: 50 }, usageSource: 'bounded' },
    ]);
    await close(billing);
    const [attemptId = ''] = cut.attemptIds;
    const real = await landCharges(warehouse, [{ attemptId, at, tokens: { inputUncached: 10, output: 20 } }]);
    expect(await close(billing)).toMatchObject({ corrections: 3, conflicts: 0 });
    expect((await booked()).amountPico).toBe(real.amountPico);
    await landCharges(warehouse, [{ attemptId, at, tokens: { inputUncached: 11, output: 20 } }]);
    expect(await close(billing)).toMatchObject({ corrections: 0, conflicts: 1, amountPico: '0' });
  });

  it('closes no month over a line without a price, and rates it only when told, by name and reason', async () => {
    const billing = await start();
    await landCharges(warehouse, [
      { at: '2026-08-03T00:00:00.000Z', tokens: { inputUncached: 10, output: 20 }, isUnpriced: true },
    ]);
    expect(await close(billing)).toMatchObject({ charges: 2, unpriced: 2, amountPico: '0' });
    const monthClose = { month: '2026-08', by: 'ada' };
    const monthCloser = await start(NO_GRACE);
    expect(await monthCloser.ask('POST', 'billing/close-month', monthClose)).toMatchObject({
      status: 409,
      body: { message: expect.stringContaining('2 lines of 2026-08 have no price') },
    });
    const request = {
      from: null,
      to: 'simulator/sim-anthropic@2026-01-01',
      provider: 'simulator',
      model: 'sim-anthropic',
      since: '2026-08-01',
      until: '2026-09-01',
      by: 'grace',
      reason: 'the price came late',
    };
    const rerate = (dryRun: boolean): Promise<RerateAnswer> =>
      billing.expect('POST', 'billing/rerate', { ...request, dryRun });
    expect(await rerate(true)).toEqual({ attempts: 1, entries: 2, unpriced: 0, amountPico: '330000000' });
    expect((await booked()).lines).toBe(2);
    expect(await rerate(false)).toEqual({ attempts: 1, entries: 2, unpriced: 0, amountPico: '330000000' });
    expect(await rerate(false)).toMatchObject({ entries: 0, amountPico: '0' });
    expect(
      (await billing.ask('POST', 'billing/rerate', { ...request, to: 'a/b@2026-01-01', dryRun: false })).status,
    ).toBe(409);
    expect((await billing.ask('POST', 'billing/rerate', { ...request, reason: '', dryRun: false })).status).toBe(400);
    expect(await monthCloser.expect('POST', 'billing/close-month', monthClose)).toMatchObject({
      amountPico: '330000000',
    });
    const [audit] = await postgres.query<{ done_by: string; detail: object }[]>(
      `SELECT done_by, detail FROM closings c WHERE kind = 're-rating' AND EXISTS (SELECT FROM ledger_entries e WHERE e.closing = c.closing)`,
    );
    expect(audit).toMatchObject({ done_by: 'grace', detail: { reason: 'the price came late' } });
  });

  it('keeps what somebody rated anew when a better count comes late', async () => {
    const at = '2026-08-01T00:10:00.000Z';
    const first = await start();
    const cut = await landCharges(warehouse, [{ at, tokens: { output: 50 }, usageSource: 'bounded' }]);
    await close(first);
    await postgres.query(
      `INSERT INTO price_versions (price_version, key, region, valid_from, rates, source)
       SELECT key || '@2027-01-01', key, region, '2027-01-01', rates || '{"output": "40000000", "reasoning": "40000000"}', 'test'
       FROM price_versions WHERE price_version = 'simulator/sim-anthropic@2026-01-01'`,
    );
    await first.expect<RerateAnswer>('POST', 'billing/rerate', {
      from: 'simulator/sim-anthropic@2026-01-01',
      to: 'simulator/sim-anthropic@2027-01-01',
      provider: 'simulator',
      model: 'sim-anthropic',
      since: '2026-08-01',
      until: '2026-09-01',
      by: 'grace',
      reason: 'the list was wrong',
      dryRun: false,
    });
    expect((await booked()).amountPico).toBe(50n * 40_000_000n);
    await landCharges(warehouse, [{ attemptId: cut.attemptIds[0] ?? '', at, tokens: { output: 20 } }]);
    // Started now, it knows the new version.
    expect(await close(await start())).toMatchObject({ corrections: 1, conflicts: 0, unpriced: 0 });
    expect((await booked()).amountPico).toBe(20n * 40_000_000n);
  });

  it('closes months in order and none that runs', async () => {
    const billing = await start();
    await landCharges(warehouse, [{ at: '2026-07-01T00:00:00.000Z', tokens: { output: 1 } }, ...august(1, 1)]);
    await close(billing);
    const monthCloser = await start(NO_GRACE);
    const closeMonth = (month: string) => monthCloser.ask('POST', 'billing/close-month', { month, by: 'ada' });
    expect(await closeMonth('2026-08')).toMatchObject({
      status: 409,
      body: { message: expect.stringContaining('2026-07') },
    });
    expect((await closeMonth(new Date().toISOString().slice(0, 7))).status).toBe(409);
    expect((await closeMonth('2026-07')).status).toBe(200);
    expect((await closeMonth('2026-08')).status).toBe(200);
  });

  it('closes no month that runs, even where each of its hours is closed, and none within the grace', async () => {
    const billing = await start();
    await landCharges(warehouse, august(1, 1));
    await close(billing);
    const now = new Date();
    const running = now.toISOString().slice(0, 7);
    // What `close --now` leaves in the last hour of a month.
    const lastHour = new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() + 1, 1) - 3_600_000);
    await postgres.query(
      `WITH made AS (INSERT INTO closings (kind, done_by, detail) VALUES ('hour', 'ada', '{}') RETURNING closing)
       INSERT INTO closed_hours (hour, closing, facts) SELECT $1, closing, 0 FROM made`,
      [lastHour],
    );
    const refused = { status: 409, body: { message: expect.stringContaining('may be closed from') } };
    const body = (month: string) => ({ month, by: 'ada' });
    expect(await billing.ask('POST', 'billing/close-month', body('2026-08'))).toMatchObject(refused);
    const withoutGrace = await start(NO_GRACE);
    expect(await withoutGrace.ask('POST', 'billing/close-month', body('2026-08'))).toMatchObject({ status: 200 });
    expect(await withoutGrace.ask('POST', 'billing/close-month', body(running))).toMatchObject(refused);
  });

  it('books what the record holds before it closes a month over it', async () => {
    const billing = await start();
    const first = await landCharges(warehouse, august(1, 1));
    await close(billing);
    const monthCloser = await start(NO_GRACE);
    const late = await landCharges(warehouse, [{ at: '2026-08-31T23:59:59.999Z', tokens: { output: 3 } }]);
    expect(await monthCloser.expect('POST', 'billing/close-month', { month: '2026-08', by: 'ada' })).toMatchObject({
      entries: 3,
      amountPico: String(first.amountPico + late.amountPico),
    });
  });

  it('asks the record about as many attempts as an invoice may name', async () => {
    await start();
    const ids = Array.from({ length: 5_000 }, () => uuidv7());
    expect((await new ChargeReader(warehouse).explainUncharged(ids)).size).toBe(0);
  });

  it('refuses entries in a closed month also from who hides the list of closed months', async () => {
    const billing = await start();
    await landCharges(warehouse, august(1, 1));
    await close(billing);
    await (await start(NO_GRACE)).expect('POST', 'billing/close-month', { month: '2026-08', by: 'ada' });
    const runner = postgres.createQueryRunner();
    try {
      await runner.startTransaction();
      await runner.query('CREATE TEMP TABLE closed_months (month text) ON COMMIT DROP');
      await expect(runner.query(copyTo('2026-08'))).rejects.toThrow('billing month 2026-08 is closed');
    } finally {
      await runner.rollbackTransaction();
      await runner.release();
    }
  });

  it('cannot be rewritten in Postgres, and a closed month takes nothing from anybody', async () => {
    const billing = await start();
    const faulty = { at: '2026-08-01T00:00:00.000Z', tokens: { output: 1 }, costUsd: '1.000000000000' };
    const { attemptIds } = await landCharges(warehouse, [faulty, ...august(1, 1)]);
    await close(billing);
    await landCharges(warehouse, [{ at: faulty.at, tokens: { output: 1 }, attemptId: attemptIds[0] ?? '' }]);
    await close(billing);
    const monthCloser = await start(NO_GRACE);
    await monthCloser.expect('POST', 'billing/close-month', { month: '2026-08', by: 'ada' });
    for (const table of TABLES) {
      const column = table === 'closings' ? 'kind' : 'closing';
      await expect(postgres.query(`UPDATE ${table} SET ${column} = ${column}`)).rejects.toThrow(/append-only/);
      await expect(postgres.query(`DELETE FROM ${table}`)).rejects.toThrow(/append-only/);
      await expect(postgres.query(`TRUNCATE ${table} CASCADE`)).rejects.toThrow(/append-only/);
    }
    await expect(postgres.query(copyTo('2026-08'))).rejects.toThrow('billing month 2026-08 is closed');
    await postgres.query(copyTo('2026-09'));
    await expect(postgres.query(copyTo('2026-09').replace('revision + 1', 'revision'))).rejects.toThrow(/unique/);
  });

  it('is closed by the clock, without anybody', async () => {
    await start({ WEIR_CLOSE_GRACE_MS: '0', WEIR_TIME_SCALE: '0.01' });
    const { amountPico } = await landCharges(warehouse, august(2, 5));
    await eventually(async () => expect(await booked()).toEqual({ lines: 20, doubles: 0, amountPico }), WITHIN);
  });
});
