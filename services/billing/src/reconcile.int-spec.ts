import { after, before, describe, it } from 'node:test';
import { uuidv7, type ReconcileAnswer } from '@weir/contracts';
import { WAREHOUSE_SCHEMA, createWarehouse, migrateWarehouse, type Warehouse } from '@weir/warehouse';
import { startInfrastructure, type RunningStack } from '@weir/testing';
import { expect } from 'expect';
import { startBilling, type BillingProcess } from './billing-process.fixture.js';
import { landCharges } from './ledger.fixture.js';

const ATTEMPTS = 3_000;
const FOREIGN = 30_000;
const AT = '2026-08-01T01:00:00.000Z';
/** Beside what is read there may be anything: it makes the invoice longer than what billing may hold. */
const PADDING = 'x'.repeat(4_000);
const HEAP_MIB = 96;
const INVOICE_MIB_MIN = 120;

describe('reconciling an invoice that is larger than memory', () => {
  let stack: RunningStack;
  let warehouse: Warehouse;
  let billing: BillingProcess;
  let attemptIds: string[] = [];

  before(async () => {
    stack = await startInfrastructure({ parts: ['nats', 'postgres', 'clickhouse'] });
    warehouse = createWarehouse(stack.connection.internal.clickhouseWriter);
    await migrateWarehouse(warehouse, WAREHOUSE_SCHEMA);
    billing = await startBilling(stack, {
      WEIR_CLOSE_GRACE_MS: '0',
      WEIR_TIME_SCALE: '1',
      NODE_OPTIONS: `--max-old-space-size=${HEAP_MIB}`,
    });
    const charges = Array.from({ length: ATTEMPTS }, () => ({ at: AT, tokens: { output: 1 } }));
    attemptIds = (await landCharges(warehouse, charges)).attemptIds;
    await billing.expect('POST', 'billing/close', { by: 'ada', early: false });
  });
  after(async () => {
    await billing.stop();
    await warehouse.close();
    await stack.stop();
  });

  const query = 'billing/reconcile?provider=simulator&format=ndjson&since=2026-08-01&until=2026-08-02';
  const lineOf = (attemptId: string): string =>
    `${JSON.stringify({ attemptId, model: 'm', costUsd: '0.000015', output: 1, endedAt: AT, note: PADDING })}\n`;

  it('holds no more of it than a page, and answers whoever asks meanwhile', async () => {
    let sent = 0;
    // All but the last of ours, one twice, and many that are not ours.
    const ids = [...attemptIds.slice(0, -1), attemptIds[0] ?? '', ...Array.from({ length: FOREIGN }, () => uuidv7())];
    async function* invoice(): AsyncGenerator<Uint8Array> {
      for (const id of ids) {
        const line = Buffer.from(lineOf(id));
        sent += line.length;
        // So that this process, which asks for its health too, does not keep itself from it.
        await new Promise((resolve) => setImmediate(resolve));
        yield line;
      }
    }
    const done = new AbortController();
    const asked = billing.upload<ReconcileAnswer>(query, 'application/x-ndjson', invoice()).finally(() => {
      done.abort();
    });
    const waits: number[] = [];
    while (!done.signal.aborted) {
      const begun = performance.now();
      expect(await billing.isAlive()).toBe(true);
      waits.push(performance.now() - begun);
    }
    const answer = await asked;
    expect(sent).toBeGreaterThan(INVOICE_MIB_MIN * 1_048_576);
    expect(waits.length).toBeGreaterThan(20);
    expect(Math.max(...waits)).toBeLessThan(3_000);
    expect(answer.counts).toEqual({ 'not-ours': FOREIGN, 'billed-twice': 1, 'not-billed': 1 });
    expect(answer.differences).toHaveLength(10_000);
    expect(answer.days).toMatchObject([
      {
        day: '2026-08-01',
        invoiceLines: ATTEMPTS + FOREIGN,
        matched: ATTEMPTS - 1,
        chargedPico: String(ATTEMPTS * 15_000_000),
      },
    ]);
  });

  it('refuses what it cannot read by its line, and is ready for the next', async () => {
    const send = (...parts: string[]): Promise<unknown> =>
      billing.upload(query, 'application/x-ndjson', toStream(parts.map((part) => Buffer.from(part))));
    await expect(send(lineOf(uuidv7()), '{')).rejects.toThrow(/400.*line 2: not a JSON object/);
    await expect(billing.upload(query, 'application/x-ndjson', toStream([Uint8Array.of(0xff, 0xfe)]))).rejects.toThrow(
      /400.*not UTF-8/,
    );
    expect((await billing.ask('POST', query, { text: '' })).status).toBe(400);
    expect(await send(lineOf(attemptIds[0] ?? ''))).toMatchObject({ counts: { 'not-billed': ATTEMPTS - 1 } });
  });
});

async function* toStream(parts: readonly Uint8Array[]): AsyncGenerator<Uint8Array> {
  for (const part of parts) yield await Promise.resolve(part);
}
