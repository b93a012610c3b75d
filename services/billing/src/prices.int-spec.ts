import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { connectBus, openBucket, type BusConnection } from '@weir/bus';
import { KV_BUCKETS, PriceRecord, kvKey, type PriceListAnswer, type PriceProposal } from '@weir/contracts';
import { createDataSource, type DataSource } from '@weir/store';
import { eventually, startInfrastructure, type RunningStack } from '@weir/testing';
import { expect } from 'expect';
import { startBilling, type BillingProcess } from './billing-process.fixture.js';

const WITHIN = { timeoutMs: 20_000 };
const KEY = 'simulator/sim-anthropic';

/** A list with one model whose price in the book is 3 and 15 USD per million, caches 0.3, 3.75 and 6. */
const list = (output: string, part: object = {}): object => ({
  format: 'litellm',
  text: `{"sim-anthropic": {"litellm_provider": "simulator", "mode": "chat", "input_cost_per_token": 3e-06,
    "output_cost_per_token": ${output}, "cache_read_input_token_cost": 3e-07, "cache_creation_input_token_cost": 3.75e-06,
    "cache_creation_input_token_cost_above_1hr": 6e-06},
    "nobody-knows": {"litellm_provider": "simulator", "mode": "chat", "input_cost_per_token": 1e-06, "output_cost_per_token": 1e-06}}`,
  source: 'test',
  day: '2026-02-01',
  region: null,
  keys: {},
  includeNew: false,
  ...part,
});

