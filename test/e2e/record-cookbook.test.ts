import { after, before, describe, it } from 'node:test';
import { startStack, type RunningStack } from '@weir/testing';
import { expect } from 'expect';
import { chat, idOf, message, send } from './ingress-client.js';
import { agreesWithInvoice, haveLanded, isWhole, query, readQueries } from './record-kit.js';

type Row = Readonly<Record<string, string | null>>;

/** What each query of the cookbook must show after the calls below, by its number. */
const EXPECTED: Readonly<Record<number, (rows: readonly Row[]) => void>> = {
  1: (rows) => {
    expect(rows.length).toBeGreaterThan(10);
    expect(rows.find((row) => row['provider'] === 'simulator')).toMatchObject({
      team: expect.any(String),
      key_name: expect.any(String),
    });
  },
  2: (rows) => expect(Number(rows[0]?.['usd'])).toBeGreaterThan(0),
  3: (rows) => expect(rows.length).toBeGreaterThanOrEqual(1),
  4: (rows) =>
    expect(rows.map((row) => row['model_served'])).toEqual(expect.arrayContaining(['sim-openai', 'sim-anthropic'])),
  5: (rows) => expect(Number(rows[0]?.['calls'])).toBeGreaterThan(10),
  // Last month is empty on a machine that started today.
  6: (rows) => expect(rows).toEqual([]),
  7: (rows) => expect(rows.every((row) => row['usd_saved'] !== null)).toBe(true),
  8: (rows) => expect(rows.map((row) => row['usage_source'])).toContain('bounded'),
  9: (rows) => expect(rows).toEqual([]),
  10: (rows) => {
    expect(rows.length).toBeGreaterThanOrEqual(2);
    expect(rows.map((row) => row['missing'])).toEqual(rows.map(() => '0'));
  },
  // Nothing is missing, nobody died, and everything could be landed.
  11: (rows) => expect(rows).toEqual([]),
  12: (rows) => expect(rows).toEqual([]),
  13: (rows) => expect(rows).toEqual([]),
  14: (rows) => {
    expect(rows.map((row) => row['instance'])).toEqual(expect.arrayContaining(['ingress-0', 'providers-0']));
    expect(Number(rows[0]?.['seconds_behind'])).toBeLessThan(60);
  },
};

describe('the SQL cookbook', () => {
  let stack: RunningStack;

  before(async () => {
    stack = await startStack({ environment: { WEIR_TIME_SCALE: '0.2' } });
    const calls: string[] = [];
    for (let round = 0; round < 5; round++) {
      const answers = await Promise.all([
        send(stack.connection, { path: '/v1/chat/completions', body: chat('hello') }),
        send(stack.connection, { path: '/v1/chat/completions', body: chat('[[sim reasoning=50]]', { stream: true }) }),
        send(stack.connection, { path: '/v1/messages', body: message('[[sim chunks=20]]', { stream: true }) }),
        send(stack.connection, {
          path: '/v1/messages',
          body: message('[[sim chunks=20 fail=reset@5]]', { stream: true }),
        }),
        send(stack.connection, { path: '/v1/messages', body: message('hello', { model: 'claude-haiku-4-5' }) }),
      ]);
      calls.push(...answers.map(idOf));
    }
    await haveLanded(stack.connection, calls);
  });
  after(() => stack.stop());

  const queries = readQueries('sql-cookbook.md');

  it('has fourteen queries', () => expect(queries).toHaveLength(14));

  queries.forEach((sql, index) => {
    it(`query ${index + 1} runs as it stands, and shows what was done`, async () => {
      EXPECTED[index + 1]?.(await query<Row>(stack.connection, sql));
    });
  });

  it('rests on a record that is whole, and agrees with the provider to the last digit', async () => {
    await isWhole(stack.connection);
    await agreesWithInvoice(stack.connection);
  });
});
