import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { startStack, type RunningStack } from '@weir/testing';
import { expect } from 'expect';
import { request } from 'undici';
import { runBlock, type Ended } from './guide-shell.fixture.js';
import { chat, idOf, message, send } from './ingress-client.js';
import { haveLanded, pico, query, readInvoice } from './record-kit.js';

const GUIDE = fileURLToPath(new URL('../../../docs/guides/reconciling-a-month.md', import.meta.url));

/** First days of this month and of the next, and the month before. */
function calendar(): { month: string; since: string; until: string; before: string } {
  const now = new Date();
  const first = (offset: number): string =>
    new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() + offset, 1)).toISOString().slice(0, 10);
  return { month: first(0).slice(0, 7), since: first(0), until: first(1), before: first(-1).slice(0, 7) };
}

/** USD with twelve decimals. */
const usd = (amount: bigint): string => `${amount / 10n ** 12n}.${String(amount % 10n ** 12n).padStart(12, '0')}`;

/** A price of the book within the gates, and one that jumps: 0.4 and 1.2 USD per million to 0.4 and 2.4. */
const LIST = `{
  "sim-qwen": {"litellm_provider": "simulator", "mode": "chat", "input_cost_per_token": 4e-07, "output_cost_per_token": 2.4e-06,
    "cache_read_input_token_cost": 8e-08, "cache_creation_input_token_cost": 5e-07},
  "claude-haiku-4-5": {"litellm_provider": "anthropic", "mode": "chat", "input_cost_per_token": 1.1e-06,
    "output_cost_per_token": 5.5e-06, "cache_read_input_token_cost": 1.1e-07, "cache_creation_input_token_cost": 1.375e-06,
    "cache_creation_input_token_cost_above_1hr": 2.2e-06},
  "gpt-unheard-of": {"litellm_provider": "openai", "mode": "chat", "input_cost_per_token": 1e-06, "output_cost_per_token": 1e-06}}`;