describe('the price book', () => {
  let stack: RunningStack;
  let bus: BusConnection;
  let postgres: DataSource;
  let billing: BillingProcess;

  before(async () => {
    stack = await startInfrastructure({ parts: ['nats', 'postgres', 'clickhouse'] });
    const { host, username, password } = new URL(stack.connection.nats.url);
    bus = await connectBus({ url: `nats://${host}`, user: username, password, name: 'test' });
    billing = await startBilling(stack);
    postgres = await createDataSource({
      url: stack.connection.postgres.url,
      schema: 'billing',
      entities: [],
    }).initialize();
  });
  after(async () => {
    await billing.stop();
    await postgres.destroy();
    await bus.close();
    await stack.stop();
  });

  const published = async (version: string): Promise<PriceRecord | undefined> => {
    const entry = await (await openBucket(bus, KV_BUCKETS.prices)).get(kvKey('price', version));
    return entry && PriceRecord.parse(entry.value);
  };

  it('is nobody’s business without its token', async () => {
    expect((await billing.ask('GET', 'prices/proposals', undefined, 'a token of other characters')).status).toBe(401);
    expect((await billing.ask('POST', 'prices/import', list('1.6e-05'), '')).status).toBe(401);
  });

  it('compares a list without taking anything in', async () => {
    const answer = await billing.expect<PriceListAnswer>('POST', 'prices/diff', list('1.6e-05'));
    expect(answer).toMatchObject({
      leftOut: 1,
      verdicts: [
        {
          key: KEY,
          kind: 'accepted',
          differences: [
            { name: 'output', before: '15000000', after: '16000000' },
            { name: 'reasoning', before: '15000000', after: '16000000' },
          ],
        },
      ],
    });
    expect(await published(`${KEY}@2026-02-01`)).toBeUndefined();
    expect((await billing.expect<PriceListAnswer>('POST', 'prices/diff', list('1.5e-05'))).verdicts[0]?.kind).toBe(
      'same',
    );
  });

  it('takes in a small change at once, and publishes it without a restart', async () => {
    const import_ = { ...list('1.6e-05'), by: 'ada' };
    expect((await billing.expect<PriceListAnswer>('POST', 'prices/import', import_)).verdicts[0]?.kind).toBe(
      'accepted',
    );
    await eventually(async () => {
      expect((await published(`${KEY}@2026-02-01`))?.rates.output).toBe('16000000');
    }, WITHIN);
    // The same again changes nothing, and the same day never gets another price.
    expect((await billing.expect<PriceListAnswer>('POST', 'prices/import', import_)).verdicts[0]?.kind).toBe('same');
    const other = await billing.expect<PriceListAnswer>('POST', 'prices/import', { ...list('1.7e-05'), by: 'ada' });
    expect(other.verdicts[0]).toMatchObject({
      kind: 'refused',
      reasons: [expect.stringContaining('give another day')],
    });
  });

  it('keeps a jump waiting until somebody approves it, once', async () => {
    const import_ = { ...list('3e-05', { day: '2026-03-01' }), by: 'ada' };
    const { verdicts } = await billing.expect<PriceListAnswer>('POST', 'prices/import', import_);
    expect(verdicts[0]).toMatchObject({
      kind: 'waiting',
      reasons: [expect.stringContaining('over 30 %'), expect.anything()],
    });
    expect(await published(`${KEY}@2026-03-01`)).toBeUndefined();
    const [waiting] = await billing.expect<PriceProposal[]>('GET', 'prices/proposals');
    expect(waiting).toMatchObject({ priceVersion: `${KEY}@2026-03-01`, proposedBy: 'ada' });
    const approval = { proposals: [waiting?.proposal], by: 'grace', note: 'announced in January' };
    await billing.expect('POST', 'prices/approve', approval);
    expect((await billing.ask('POST', 'prices/approve', approval)).status).toBe(409);
    expect(await billing.expect('GET', 'prices/proposals')).toEqual([]);
    await eventually(async () => expect(await published(`${KEY}@2026-03-01`)).toBeDefined(), WITHIN);
    const [decision] = await postgres.query<object[]>(
      'SELECT decided_by, note FROM price_decisions WHERE proposal = $1',
      [waiting?.proposal],
    );
    expect(decision).toEqual({ decided_by: 'grace', note: 'announced in January' });
  });

  it('refuses what is at fault, whoever asks, and a request that is none', async () => {
    const wrongUnit = await billing.expect<PriceListAnswer>('POST', 'prices/import', {
      ...list('15', { day: '2026-04-01' }),
      by: 'ada',
    });
    expect(wrongUnit.verdicts[0]).toMatchObject({
      kind: 'refused',
      reasons: expect.arrayContaining([expect.stringContaining('unit')]),
    });
    expect((await billing.ask('POST', 'prices/import', { ...list('1e-6', { text: '{' }), by: 'ada' })).status).toBe(
      400,
    );
    expect((await billing.ask('POST', 'prices/import', list('1e-6'))).status).toBe(400);
  });

  it('refuses two names of a list that become one key, by name, and takes nothing of either', async () => {
    const both = list('1.6e-05', { day: '2026-05-01', keys: { 'simulator/nobody-knows': KEY } });
    const answer = await billing.expect<PriceListAnswer>('POST', 'prices/import', { ...both, by: 'ada' });
    expect(answer.verdicts).toMatchObject([
      { kind: 'refused', reasons: [expect.stringContaining('simulator/nobody-knows')] },
      { kind: 'refused', reasons: [expect.stringContaining('simulator/sim-anthropic')] },
    ]);
  });

  it('goes on with the stored version where a shipped list states another price for it', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'weir-prices-'));
    const shipped = readFileSync(fileURLToPath(new URL('../prices/simulator.yaml', import.meta.url)), 'utf8');
    const changed = shipped.replaceAll('"15.00"', '"16.00"');
    expect(changed).not.toBe(shipped);
    writeFileSync(join(folder, 'simulator.yaml'), changed);
    const other = await startBilling(stack, { WEIR_PRICES_DIR: folder });
    await other.stop();
    rmSync(folder, { recursive: true });
    expect((await published(`${KEY}@2026-01-01`))?.rates.output).toBe('15000000');
  });

  it('cannot be rewritten in Postgres, its history neither', async () => {
    for (const table of ['price_versions', 'price_proposals', 'price_decisions']) {
      const column = table === 'price_versions' ? 'source' : table === 'price_proposals' ? 'proposed_by' : 'note';
      await expect(postgres.query(`UPDATE ${table} SET ${column} = 'x'`)).rejects.toThrow();
      await expect(postgres.query(`DELETE FROM ${table}`)).rejects.toThrow();
      await expect(postgres.query(`TRUNCATE ${table} CASCADE`)).rejects.toThrow();
    }
  });
});
