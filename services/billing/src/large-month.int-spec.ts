import { after, before, describe, it } from 'node:test';
import type { PriceRecord } from '@weir/contracts';
import type { Query } from '@weir/store';
import { startInfrastructure, type RunningStack } from '@weir/testing';
import { expect } from 'expect';
import { BillingDatabase } from './adapters/store/billing-database.js';
import { readReport } from './adapters/store/ledger-report.js';
import { countUnpriced } from './adapters/store/ledger.store.js';
import { writeMonth } from './adapters/store/month-closer.js';
import { rerateEntries } from './adapters/store/rerater.js';
import { measureQuery, type Touched } from './measured-query.fixture.js';

const MONTH = '2026-08';
const ATTEMPTS = 12_000;
const LINES = 2 * ATTEMPTS;
/** A few times the piece a statement reads, far below the month. */
const MOST = 15_000;
const bounded = ({ most, busiest }: Touched): void =>
  expect([most < MOST, most, busiest]).toEqual([true, most, busiest]);
const VERSION = 'simulator/sim-anthropic@2026-01-01';
const RATES = { inputUncached: '3', inputCacheRead: '3', inputCacheWrite5m: '3', inputCacheWrite1h: '3' };
const PRICE: PriceRecord = {
  kind: 'price',
  key: 'simulator/sim-anthropic',
  priceVersion: VERSION,
  validFrom: 0,
  source: 'test',
  rates: { ...RATES, output: '5', reasoning: '5' },
};

/** Two lines an attempt, without a price, all over the month; a third of them in one hour. */
const GENERATE = `
  WITH made AS (INSERT INTO closings (kind, done_by, detail) VALUES ('hour', 'test', '{}') RETURNING closing),
  ended AS (INSERT INTO closed_hours (hour, closing, facts) SELECT '2026-08-31T23:00:00Z', closing, ${LINES} FROM made)
  INSERT INTO ledger_entries (attempt_id, line, revision, kind, month, charged_at, closing, organisation_id, team_id, person_id, key_id,
    application, provider, deployment_id, model, upstream_model, region, bucket, quantity, rate_pico, amount_pico, price_version,
    usage_source, simulated)
  SELECT ('01990000-0000-7000-8000-' || lpad(to_hex(hashint4(n)::bigint & 4294967295), 12, '0'))::uuid, line, 0, 'charge', '${MONTH}',
    '2026-08-01T00:00:00Z'::timestamptz + CASE WHEN n % 3 = 0 THEN n * interval '10 ms' ELSE n * interval '2 minutes' END,
    closing, 'o1', 't' || n % 7, '', 'k1', '', 'simulator', 'd1', 'sim-anthropic', 'sim-anthropic', 'local',
    CASE line WHEN 0 THEN 'inputUncached' ELSE 'output' END, n, NULL, NULL, '', 'provider', false
  FROM made, generate_series(1, ${ATTEMPTS}) AS n, (VALUES (0), (4)) AS lines (line)`;

describe('a month of many lines', () => {
  let stack: RunningStack;
  let database: BillingDatabase;
  const query: Query = (sql, parameters) => database.query(sql, parameters);

  before(async () => {
    stack = await startInfrastructure({ parts: ['postgres'] });
    database = new BillingDatabase({ url: stack.connection.postgres.url, onPoolError: () => undefined });
    await database.open(AbortSignal.timeout(60_000));
    await query(GENERATE);
    await query('ANALYZE ledger_entries');
  });
  after(async () => {
    await database.close();
    await stack.stop();
  });

  const sumOfNumbers = BigInt((ATTEMPTS * (ATTEMPTS + 1)) / 2);

  it('is reported and counted in pieces, each row read a few times at most', async () => {
    const { query: measured, touched } = measureQuery(query);
    expect(await countUnpriced(measured, MONTH)).toBe(LINES);
    expect(await countUnpriced(measured)).toBe(LINES);
    const report = await readReport(measured, { month: MONTH, by: 'team', real: false });
    expect(report.rows).toHaveLength(7);
    expect(report.rows.reduce((sum, row) => sum + row.attempts, 0)).toBe(ATTEMPTS);
    expect(report.rows.reduce((sum, row) => sum + BigInt(row.quantity), 0n)).toBe(2n * sumOfNumbers);
    expect(report.unpricedLines).toBe(LINES);
    expect((await readReport(measured, { month: MONTH, by: 'kind', real: true })).rows).toMatchObject([
      { name: 'charge', attempts: ATTEMPTS },
    ]);
    bounded(touched);
    expect(touched.rows).toBeLessThan(10 * LINES);
  });

  it('is rated anew and closed in pieces, each row read a few times at most', async () => {
    const request = {
      from: null,
      to: VERSION,
      provider: 'simulator',
      model: 'sim-anthropic',
      tier: 'standard' as const,
      since: '2026-08-01',
      until: '2026-09-01',
      by: 'ada',
      reason: 'the price came late',
      dryRun: false,
    };
    const options = { findPrice: () => PRICE, stopping: new AbortController().signal };
    const rated = await database.transaction(async (transaction) => {
      const { query: measured, touched } = measureQuery(transaction);
      const answer = await rerateEntries(measured, options, request);
      bounded(touched);
      // Quadratic would be tens of times the month.
      expect(touched.rows).toBeLessThan(10 * LINES);
      return answer;
    });
    expect(rated).toEqual({ attempts: ATTEMPTS, entries: LINES, unpriced: 0, amountPico: String(8n * sumOfNumbers) });
    await query('ANALYZE ledger_entries');
    await database.transaction(async (transaction) => {
      const { query: measured, touched } = measureQuery(transaction);
      const closed = await writeMonth(measured, { month: MONTH, by: 'ada' });
      expect(closed).toMatchObject({ entries: 2 * LINES, amountPico: rated.amountPico });
      bounded(touched);
    });
  });
});
