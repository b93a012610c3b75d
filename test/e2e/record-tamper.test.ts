import { execFile, fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { eventually, startStack, type ClickHouseAccess, type RunningStack } from '@weir/testing';
import { expect } from 'expect';
import pg from 'pg';
import { chat, idOf, message, send } from './ingress-client.js';
import { haveLanded } from './record-kit.js';
import { publishLines } from './record-stranger.js';
import { readTamperSettings } from './settings.js';
import {
  ACTIONS,
  backUp,
  command,
  fingerprint,
  frontierOf,
  randomNumbers,
  restore,
  rewrite,
  rows,
  tamper,
  type BaseTable,
} from './tamper-kit.js';

const WEIR = fileURLToPath(new URL('../../../cli/bin/weir.mjs', import.meta.url));
const VERIFY_LOOP = fileURLToPath(new URL('../../../cli/dist/audit/verify-loop.fixture.js', import.meta.url));
const WITHIN = { timeoutMs: 60_000 };
const STRANGER = '019ae000-0000-7000-8000-000000000001';

interface Report {
  readonly ok: boolean;
  readonly fault: { readonly code: string; readonly place: Readonly<Record<string, unknown>> } | null;
  readonly counts: Readonly<Record<string, number>>;
}

interface Outcome {
  readonly code: number;
  readonly output: string;
}

function weir(...commandArguments: string[]): Promise<Outcome> {
  return new Promise((resolve) => {
    execFile(process.execPath, [WEIR, ...commandArguments], (error, stdout, stderr) => {
      resolve({ code: typeof error?.code === 'number' ? error.code : 0, output: stdout + stderr });
    });
  });
}

const event = (sequence: number, more: object): string =>
  JSON.stringify({
    eventId: `019ae000-0000-7000-8000-00000000010${sequence}`,
    type: 'call.paused',
    version: 1,
    time: Date.now(),
    producerId: STRANGER,
    epoch: 1,
    sequence,
    organisationId: null,
    callId: null,
    traceparent: null,
    data: {},
    ...more,
  });

describe('a record that somebody alters', () => {
  let stack: RunningStack;
  let writer: ClickHouseAccess;
  let postgres: pg.Client;
  let tables: BaseTable[];
  let verifier: ChildProcess;
  let folder: string;
  /** Public keys, oldest first: what a stranger believes is the first, and what it vouches for. */
  let keys: string[];
  let key: string;

  const verify = async (): Promise<Report & { readonly code: number }> => {
    const { code, output } = await weir('audit', 'verify', '--json', '--settle', '0.5', '--home', stack.home);
    if (code > 1) throw new Error(`verify could not run: ${output}`);
    return { code, ...(JSON.parse(output) as Report) };
  };
  /** The same by one process for all: a thousand starts would take longer than a thousand verifications. */
  const verifyAgain = async (threads: number): Promise<Report> => {
    verifier.send({ settleMs: 200, threads });
    const [answer] = (await once(verifier, 'message')) as [{ report?: Report; error?: string }];
    if (!answer.report) throw new Error(`verify could not run: ${answer.error}`);
    return answer.report;
  };
  const untouched = async (): Promise<void> => expect(await verify()).toMatchObject({ code: 0, ok: true, fault: null });

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'weir-tamper-'));
    stack = await startStack({ environment: { WEIR_TIME_SCALE: '0.1' } });
    writer = stack.connection.internal.clickhouseWriter;
    postgres = new pg.Client({ connectionString: stack.connection.postgres.url });
    await postgres.connect();
    await makeRecord();
    await rotateKey();
    // Nothing lands from here on, so that every difference is one of ours.
    for (const service of ['ingress', 'providers']) stack.kill(service, 'SIGSTOP');
    await eventually(isQuiet, { ...WITHIN, everyMs: 500 });
    for (const service of ['audit', 'billing']) stack.kill(service, 'SIGSTOP');
    const origin = ['producer_id', 'epoch', 'sequence'];
    tables = [
      await backUp(writer, { name: 'log_leaves', key: ['partition', 'leaf_index'], order: 'leaf_index' }),
      await backUp(writer, { name: 'events', key: origin, order: 'time', unbound: ['annex'] }),
      await backUp(writer, { name: 'calls_landed', key: origin, order: 'started_at' }),
      await backUp(writer, { name: 'attempts_landed', key: origin, order: 'finished_at' }),
      await backUp(writer, { name: 'charges_landed', key: [...origin, 'line'], order: 'charged_at' }),
      await backUp(writer, {
        name: 'dead_letters',
        key: ['sink', 'stream_sequence', 'line', 'reason'],
        order: 'stream_sequence',
        where: "sink = 'audit'",
        unbound: ['landed_at', 'sink'],
      }),
    ];
    keys = (await weir('audit', 'keys', '--home', stack.home)).output.trim().split('\n');
    expect(keys).toHaveLength(2);
    [key = ''] = keys;
    verifier = fork(VERIFY_LOOP, [stack.home]);
  });
  after(async () => {
    verifier.disconnect();
    await postgres.end();
    for (const service of ['audit', 'billing', 'ingress', 'providers']) stack.kill(service, 'SIGCONT');
    await stack.stop();
    rmSync(folder, { recursive: true });
  });

  /** Calls of every kind, refused ones too, and what no sink can read. */
  async function makeRecord(): Promise<void> {
    const { connection } = stack;
    const calls: string[] = [];
    for (let round = 0; round < 4; round++) {
      const answers = await Promise.all([
        send(connection, { path: '/v1/chat/completions', body: chat('it\'s \\ a "test"\t堰') }),
        send(connection, { path: '/v1/chat/completions', body: chat('[[sim reasoning=50]]', { stream: true }) }),
        send(connection, { path: '/v1/messages', body: message('[[sim chunks=20]]', { stream: true }) }),
        send(connection, { path: '/v1/messages', body: message('[[sim chunks=20 fail=reset@5]]', { stream: true }) }),
        send(connection, { path: '/v1/messages', body: message('hello', { model: 'claude-haiku-4-5' }) }),
      ]);
      calls.push(...answers.map(idOf));
      // So that the log is of several writers.
      if (round < 2) await stack.waitForRestart('audit', stack.kill('audit'));
      await send(connection, { path: '/v1/chat/completions', body: chat('hello', { model: 'no-such-model' }) });
    }
    await haveLanded(connection, calls);
    const lines = [event(1, {}), '{"eventId": cut off \\ here\t', event(3, { type: 'call.denied' }), 'nothing at all'];
    await publishLines(connection, STRANGER, lines);
    await eventually(async () => {
      const letters = await rows<{ reason: string }>(
        writer,
        `SELECT reason FROM dead_letters WHERE sink = 'audit' ORDER BY line`,
      );
      expect(letters.map(({ reason }) => reason)).toEqual(['unknown_event', 'not_json', 'invalid_data', 'not_json']);
    }, WITHIN);
  }

  async function rotateKey(): Promise<void> {
    expect((await weir('audit', 'rotate-key', '--home', stack.home)).code).toBe(0);
    await eventually(async () => {
      const { rows: known } = await postgres.query('SELECT FROM audit.log_keys');
      expect(known).toHaveLength(2);
    }, WITHIN);
  }

  /** Everything is billed, and the last leaf is signed. */
  async function isQuiet(): Promise<void> {
    const { counts } = await verify();
    expect(counts).toMatchObject({ pendingCharges: 0 });
    const { rows: heads } = await postgres.query<{ size: string; signed: string }>(
      `SELECT h.size, (SELECT max(size) FROM audit.log_checkpoints c WHERE c.partition = h.partition) AS signed FROM audit.log_heads h`,
    );
    expect(heads.length).toBeGreaterThan(0);
    for (const { size, signed } of heads) expect(signed).toBe(size);
  }

  it('holds while nobody has touched it, also after its parts were merged', async () => {
    await untouched();
    for (const { name } of tables) await command(writer, `OPTIMIZE TABLE ${writer.database}.${name} FINAL`);
    const { counts } = await verify();
    expect(counts['deadLetters']).toBe(4);
    expect(counts['calls']).toBeGreaterThanOrEqual(20);
    expect(counts['attempts']).toBeGreaterThan(10);
    await untouched();
  });

  it('shows every altered row, whichever table, column and way', async (test) => {
    const { count, seed } = readTamperSettings();
    const random = randomNumbers(seed);
    const choices = tables.flatMap((table) => table.columns.map((column) => ({ table, column })));
    const found = new Map<string, number>();
    const unseen: string[] = [];
    for (let done = 0; done < count; done++) {
      const { table, column } = choices[Math.floor(random() * choices.length)]!;
      const action = ACTIONS[Math.floor(random() * ACTIONS.length)]!;
      const before = await fingerprint(writer, table);
      const what = await tamper(writer, table, { action, column, random });
      expect({ what, print: await fingerprint(writer, table) }).not.toEqual({ what, print: before });
      // Now and then in threads, as logs of some length are.
      const { ok, fault } = await verifyAgain(done % 10 === 0 ? 2 : 1);
      if (!ok && fault) found.set(fault.code, (found.get(fault.code) ?? 0) + 1);
      else unseen.push(what);
      await restore(writer, table);
      expect({ what, print: await fingerprint(writer, table) }).toEqual({ what, print: before });
    }
    const kinds = [...found].map(([name, times]) => `${name} ${times}`).join(', ');
    test.diagnostic(`${count - unseen.length} of ${count} tamperings found (seed ${seed}): ${kinds}`);
    expect({ seed, unseen }).toEqual({ seed, unseen: [] });
    expect(await verifyAgain(2)).toMatchObject({ ok: true });
    await untouched();
  });

  it('shows a tail that was cut off everywhere at once: in ClickHouse, in the head and in the watermarks', async () => {
    const [log, events] = tables;
    const { rows: heads } = await postgres.query<{ partition: number; size: string; frontier: Buffer }>(
      'SELECT partition, size, frontier FROM audit.log_heads ORDER BY size DESC LIMIT 1',
    );
    const head = heads[0]!;
    const last = `partition = ${head.partition} AND leaf_index = ${Number(head.size) - 1}`;
    await rewrite(writer, log!, `SELECT * FROM tamper_backup.log_leaves WHERE NOT (${last})`);
    expect((await verify()).fault).toMatchObject({ code: 'leaf_missing', place: { index: Number(head.size) - 1 } });
    // A head that agrees with what is left, as somebody with both databases would write it.
    const { frontier, origin } = await shortened(head.partition, Number(head.size) - 1);
    await postgres.query('UPDATE audit.log_heads SET size = size - 1, frontier = $2 WHERE partition = $1', [
      head.partition,
      frontier,
    ]);
    const before = await postgres.query<{ through: string }>(
      'SELECT through FROM audit.landing_watermarks WHERE producer_id = $1 AND epoch = $2',
      [origin.producer_id, origin.epoch],
    );
    await postgres.query('UPDATE audit.landing_watermarks SET through = $3 WHERE producer_id = $1 AND epoch = $2', [
      origin.producer_id,
      origin.epoch,
      Number(origin.sequence) - 1,
    ]);
    expect((await verify()).fault).toMatchObject({ code: 'checkpoint_ahead' });
    await postgres.query('UPDATE audit.log_heads SET size = $2, frontier = $3 WHERE partition = $1', [
      head.partition,
      head.size,
      head.frontier,
    ]);
    await postgres.query('UPDATE audit.landing_watermarks SET through = $3 WHERE producer_id = $1 AND epoch = $2', [
      origin.producer_id,
      origin.epoch,
      before.rows[0]?.through,
    ]);
    await restore(writer, log!);
    await restore(writer, events!);
    await untouched();
  });

  /** The frontier of a shorter log, made anew from its leaves by the exported log of a copy: here by hand, level by level. */
  async function shortened(partition: number, size: number) {
    const leaves = await rows<{ leaf_hash: string; producer_id: string; epoch: string; sequence: string }>(
      writer,
      `SELECT leaf_hash, producer_id, epoch, sequence FROM tamper_backup.log_leaves WHERE partition = ${partition} ORDER BY leaf_index`,
    );
    return {
      frontier: frontierOf(leaves.slice(0, size).map(({ leaf_hash: hash }) => Buffer.from(hash, 'hex'))),
      origin: leaves[size]!,
    };
  }

  it('shows what was altered in Postgres: heads, watermarks, checkpoints and keys', async () => {
    const faultOf = async (change: string, undo: string): Promise<string | undefined> => {
      await postgres.query(change);
      const { fault } = await verify();
      await postgres.query(undo);
      return fault?.code;
    };
    const update = (table: string, set: string): string => `UPDATE audit.${table} SET ${set}`;
    const forced = (sql: string): string =>
      `SET session_replication_role = replica; ${sql}; SET session_replication_role = DEFAULT`;
    await postgres.query(`CREATE TABLE public.kept AS SELECT * FROM audit.log_checkpoints`);
    await postgres.query(`CREATE TABLE public.kept_keys AS SELECT * FROM audit.log_keys`);
    const whole = forced(
      'DELETE FROM audit.log_checkpoints; INSERT INTO audit.log_checkpoints OVERRIDING SYSTEM VALUE SELECT * FROM public.kept',
    );
    const newest = 'number = (SELECT max(number) FROM audit.log_checkpoints)';
    expect(await faultOf(update('log_heads', 'size = size + 1'), update('log_heads', 'size = size - 1'))).toMatch(
      /head_invalid|leaf_missing/,
    );
    expect(
      await faultOf(
        update('landing_watermarks', 'through = through + 1'),
        update('landing_watermarks', 'through = through - 1'),
      ),
    ).toBe('watermark_differs');
    expect(await faultOf(forced(`DELETE FROM audit.log_checkpoints WHERE ${newest}`), whole)).toBe(
      'checkpoint_missing',
    );
    const cut = update('log_checkpoints', `note = replace(note, E'\\n0\\n', E'\\n1\\n')`);
    expect(await faultOf(forced(cut), whole)).toBe('checkpoint_invalid');
    expect(await faultOf(forced(update('log_checkpoints', `note = replace(note, '— ', '— x')`)), whole)).toBe(
      'key_unknown',
    );
    const other = 'weir.local/log/x+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k';
    const keyed = 'DELETE FROM audit.log_keys; INSERT INTO audit.log_keys SELECT * FROM public.kept_keys';
    expect((await weir('audit', 'verify', '--key', key, '--home', stack.home)).code).toBe(0);
    const unstated = `INSERT INTO audit.log_keys VALUES ('${other}', now())`;
    expect(await faultOf(unstated, forced(`DELETE FROM audit.log_keys WHERE verifier_key = '${other}'`))).toBe(
      'key_unlogged',
    );
    const foreign = forced(`UPDATE audit.log_keys SET verifier_key = 'x' || verifier_key`);
    await postgres.query(foreign);
    expect(await weir('audit', 'verify', '--key', key, '--home', stack.home)).toMatchObject({
      code: 1,
      output: expect.stringContaining('key_unlogged'),
    });
    expect((await weir('audit', 'verify', '--home', stack.home)).code).toBe(2);
    await postgres.query(forced(keyed));
    expect((await weir('audit', 'verify', '--key', other, '--home', stack.home)).code).toBe(2);
    await untouched();
  });

  it('is exported and verified with nothing but the file and the key; any altered byte of it shows', async () => {
    const file = join(folder, 'export.ndjson');
    expect(await weir('audit', 'export', '--out', file, '--home', stack.home)).toMatchObject({ code: 0 });
    const offline = (path: string, ...more: string[]): Promise<Outcome> =>
      weir('audit', 'verify', '--offline', path, '--key', key, ...more);
    const whole = await offline(file);
    expect(whole.code).toBe(0);
    expect(whole.output).toContain('offline: columns, charges and the tail in Postgres are not in the file');
    const lines = readFileSync(file, 'utf8').trimEnd().split('\n');
    const random = randomNumbers(7);
    const altered = join(folder, 'altered.ndjson');
    const check = async (text: string): Promise<number> => {
      writeFileSync(altered, text);
      return (await offline(altered)).code;
    };
    const leaves = lines.flatMap((line, i) => (line.startsWith('{"kind":"leaf"') ? [i] : []));
    const at = leaves[Math.floor(random() * leaves.length)]!;
    const joined = (changed: readonly string[]): string => `${changed.join('\n')}\n`;
    expect(await check(joined(lines))).toBe(0);
    expect(await check(joined(lines.with(at, lines[at]!.replace('\\"time\\":1', '\\"time\\":2'))))).toBe(1);
    expect(await check(joined(lines.toSpliced(at, 1)))).toBe(1);
    expect(await check(joined(lines.toSpliced(at, 0, lines[at]!)))).toBe(1);
    expect(await check(joined(lines.slice(0, -1)))).toBe(1);
    expect(await check(joined(lines.slice(0, at)))).toBe(1);
    expect(await check(joined(lines).replace(/"note":"([^"]*)\\n0\\n/, '"note":"$1\\n1\\n'))).toBe(1);
    expect((await weir('audit', 'verify', '--offline', join(folder, 'none'))).code).toBe(2);
  });

  it('proves any event to whoever has the public key, and nothing with another key, leaf or place', async () => {
    const [call] = await rows<{ event_id: string; leaf: string }>(
      writer,
      `SELECT event_id, leaf FROM events WHERE type = 'call.finished' ORDER BY cityHash64(event_id) LIMIT 1`,
    );
    const file = join(folder, 'call.tlog-proof');
    expect((await weir('audit', 'prove', call!.event_id, '--out', file, '--home', stack.home)).code).toBe(0);
    const proof = readFileSync(file, 'utf8');
    const [, current = ''] = keys;
    const good = await weir('audit', 'check-proof', file, '--key', current);
    expect(good).toMatchObject({ code: 0, output: expect.stringContaining(call!.leaf) });
    const keyFile = join(folder, 'key');
    writeFileSync(keyFile, `${current}\n`);
    expect((await weir('audit', 'check-proof', file, '--key', keyFile)).code).toBe(0);
    const forged = join(folder, 'forged.tlog-proof');
    const refused = async (text: string): Promise<void> => {
      expect(text).not.toBe(proof);
      writeFileSync(forged, text);
      expect(await weir('audit', 'check-proof', forged, '--key', current)).toMatchObject({
        code: 1,
        output: expect.stringMatching(/^FAULT /),
      });
    };
    const leaf = Buffer.from(call!.leaf.replace('"status":200', '"status":201')).toString('base64');
    await refused(proof.replace(/^extra .*$/m, `extra ${leaf}`));
    await refused(proof.replace(/^index .*$/m, 'index 0'));
    await refused(proof.slice(0, -20));
    const stranger = 'example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k';
    expect((await weir('audit', 'check-proof', file, '--key', stranger)).code).toBe(1);
    expect((await weir('audit', 'prove', STRANGER, '--out', file, '--home', stack.home)).code).toBe(1);
    expect((await weir('audit', 'prove', 'no id', '--out', file, '--home', stack.home)).code).toBe(2);
  });

  it('keeps every proof when salts are erased, and what is in a window of time is verified alone', async () => {
    const [, events] = tables;
    await rewrite(writer, events!, `SELECT * REPLACE ('' AS annex) FROM tamper_backup.events`);
    await untouched();
    await rewrite(
      writer,
      events!,
      `SELECT * REPLACE (concat(organisation_id, 'x') AS organisation_id) FROM tamper_backup.events`,
    );
    expect(
      (await weir('audit', 'verify', '--from', '2020-01-01', '--to', '2020-02-01', '--home', stack.home)).code,
    ).toBe(0);
    expect(
      (await weir('audit', 'verify', '--from', '2020-01-01', '--to', '2100-01-01', '--home', stack.home)).code,
    ).toBe(1);
    await restore(writer, events!);
    await untouched();
  });
});
