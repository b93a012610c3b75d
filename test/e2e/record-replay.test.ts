import { execFile } from 'node:child_process';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { uuidv7 } from '@weir/contracts';
import { eventually, startStack, type RunningStack } from '@weir/testing';
import { expect } from 'expect';
import { chat, idOf, send } from './ingress-client.js';
import { query } from './record-kit.js';
import { publishLines } from './record-stranger.js';
import { command } from './tamper-kit.js';

const WEIR = fileURLToPath(new URL('../../../cli/bin/weir.mjs', import.meta.url));
const WITHIN = { timeoutMs: 60_000, everyMs: 250 };

interface Ended {
  readonly code: number;
  readonly output: string;
}
interface Letter {
  readonly id: string;
  readonly sink: string;
  readonly reason: string;
  readonly epoch: number;
}
interface Outcome {
  readonly id: string;
  readonly outcome: string;
}

const STRANGER = uuidv7();
const BROKEN = ['calls_landed', 'attempts_landed'];

describe('events that could not be landed', () => {
  let stack: RunningStack;
  let callId = '';

  const weir = (...commandArguments: string[]): Promise<Ended> =>
    new Promise((resolve) => {
      const all = [WEIR, ...commandArguments, '--home', stack.home];
      execFile(process.execPath, all, (error, stdout, stderr) =>
        resolve({ code: typeof error?.code === 'number' ? error.code : 0, output: stdout + stderr }),
      );
    });
  const alter = (table: string, type: string): Promise<string> =>
    command(stack.connection.internal.clickhouseWriter, `ALTER TABLE weir.${table} MODIFY COLUMN region ${type}`);
  const letters = async (): Promise<Letter[]> =>
    JSON.parse((await weir('events', 'dead-letters', '--json')).output) as Letter[];
  const replay = async (...more: string[]): Promise<{ code: number; outcomes: Outcome[] }> => {
    const { code, output } = await weir('events', 'replay', '--json', ...more);
    return { code, outcomes: JSON.parse(output) as Outcome[] };
  };
  const landed = async (table: string): Promise<number> => {
    const [row] = await query<{ rows: string }>(
      stack.connection,
      `SELECT count() AS rows FROM ${table} WHERE call_id = '${callId}'`,
    );
    return Number(row?.rows);
  };

  before(async () => {
    stack = await startStack({ environment: { WEIR_TIME_SCALE: '0.2' } });
    // A table of each sink refuses what it is given, until somebody puts that right.
    for (const table of BROKEN) await alter(table, 'UInt8');
    const answer = await send(stack.connection, { path: '/v1/chat/completions', body: chat('hello') });
    expect(answer.status).toBe(200);
    callId = idOf(answer);
    await publishLines(stack.connection, STRANGER, ['{"eventId": cut off']);
    await publishLines(stack.connection, STRANGER, [JSON.stringify({ padding: 'x'.repeat(70_000), sequence: 3 })]);
  });
  after(() => stack.stop());

  it('are dead letters of the sink they failed in, with the reason', async () => {
    await eventually(async () => {
      const found = (await letters()).map(({ sink, reason }) => `${sink} ${reason}`);
      expect(found.sort()).toEqual([
        'audit not_json',
        'audit oversize',
        'audit refused_by_warehouse',
        'billing not_json',
        'billing oversize',
        'billing refused_by_warehouse',
      ]);
    }, WITHIN);
    expect((await weir('events', 'dead-letters', '--sink', 'audit', '--reason', 'oversize')).output).toContain(
      'oversize',
    );
    expect((await weir('events', 'replay', 'ffffffffffff')).code).toBe(2);
  });

  it('are dead letters again where nothing was cured', async () => {
    const [letter] = (await letters()).filter(
      ({ sink, reason }) => sink === 'audit' && reason === 'refused_by_warehouse',
    );
    expect(await replay(letter!.id, '--run')).toMatchObject({ code: 1, outcomes: [{ outcome: 'failed_again' }] });
    expect(await landed('calls_landed')).toBe(0);
  });

  it('are landed once after the cure, by the landing itself, whoever replays them how often', async () => {
    for (const table of BROKEN) await alter(table, 'LowCardinality(String)');
    const refused = (await letters()).filter(({ reason, epoch }) => reason === 'refused_by_warehouse' && epoch > 0);
    const ids = refused.map(({ id }) => id);
    const plan = await replay(...ids);
    expect(plan.outcomes.map(({ outcome }) => outcome)).toContain('would_be_replayed');
    expect([await landed('calls_landed'), await landed('attempts_landed')]).toEqual([0, 0]);
    await Promise.all([replay(...ids, '--run'), replay(...ids, '--run')]);
    expect([await landed('calls_landed'), await landed('attempts_landed'), await landed('events')]).toEqual([1, 1, 4]);
    const again = await replay(...ids, '--run');
    expect(again.outcomes.filter(({ outcome }) => outcome === 'landed_already').length).toBeGreaterThanOrEqual(2);
    const charges = await query<{ charged: string; cost: string }>(
      stack.connection,
      `SELECT sum(c.cost) AS charged, any(a.cost) AS cost FROM charges AS c INNER JOIN attempts AS a ON a.attempt_id = c.attempt_id
       WHERE c.call_id = '${callId}'`,
    );
    expect(charges[0]?.charged).toBe(charges[0]?.cost);
  });

  it('that are none, or too long, stay what they are, and say why', async () => {
    const { code, outcomes } = await replay('--reason', 'not_json', '--run');
    expect(code).toBe(1);
    expect(outcomes).toMatchObject([{ outcome: 'cannot_be_replayed' }, { outcome: 'cannot_be_replayed' }]);
    expect((await weir('events', 'replay', '--reason', 'oversize')).output).toContain('only its beginning was kept');
  });

  it('leave a record that verifies', async () => {
    const { code, output } = await weir('audit', 'verify');
    expect({ code, output }).toMatchObject({ code: 0 });
  });
});
