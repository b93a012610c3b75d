import { appendFileSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync, chmodSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before, beforeEach, describe, it } from 'node:test';
import { Health, createLogger } from '@weir/kit';
import { acquireLock, runMigrations, type LockSession, type StoreAddress } from '@weir/store';
import { eventually, startInfrastructure, type RunningStack } from '@weir/testing';
import { Frontier, generateSignerKey, leafHash, openCheckpoint, parseSignerKey, type Checkpoint } from '@weir/translog';
import { expect } from 'expect';
import { loadLogKeys } from '../files/log-key-file.js';
import { AUDIT_MIGRATIONS } from '../store/migrations.js';
import { CheckpointSigner } from './checkpoint-signer.js';

const WITHIN = { timeoutMs: 15_000 };

interface Line {
  readonly signedAt: string;
  readonly size: number;
  readonly note: string;
}

describe('the signer of checkpoints', () => {
  let stack: RunningStack;
  let store: StoreAddress;
  let session: LockSession;
  let home: string;
  let schemas = 0;
  const homes: string[] = [];

  before(async () => {
    stack = await startInfrastructure({ parts: ['postgres'] });
  });
  after(() => stack.stop());

  beforeEach(async () => {
    home = mkdtempSync(join(tmpdir(), 'weir-checkpoints-'));
    homes.push(home);
    store = { url: stack.connection.postgres.url, schema: `audit_${++schemas}` };
    const signal = AbortSignal.timeout(10_000);
    await runMigrations({ ...store, migrations: AUDIT_MIGRATIONS, signal });
    session = await acquireLock({ ...store, name: `test:${schemas}`, signal });
  });
  afterEach(() => session.close());
  after(() => {
    for (const folder of homes) rmSync(folder, { recursive: true });
  });

  const keyFile = (): string => join(home, 'keys', 'log-key');
  const folder = (): string => join(home, 'copies');

  async function withSigner<Result>(work: (health: Health) => Promise<Result>): Promise<Result> {
    const health = new Health();
    const signer = new CheckpointSigner({
      store,
      keyFile: keyFile(),
      folder: folder(),
      partitions: 2,
      clock: { now: () => Date.now() },
      logger: createLogger({ service: 'test', instance: 'test', level: 'silent' }),
      health,
      timeScale: 0.005,
    });
    signer.start();
    try {
      return await work(health);
    } finally {
      await signer.close();
    }
  }

  async function land(...leaves: string[]): Promise<void> {
    const frontier = Frontier.empty();
    for (const leaf of leaves) frontier.append(leafHash(leaf));
    await session.query(
      `INSERT INTO log_heads (partition, size, frontier) VALUES (1, $1, $2)
       ON CONFLICT (partition) DO UPDATE SET size = excluded.size, frontier = excluded.frontier`,
      [frontier.size, frontier.encode()],
    );
  }

  const open = (note: string): Checkpoint => {
    const [first] = loadLogKeys(keyFile());
    return openCheckpoint(note, `${first?.name}/1`, loadLogKeys(keyFile()));
  };
  const stored = async (): Promise<Line[]> => {
    const rows = await session.query(
      'SELECT signed_at, size, note FROM log_checkpoints WHERE partition = 1 ORDER BY number',
    );
    return rows.map((row) => ({
      signedAt: (row['signed_at'] as Date).toISOString(),
      size: Number(row['size']),
      note: String(row['note']),
    }));
  };
  const copied = (): Line[] =>
    readFileSync(join(folder(), 'checkpoints-1.ndjson'), 'utf8')
      .trimEnd()
      .split('\n')
      .map((line) => {
        const { signedAt, size, note } = JSON.parse(line) as Line;
        return { signedAt, size, note };
      });
  const signedTimes = (count: number): Promise<void> =>
    eventually(async () => expect((await stored()).length).toBeGreaterThanOrEqual(count), WITHIN);

  it('signs an idle log again and again, and one that grew, in Postgres and in the folder alike', async () => {
    await withSigner(async () => {
      await signedTimes(3);
      await land('a', 'b', 'c');
      await eventually(async () => expect((await stored()).at(-1)?.size).toBe(3), WITHIN);
    });
    const lines = await stored();
    expect(copied()).toEqual(lines);
    const checkpoints = lines.map(({ note }) => open(note));
    expect(checkpoints.slice(0, 3).map(({ size }) => size)).toEqual([0, 0, 0]);
    expect(checkpoints.map(({ extensions }) => extensions)).toEqual(lines.map(({ signedAt }) => [`time ${signedAt}`]));
    expect(new Set(lines.map(({ signedAt }) => signedAt)).size).toBe(lines.length);
  });

  it('signs what landed last before it ends', async () => {
    await withSigner(async () => {
      await signedTimes(1);
      await land('a');
    });
    expect((await stored()).at(-1)?.size).toBe(1);
  });

  it('makes its key once, for nobody else to read, and refuses one that others may read', async () => {
    await withSigner(() => signedTimes(1));
    expect(statSync(keyFile()).mode & 0o777).toBe(0o600);
    const key = readFileSync(keyFile(), 'utf8');
    await withSigner(() => signedTimes(3));
    expect(readFileSync(keyFile(), 'utf8')).toBe(key);
    chmodSync(keyFile(), 0o644);
    await withSigner((health) =>
      eventually(async () => expect(health.report().checks['checkpoints']?.detail).toContain('chmod 600'), WITHIN),
    );
  });

  it('takes up a new key without a restart: both sign the checkpoint that names it, then the new one alone', async () => {
    await withSigner(async () => {
      await signedTimes(1);
      const old = parseSignerKey(readFileSync(keyFile(), 'utf8').trim());
      const secret = generateSignerKey(old.name);
      const next = parseSignerKey(secret);
      appendFileSync(keyFile(), `${secret}\n`);
      const origin = `${old.name}/1`;
      await eventually(async () => {
        const notes = (await stored()).map(({ note }) => note);
        const rotation = notes.findIndex((note) => note.includes(`key ${next.verifierKey}`));
        expect(rotation).toBeGreaterThan(0);
        expect(openCheckpoint(notes[rotation] ?? '', origin, [old])).toEqual(
          openCheckpoint(notes[rotation] ?? '', origin, [next]),
        );
        expect(openCheckpoint(notes[rotation + 1] ?? '', origin, [next]).extensions).toHaveLength(1);
        expect(() => openCheckpoint(notes[rotation + 1] ?? '', origin, [old])).toThrow();
      }, WITHIN);
      const keys = await session.query('SELECT verifier_key FROM log_keys ORDER BY first_signed_at');
      expect(keys.map((row) => row['verifier_key'])).toEqual([old.verifierKey, next.verifierKey]);
    });
  });

  it('signs nothing of a log that has become shorter, and says so until somebody has looked', async () => {
    await land('a', 'b');
    await withSigner(async (health) => {
      await signedTimes(1);
      await land('a');
      await eventually(async () => expect(health.report().checks['checkpoints']?.ok).toBe(false), WITHIN);
      await land('a', 'b', 'c');
      await eventually(async () => expect(health.report().checks['checkpoints']?.ok).toBe(true), WITHIN);
    });
    expect(new Set((await stored()).map(({ size }) => size))).toEqual(new Set([2, 3]));
  });

  it('waits for a folder that cannot be written, and cuts a line off that a crash left half written', async () => {
    writeFileSync(folder(), 'a file where the folder should be');
    await withSigner(async (health) => {
      await eventually(async () => expect(health.report().checks['checkpoints']?.ok).toBe(false), WITHIN);
      expect(await stored()).toEqual([]);
      rmSync(folder());
      await signedTimes(1);
    });
    appendFileSync(join(folder(), 'checkpoints-1.ndjson'), '{"partition":1,"signedAt":"2026-');
    const count = (await stored()).length;
    await withSigner(() => signedTimes(count + 1));
    expect(copied()).toEqual(await stored());
  });

  it('takes over what a crash left in the folder alone', async () => {
    await withSigner(() => signedTimes(1));
    await session.query('ALTER TABLE log_checkpoints DISABLE TRIGGER USER');
    await session.query(
      'DELETE FROM log_checkpoints WHERE (partition, number) IN (SELECT partition, max(number) FROM log_checkpoints GROUP BY partition)',
    );
    await withSigner(() => signedTimes(1));
    expect((await stored()).map(({ note }) => note)).toEqual(copied().map(({ note }) => note));
  });

  it('signs in one process at a time', async () => {
    await withSigner(() => withSigner(() => signedTimes(4)));
    expect(copied()).toEqual(await stored());
  });

  it('never lets a checkpoint or a key be changed or taken back', async () => {
    await withSigner(() => signedTimes(1));
    for (const table of ['log_checkpoints', 'log_keys']) {
      await expect(session.query(`DELETE FROM ${table}`)).rejects.toThrow('what was signed never changes');
    }
    await expect(session.query('UPDATE log_checkpoints SET size = 7')).rejects.toThrow('never changes');
  });
});