describe('the guide to a month', () => {
  let stack: RunningStack;
  const folder = mkdtempSync(join(tmpdir(), 'weir-month-'));
  const days = calendar();

  before(async () => {
    stack = await startStack({ environment: { WEIR_TIME_SCALE: '0.2' } });
    const { connection } = stack;
    const answers = [];
    for (let round = 0; round < 3; round++) {
      answers.push(
        await send(connection, { path: '/v1/chat/completions', body: chat('hello') }),
        await send(connection, { path: '/v1/chat/completions', body: chat('[[sim reasoning=50]]', { stream: true }) }),
        await send(connection, { path: '/v1/messages', body: message('[[sim chunks=20]]', { stream: true }) }),
        await send(connection, {
          path: '/v1/messages',
          body: message('[[sim chunks=20 fail=reset@5]]', { stream: true }),
        }),
      );
    }
    await haveLanded(connection, answers.map(idOf));
    // Somebody uses the provider's key and not the gateway.
    const foreign = await request(new URL('/v1/chat/completions', connection.simulator.url), {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: 'Bearer stolen' },
      body: JSON.stringify({ model: 'sim-openai', messages: [{ role: 'user', content: 'hello' }] }),
    });
    expect(foreign.statusCode).toBe(200);
    await foreign.body.text();
    writeFileSync(join(folder, 'model_prices_and_context_window.json'), LIST);
  });
  after(async () => {
    await stack.stop();
    rmSync(folder, { recursive: true });
  });

  const run = (script: string): Promise<Ended> =>
    runBlock(script, {
      folder,
      variables: {
        WEIR_HOME: stack.home,
        SIMULATOR: stack.connection.simulator.url,
        MONTH: days.month,
        SINCE: days.since,
        UNTIL: days.until,
        CLOSED_MONTH: days.before,
      },
    });

  /** What each block must end with, in order. */
  const expected: readonly ((ended: Ended) => Promise<void> | void)[] = [
    ({ code, output }) => {
      expect(output).toContain('+ anthropic/claude-haiku-4-5@2027-01-01: accepted');
      expect(output).toContain('? simulator/sim-qwen@2027-01-01: waiting');
      expect(output).toContain('output: 1200000 → 2400000 pico-USD');
      expect(output).toContain('1 within the gates, 1 for approval, 0 refused, 0 unchanged, 1 not in the book');
      expect(code).toBe(0);
    },
    ({ code, output }) => {
      expect(output).toMatch(/sim-qwen@2027-01-01: waiting, proposal \d+/);
      expect(output).toMatch(
        /1 of these prices are not in force: approve them with weir prices approve \d+ --note WHY/,
      );
      expect(code).toBe(3);
    },
    ({ code, output }) => {
      expect(output).toContain('because output goes from 1200000 to 2400000 pico-USD, over 30 %');
      expect(output).toContain('in force: simulator/sim-qwen@2027-01-01');
      expect(code).toBe(0);
    },
    async ({ code, output }) => {
      expect(code).toBe(0);
      expect(output).toMatch(/closed: everything before \S+/);
      // The record and the ledger hold the same, to the pico-USD.
      const [charged] = await query<{ cost: string; lines: string }>(
        stack.connection,
        'SELECT sum(cost) AS cost, count() AS lines FROM charges',
      );
      expect(await ledgerSum()).toEqual({ lines: Number(charged?.lines), amountPico: pico(charged?.cost ?? '-1') });
    },
    ({ code, output }) => {
      expect(output).toContain('nothing is set aside');
      expect(code).toBe(0);
    },
    async ({ code, output }) => {
      // The foreign line is a difference that somebody must look at.
      expect(code).toBe(1);
      expect(output).toMatch(/differences: (?:3 bounded, 1 not-ours|1 not-ours, 3 bounded)/);
      const invoice = await readInvoice(stack.connection);
      const billed = invoice.reduce((sum, line) => sum + pico(line.costUsd), 0n);
      expect(output).toMatch(new RegExp(`${usd(billed)} .* ${invoice.length} +9 +\\d\\d\\.\\d{4} %`));
      expect(invoice).toHaveLength(13);
    },
    ({ code, output }) => {
      expect(output).toContain('would rate 0 attempts anew');
      expect(code).toBe(0);
    },
    ({ code, output }) => {
      expect(output).toContain(`${days.month}, open`);
      expect(readFileSync(join(folder, 'by-model.csv'), 'utf8')).toMatch(/^name,attempts,.*\r\n.*sim-/);
      const rows = readFileSync(join(folder, 'entries.csv'), 'utf8').trim().split('\r\n');
      expect(rows[0]).toContain('attemptId,line,revision');
      expect(output).toContain(`${rows.length - 1} entries of ${days.month}`);
      expect(code).toBe(0);
    },
    ({ code, output }) => {
      expect(output).toMatch(new RegExp(`${days.before} is closed since .*: 0 entries, 0\\.000000000000 USD`));
      expect(code).toBe(0);
    },
  ];

  const ledgerSum = async (): Promise<{ lines: number; amountPico: bigint }> => {
    const ended = await run(`npx weir billing report --month "$MONTH" --by kind --json`);
    const report = JSON.parse(ended.output) as { amountPico: string };
    await run(`npx weir billing export --month "$MONTH" --out all.csv`);
    const lines = readFileSync(join(folder, 'all.csv'), 'utf8').trim().split('\r\n').length - 1;
    return { lines, amountPico: BigInt(report.amountPico) };
  };

  const blocks = [...readFileSync(GUIDE, 'utf8').matchAll(/^```sh\n(.*?)^```/gms)].map((match) => match[1] ?? '');

  it('has a test for each of its blocks', () => expect(blocks).toHaveLength(expected.length));

  blocks.forEach((block, index) => {
    it(`block ${index + 1} does what it says: ${block.split('\n')[0] ?? ''}`, async () => {
      await expected[index]?.(await run(block));
    });
  });

  it('ends with 2 and a reason where something cannot be done', async () => {
    const early = await run('npx weir billing close --month "$MONTH"');
    expect(early).toMatchObject({ code: 2, output: expect.stringContaining(days.month) });
    expect((await run('npx weir billing')).code).toBe(2);
    expect((await run('npx weir prices approve 99 --note none')).output).toContain('there is no proposal 99');
    expect((await run(`npx weir billing report --month "$MONTH" --by weather`)).code).toBe(2);
    expect((await run('WEIR_HOME=/nowhere npx weir billing close')).output).toContain('No stack with billing');
  });
});
