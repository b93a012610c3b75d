import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { expect } from 'expect';
import { eventually, startInfrastructure, type RunningStack } from '@weir/testing';
import { asUser } from './front-client.fixture.js';

/** Runs until a limit or a cancellation ends it. */
const ENDLESS = 'SELECT sum(sipHash64(number)) FROM numbers(1000000000000)';
const READERS = 2;
const WAITING = 1;
/** Longer than any test of this file takes, so that only a test's own limit or cancellation ends a query. */
const SECONDS = 60;

describe('readers of the ClickHouse front', () => {
  let stack: RunningStack;
  let write: ReturnType<typeof asUser>;
  let read: ReturnType<typeof asUser>;

  before(async () => {
    stack = await startInfrastructure({
      parts: ['clickhouse'],
      environment: {
        WEIR_FRONT_READERS: String(READERS),
        WEIR_FRONT_READERS_WAITING: String(WAITING),
        WEIR_FRONT_READER_SECONDS: String(SECONDS),
        WEIR_FRONT_READER_RESULT_ROWS: '1000',
      },
    });
    write = asUser(stack.connection.internal.clickhouseWriter);
    read = asUser(stack.connection.clickhouse);
    await write('CREATE TABLE rows (id UInt64) ENGINE = MergeTree ORDER BY id');
  });

  after(() => stack.stop());

  const countRunning = async () =>
    Number((await write("SELECT count() FROM system.processes WHERE query LIKE 'SELECT sum(sipHash64%'")).text);

  const untilRunning = (count: number) =>
    eventually(async () => expect(await countRunning()).toBe(count), { timeoutMs: 5_000 });

  it('change nothing: no row, no table, no setting, no file, and read none outside', async () => {
    const file = join(stack.home, 'written-by-a-reader');
    const refused = [
      'INSERT INTO rows VALUES (1)',
      'CREATE TABLE other (id UInt64) ENGINE = Memory',
      'CREATE TEMPORARY TABLE other (id UInt64)',
      'DROP TABLE rows',
      'TRUNCATE TABLE rows',
      'ALTER TABLE rows DELETE WHERE 1',
      'SET readonly = 0',
      'SET max_execution_time = 0',
      'SYSTEM SHUTDOWN',
      'KILL QUERY WHERE 1',
      "SELECT * FROM file('/etc/passwd', 'LineAsString')",
      "SELECT * FROM url('http://127.0.0.1:1/', 'LineAsString')",
      `SELECT 1 INTO OUTFILE '${file}'`,
      `SELECT 1 ${' '.repeat(100_000)} INTO OUTFILE '${file}'`,
      'SELECT 1 SETTINGS max_execution_time = 0',
    ];
    for (const statement of refused) {
      const answer = await read('', { body: statement });
      expect([statement, answer.headers.get('x-clickhouse-exception-code')]).toEqual([statement, '164']);
    }
    const half = await read(`SELECT 1 INTO OUTFILE '${file}'; SELEC 2`);
    expect(half.headers.get('x-clickhouse-exception-code')).toBe('62');
    expect(existsSync(file)).toBe(false);
    expect((await read('SELECT count() FROM rows')).text).toBe('0\n');
  });

  it('choose formats and smaller limits, and are refused greater ones', async () => {
    const asked = "SELECT getSetting('max_execution_time')";
    expect((await read(asked)).text).toBe(`${SECONDS}\n`);
    expect((await read(asked, { parameters: { max_execution_time: '1' } })).text).toBe('1\n');
    for (const value of ['0', '-1', '61', 'x']) {
      const answer = await read(asked, { parameters: { max_execution_time: value } });
      expect([value, answer.headers.get('x-clickhouse-exception-code')]).toEqual([value, '452']);
    }
    const quoted = { parameters: { output_format_json_quote_64bit_integers: '1' } };
    expect((await read('SELECT toUInt64(1) AS x FORMAT JSONEachRow', quoted)).text).toBe('{"x":"1"}\n');
    expect((await read("SELECT getSetting('readonly')", { parameters: { readonly: '0' } })).text).toBe('1\n');
  });

  it('are stopped at the time limit and at the size limit', async () => {
    const slow = await read(ENDLESS, { parameters: { max_execution_time: '1' } });
    expect([slow.status, slow.headers.get('x-clickhouse-exception-code')]).toEqual([408, '159']);
    const large = await read('SELECT number FROM numbers(100000)');
    expect(large.headers.get('x-clickhouse-exception-code')).toBe('396');
    const long = await read('', { body: `SELECT 1 ${' '.repeat(1024 * 1024)} INTO OUTFILE '${stack.home}/long'` });
    expect([long.status, long.headers.get('x-clickhouse-exception-code')]).toEqual([413, '229']);
  });

  it('delay no insert, and one too many is refused at once', async () => {
    const enough = new AbortController();
    const running = Array.from({ length: READERS }, () => read(ENDLESS, { signal: enough.signal }));
    await untilRunning(READERS);
    const startedAt = performance.now();
    for (let i = 0; i < 10; i++)
      expect((await write('INSERT INTO rows FORMAT CSV', { body: `${i}\n` })).status).toBe(200);
    const insertMs = (performance.now() - startedAt) / 10;
    const waiting = Array.from({ length: WAITING }, () => read('SELECT 1'));
    const refused = await eventually(
      async () => {
        const answer = await read('SELECT 1', { signal: AbortSignal.timeout(2_000) });
        expect(answer.status).toBe(503);
        return answer;
      },
      { timeoutMs: 20_000 },
    );
    expect(refused.headers.get('x-clickhouse-exception-code')).toBe('202');
    expect(refused.text).toMatch(/Too many simultaneous queries/);
    expect(insertMs).toBeLessThan(1_000);
    enough.abort();
    await Promise.allSettled(running);
    for (const answer of await Promise.all(waiting)) expect(answer.text).toBe('1\n');
  });

  it('are cancelled when their client goes away', async () => {
    const gone = new AbortController();
    const asked = read(ENDLESS, { signal: gone.signal });
    await untilRunning(1);
    const startedAt = performance.now();
    gone.abort();
    await expect(asked).rejects.toThrow();
    await untilRunning(0);
    expect(performance.now() - startedAt).toBeLessThan(5_000);
  });

  it('find every acknowledged row again after the engine is killed', async () => {
    const before = Number((await read('SELECT count() FROM rows')).text);
    await write('INSERT INTO rows FORMAT CSV', { body: '1000\n1001\n' });
    const pid = stack.kill('clickhouse');
    await stack.waitForRestart('clickhouse', pid);
    await eventually(async () => expect((await read('SELECT count() FROM rows')).text).toBe(`${before + 2}\n`), {
      timeoutMs: 15_000,
    });
  });
});
