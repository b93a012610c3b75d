import { after, before, beforeEach, describe, it } from 'node:test';
import { eventually, startInfrastructure, type RunningStack } from '@weir/testing';
import { expect } from 'expect';
import {
  MigrationError,
  acquireLock,
  openDataSource,
  outboxMigration,
  runMigrations,
  startOutboxRelay,
  writeOutbox,
  type DataSource,
  type Migration,
  type OutboxEntry,
} from './index.js';

const things: Migration = { number: 1, name: 'things', statements: ['CREATE TABLE things (id int PRIMARY KEY)'] };
const migrations = [things, outboxMigration(2)];

describe('the store', () => {
  let stack: RunningStack;
  let schemas = 0;
  let address: { url: string; schema: string };
  let signal: AbortSignal;

  before(async () => {
    stack = await startInfrastructure({ parts: ['postgres'] });
  });
  after(() => stack.stop());
  beforeEach(() => {
    address = { url: stack.connection.postgres.url, schema: `test_${++schemas}` };
    signal = AbortSignal.timeout(30_000);
  });

  const open = (): Promise<DataSource> => openDataSource({ ...address, entities: [], migrations, signal });
  const message = (key: string) => ({ topic: 'catalog', key, payload: { key } });

  it('migrates each step once, when several processes start at the same time', async () => {
    const applied = await Promise.all([1, 2, 3].map(() => runMigrations({ ...address, migrations, signal })));
    expect(applied.flat()).toEqual([1, 2]);
  });

  it('refuses a step that was changed after it was applied, or is out of order', async () => {
    await runMigrations({ ...address, migrations, signal });
    const changed = [{ ...things, statements: ['CREATE TABLE things (id bigint PRIMARY KEY)'] }];
    await expect(runMigrations({ ...address, migrations: changed, signal })).rejects.toThrow(MigrationError);
    await expect(runMigrations({ ...address, migrations: [outboxMigration(2)], signal })).rejects.toThrow(
      MigrationError,
    );
  });

  it('leaves nothing of a step that fails', async () => {
    const broken: Migration = { number: 1, name: 'broken', statements: [...things.statements, 'SELECT nothing'] };
    await expect(runMigrations({ ...address, migrations: [broken], signal })).rejects.toThrow(/nothing/);
    expect(await runMigrations({ ...address, migrations: [things], signal })).toEqual([1]);
  });

  it('gives a lock to one session at a time, and to the next when the first is cut off', async () => {
    const first = await acquireLock({ ...address, name: 'one', signal });
    let isSecond = false;
    const waiting = acquireLock({ ...address, name: 'one', signal, retryMs: 20 }).then((session) => {
      isSecond = true;
      return session;
    });
    const other = await acquireLock({ ...address, name: 'another', signal });
    expect(isSecond).toBe(false);
    const [row] = await first.query('SELECT pg_backend_pid() AS pid');
    await other.query('SELECT pg_terminate_backend($1)', [row?.['pid']]);
    const second = await waiting;
    await eventually(() => expect(first.lost.aborted).toBe(true), { timeoutMs: 5_000 });
    await expect(first.query('SELECT 1')).rejects.toThrow();
    await Promise.all([first.close(), second.close(), other.close()]);
  });

  it('ends the session of a transaction whose end is not known: a COMMIT that was given up may still come to hold', async () => {
    await runMigrations({ ...address, migrations, signal });
    const session = await acquireLock({ ...address, name: 'slow', signal });
    await session.query(
      `CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_sleep(11); RETURN NULL; END'`,
    );
    await session.query(
      'CREATE CONSTRAINT TRIGGER slow AFTER INSERT ON things DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION slow()',
    );
    const insert = session.transaction((query) => query('INSERT INTO things VALUES (7)'));
    await expect(insert).rejects.toThrow(/timeout/i);
    expect(session.lost.aborted).toBe(true);
    await expect(session.query('SELECT 1')).rejects.toThrow();
    const next = await acquireLock({ ...address, name: 'slow', signal, retryMs: 50 });
    await next.close();
  });

  it('keeps the session of a transaction that failed and was rolled back', async () => {
    await runMigrations({ ...address, migrations, signal });
    const session = await acquireLock({ ...address, name: 'failing', signal });
    await expect(session.transaction((query) => query('INSERT INTO nowhere VALUES (1)'))).rejects.toThrow('nowhere');
    expect(session.lost.aborted).toBe(false);
    expect(await session.transaction((query) => query('SELECT 1 AS one'))).toEqual([{ one: 1 }]);
    await session.close();
  });

  it('relays messages in the order of commits, only of what was committed, and again what was not confirmed', async () => {
    const dataSource = await open();
    const sent: string[] = [];
    let isBroken = true;
    const relay = startOutboxRelay({
      ...address,
      publish: (entry: OutboxEntry) => {
        if (entry.key === 'b' && isBroken) {
          isBroken = false;
          return Promise.reject(new Error('the bus is down'));
        }
        sent.push(entry.key);
        return Promise.resolve();
      },
      onError: () => undefined,
    });
    await dataSource.transaction((manager) => writeOutbox(manager, message('a'), message('b'), message('c')));
    const rolledBack = dataSource.transaction(async (manager) => {
      await writeOutbox(manager, message('never'));
      throw new Error('rolled back');
    });
    await expect(rolledBack).rejects.toThrow('rolled back');
    await dataSource.transaction((manager) => writeOutbox(manager, message('d')));
    await eventually(() => expect(sent).toEqual(['a', 'b', 'c', 'd']), { timeoutMs: 10_000 });
    await relay.close();
    await dataSource.destroy();
  });

  it('relays a message within a moment of its commit', async () => {
    const dataSource = await open();
    const sent: number[] = [];
    const relay = startOutboxRelay({
      ...address,
      pollMs: 60_000,
      publish: () => Promise.resolve(void sent.push(performance.now())),
      onError: () => undefined,
    });
    await dataSource.transaction((manager) => writeOutbox(manager, message('first')));
    await eventually(() => expect(sent).toHaveLength(1), { timeoutMs: 10_000 });
    const writtenAt = performance.now();
    await dataSource.transaction((manager) => writeOutbox(manager, message('second')));
    await eventually(() => expect(sent).toHaveLength(2), { timeoutMs: 10_000 });
    expect((sent[1] ?? Infinity) - writtenAt).toBeLessThan(500);
    await relay.close();
    await dataSource.destroy();
  });

  it('goes on relaying after the server was killed', async () => {
    const dataSource = await open();
    const sent: string[] = [];
    const relay = startOutboxRelay({
      ...address,
      pollMs: 100,
      publish: (entry) => Promise.resolve(void sent.push(entry.key)),
      onError: () => undefined,
    });
    await dataSource.transaction((manager) => writeOutbox(manager, message('before')));
    await eventually(() => expect(sent).toEqual(['before']), { timeoutMs: 10_000 });
    const pid = stack.kill('postgres', 'SIGKILL');
    await stack.waitForRestart('postgres', pid);
    await eventually(() => dataSource.transaction((manager) => writeOutbox(manager, message('after'))), {
      timeoutMs: 30_000,
    });
    await eventually(() => expect(sent.at(-1)).toBe('after'), { timeoutMs: 30_000 });
    await relay.close();
    await dataSource.destroy();
  });
});
