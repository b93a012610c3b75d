import { execFile } from 'node:child_process';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { startStack, type RunningStack } from '@weir/testing';
import { expect } from 'expect';
import pg from 'pg';
import { chat, idOf, message, send } from './ingress-client.js';
import { haveLanded } from './record-kit.js';
import { command } from './tamper-kit.js';

const WEIR = fileURLToPath(new URL('../../../cli/bin/weir.mjs', import.meta.url));

interface Report {
  readonly ok: boolean;
  readonly fault: {
    readonly code: string;
    readonly message: string;
    readonly place: Readonly<Record<string, unknown>>;
  } | null;
  readonly counts: Readonly<Record<string, number>>;
}

describe('the ledger, verified with the record', () => {
  let stack: RunningStack;
  let postgres: pg.Client;

  before(async () => {
    stack = await startStack({ environment: { WEIR_TIME_SCALE: '0.2' } });
    const { connection } = stack;
    const answers = [
      await send(connection, { path: '/v1/chat/completions', body: chat('hello') }),
      await send(connection, { path: '/v1/messages', body: message('[[sim chunks=20]]', { stream: true }) }),
      await send(connection, {
        path: '/v1/messages',
        body: message('[[sim chunks=20 fail=reset@5]]', { stream: true }),
      }),
    ];
    await haveLanded(connection, answers.map(idOf));
    postgres = new pg.Client({ connectionString: connection.postgres.url, options: '-c search_path=billing' });
    await postgres.connect();
    expect((await weir('billing', 'close', '--now')).code).toBe(0);
  });
  after(async () => {
    await postgres.end();
    await stack.stop();
  });

  const weir = (...commandArguments: string[]): Promise<{ code: number; output: string }> =>
    new Promise((resolve) => {
      execFile(process.execPath, [WEIR, ...commandArguments, '--home', stack.home], (error, stdout, stderr) => {
        resolve({ code: typeof error?.code === 'number' ? error.code : 0, output: stdout + stderr });
      });
    });
  const verify = async (): Promise<Report> => JSON.parse((await weir('audit', 'verify', '--json')).output) as Report;

  it('is whole, with every attempt that was charged', async () => {
    const report = await verify();
    expect(report).toMatchObject({ ok: true, fault: null });
    expect(report.counts['ledgerAttempts']).toBe(3);
  });

  /** Somebody who owns the database takes the triggers away. */
  const tampered = async (statement: string): Promise<Report> => {
    await postgres.query('BEGIN');
    await postgres.query('ALTER TABLE ledger_entries DISABLE TRIGGER USER');
    await postgres.query('CREATE TABLE kept AS SELECT * FROM ledger_entries');
    await postgres.query(statement);
    await postgres.query('COMMIT');
    try {
      return await verify();
    } finally {
      await postgres.query('BEGIN');
      await postgres.query('DELETE FROM ledger_entries');
      await postgres.query('INSERT INTO ledger_entries OVERRIDING SYSTEM VALUE SELECT * FROM kept');
      await postgres.query('DROP TABLE kept');
      await postgres.query('ALTER TABLE ledger_entries ENABLE TRIGGER USER');
      await postgres.query('COMMIT');
    }
  };
  const first = '(SELECT min(entry) FROM ledger_entries)';
  const cases: readonly (readonly [string, string])[] = [
    [
      'an amount changed by a pico-USD',
      `UPDATE ledger_entries SET amount_pico = amount_pico + 1 WHERE entry = ${first}`,
    ],
    ['a count changed', `UPDATE ledger_entries SET quantity = quantity + 1 WHERE entry = ${first}`],
    ['a line taken away', `DELETE FROM ledger_entries WHERE entry = ${first}`],
    [
      'an attempt taken away',
      `DELETE FROM ledger_entries WHERE attempt_id = (SELECT attempt_id FROM ledger_entries WHERE entry = ${first})`,
    ],
    ['an attempt that never was', `UPDATE ledger_entries SET attempt_id = gen_random_uuid() WHERE entry = ${first}`],
  ];
  for (const [name, statement] of cases) {
    it(`shows ${name}`, async () => {
      expect(await tampered(statement)).toMatchObject({ ok: false, fault: { code: 'ledger_differs' } });
    });
  }

  it("shows a dead letter of billing's that stands for nothing, and is whole again without it", async () => {
    const { clickhouseWriter } = stack.connection.internal;
    await command(
      clickhouseWriter,
      `INSERT INTO weir.dead_letters (landed_at, sink, reason, stream, stream_created, stream_sequence, line, digest, bytes, content)
       SELECT now64(3), 'billing', 'unreadable', 'EVENTS_0', now64(3), 1, 1, '', 1, 'x'`,
    );
    expect(await verify()).toMatchObject({
      ok: false,
      fault: { code: 'row_without_leaf', place: { table: 'dead_letters' } },
    });
    await command(
      clickhouseWriter,
      "ALTER TABLE weir.dead_letters DELETE WHERE sink = 'billing' SETTINGS mutations_sync = 2",
    );
    expect(await verify()).toMatchObject({ ok: true });
  });
});
