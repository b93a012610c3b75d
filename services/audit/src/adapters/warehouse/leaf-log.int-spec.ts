import { after, afterEach, before, beforeEach, describe, it } from 'node:test';
import { uuidv7 } from '@weir/contracts';
import type { DeadLetterFacts, LandingEvent, PartitionLog } from '@weir/landing';
import { acquireLock, runMigrations, type LockSession, type StoreAddress } from '@weir/store';
import { startInfrastructure, type RunningStack } from '@weir/testing';
import { Frontier, leafHash } from '@weir/translog';
import { WAREHOUSE_SCHEMA, createWarehouse, migrateWarehouse, type Warehouse } from '@weir/warehouse';
import { expect } from 'expect';
import { readHead } from '../store/log-head-store.js';
import { AUDIT_MIGRATIONS } from '../store/migrations.js';
import { DamagedLogError, leafLog } from './leaf-log.js';

const producerId = uuidv7();

const GARBAGE: DeadLetterFacts = {
  reason: 'not_json',
  detail: '',
  stream: 'EVENTS_0',
  streamCreated: 1,
  streamSequence: 2,
  line: 3,
  origin: null,
  digest: 'd',
  bytes: 4,
  content: 'x\ty',
};

function eventOf(sequence: number, time = 1_764_000_000_000.5): LandingEvent {
  const envelope = {
    eventId: `019ae000-0000-7000-8000-${String(sequence).padStart(12, '0')}`,
    type: 'producer.alive',
    version: 1,
    time,
    producerId,
    epoch: 1,
    sequence,
    organisationId: null,
    callId: null,
    traceparent: null,
  } as LandingEvent['envelope'];
  const leaf = Buffer.from(JSON.stringify(envelope));
  return { envelope, data: undefined, leaf, annex: Buffer.alloc(0), partition: 0, fault: null };
}

describe('the log of what audit lands', () => {
  let stack: RunningStack;
  let warehouse: Warehouse;
  let store: StoreAddress;
  let session: LockSession;
  let partition = 0;

  before(async () => {
    stack = await startInfrastructure({ parts: ['postgres', 'clickhouse'] });
    warehouse = createWarehouse(stack.connection.internal.clickhouseWriter);
    await migrateWarehouse(warehouse, WAREHOUSE_SCHEMA);
    store = { url: stack.connection.postgres.url, schema: 'audit' };
    await runMigrations({ ...store, migrations: AUDIT_MIGRATIONS, signal: AbortSignal.timeout(20_000) });
  });
  after(async () => {
    await warehouse.close();
    await stack.stop();
  });
  beforeEach(async () => {
    partition += 1;
    session = await acquireLock({ ...store, name: `test:${partition}`, signal: AbortSignal.timeout(10_000) });
  });
  afterEach(() => session.close());

  /** A writer of this test's partition, as one process after another is. */
  const openLog = (target: Warehouse = warehouse): PartitionLog =>
    leafLog.open(partition, { query: session.query, warehouse: target });
  const draftOf = (log: PartitionLog, ...sequences: number[]) => {
    const draft = log.draft();
    for (const sequence of sequences) draft.addEvent(eventOf(sequence));
    return draft;
  };
  const land = async (log: PartitionLog, ...sequences: number[]): Promise<void> => {
    const appended = await log.append(draftOf(log, ...sequences), false);
    await session.transaction((query) => appended.save(query));
    appended.commit();
  };
  const leaves = async (): Promise<[number, string][]> => {
    const rows = await warehouse.query<{ leaf_index: string; leaf_hash: string }>(
      'SELECT leaf_index, leaf_hash FROM weir.log_leaves WHERE partition = {p: UInt16} ORDER BY leaf_index, leaf_hash',
      { p: partition },
    );
    return rows.map((row) => [Number(row.leaf_index), row.leaf_hash]);
  };
  const expected = (...sequences: number[]): [number, string][] =>
    sequences.map((sequence, index) => [index, Buffer.from(leafHash(eventOf(sequence).leaf)).toString('hex')]);
  const expectLog = async (...sequences: number[]): Promise<void> => {
    expect(await leaves()).toEqual(expected(...sequences));
    const log = Frontier.empty();
    for (const sequence of sequences) log.append(leafHash(eventOf(sequence).leaf));
    expect(await readHead(session.query, partition)).toEqual({ size: log.size, frontier: log.encode() });
  };

  it('appends batch after batch, and goes on in another process', async () => {
    const first = openLog();
    await land(first, 1, 2, 3);
    await land(first, 4);
    await land(openLog(), 5, 6);
    await expectLog(1, 2, 3, 4, 5, 6);
  });

  it('gives no leaf a second place when the writer died between the leaves and the head, whatever comes first then', async () => {
    const dying = openLog();
    await land(dying, 1);
    await dying.append(draftOf(dying, 2, 3, 4), false);
    const next = openLog();
    await land(next, 5);
    // Delivered again, cut in another way.
    await land(next, 4, 6);
    await land(next, 2, 3);
    await expectLog(1, 2, 3, 4, 5, 6);
  });

  it('gives no leaf a second place when the head has moved over it and its event comes to a later writer', async () => {
    const dying = openLog();
    await land(dying, 1);
    await dying.append(draftOf(dying, 2, 3, 4), false);
    await land(openLog(), 5);
    const later = openLog();
    const appended = await later.append(draftOf(later, 3, 6, 4), true);
    await session.transaction((query) => appended.save(query));
    appended.commit();
    await expectLog(1, 2, 3, 4, 5, 6);
  });

  it('gives an event one leaf, whatever bytes and time it comes in again', async () => {
    const shared = `${producerId.slice(0, 14)}8${producerId.slice(15)}`;
    const replayOf = (time: number): LandingEvent => {
      const event = eventOf(1, time);
      const envelope = { ...event.envelope, producerId: shared, eventId: uuidv7() } as LandingEvent['envelope'];
      return { ...event, envelope, leaf: Buffer.from(JSON.stringify(envelope)) };
    };
    const append = async (log: PartitionLog, event: LandingEvent, looksFirst: boolean): Promise<void> => {
      const draft = draftOf(log, looksFirst ? 4 : 3);
      draft.addEvent(event);
      const appended = await log.append(draft, looksFirst);
      await session.transaction((query) => appended.save(query));
      appended.commit();
    };
    await append(openLog(), replayOf(1_764_000_000_000), false);
    await append(openLog(), replayOf(1_764_000_900_000), true);
    expect(await leaves()).toHaveLength(3);
    // Beyond the head it is held by its place too.
    const dying = openLog();
    await dying.append(draftOf(dying, 5), false);
    const next = openLog();
    const draft = next.draft();
    draft.addEvent(eventOf(5, 1_764_000_900_000));
    const appended = await next.append(draft, false);
    await session.transaction((query) => appended.save(query));
    expect(await leaves()).toHaveLength(4);
  });

  it('repeats an insert whose answer was lost without appending twice', async () => {
    let isLost = true;
    const log = openLog({
      ...warehouse,
      insertLines: async (batch) => {
        await warehouse.insertLines(batch);
        if (isLost) throw new Error('the answer was lost');
      },
    });
    await expect(land(log, 1, 2)).rejects.toThrow('the answer was lost');
    isLost = false;
    await land(log, 1, 2);
    await land(log, 3);
    await expectLog(1, 2, 3);
  });

  it('does not keep a head that Postgres refused', async () => {
    const log = openLog();
    const appended = await log.append(draftOf(log, 1), false);
    await expect(
      session.transaction(async (query) => {
        await appended.save(query);
        throw new Error('the watermark was refused');
      }),
    ).rejects.toThrow('the watermark was refused');
    await land(log, 1, 2);
    await expectLog(1, 2);
  });

  it('lets a writer that was replaced append nothing, and gives its events their places when they come again', async () => {
    const stalled = openLog();
    await land(stalled, 1);
    const stale = draftOf(stalled, 2, 3);
    await land(openLog(), 4, 5);
    await expect(stalled.append(stale, false)).rejects.toThrow('another writer has appended');
    await expectLog(1, 4, 5);
    await land(stalled, 2, 3);
    await expectLog(1, 4, 5, 2, 3);
  });

  it('stops where leaves beyond the head are not what a writer can have left', async () => {
    await land(openLog(), 1);
    const line = `${partition}\t7\t${'a'.repeat(64)}\tevent\t${uuidv7()}\t0\t${producerId}\t1\t9\n`;
    const columns = 'partition,leaf_index,leaf_hash,kind,event_id,time_ms,producer_id,epoch,sequence'.split(',');
    await warehouse.insertLines({ table: 'log_leaves', columns, lines: line, token: `test:${partition}` });
    await expect(land(openLog(), 2)).rejects.toThrow(DamagedLogError);
  });

  for (const origin of [null, { producerId, epoch: 1, sequence: 2 }]) {
    it(`gives a dead letter ${origin ? 'with' : 'without'} a place in the journal one leaf, however often it is delivered`, async () => {
      const log = openLog();
      for (const times of [2, 1]) {
        const draft = log.draft();
        for (let time = 0; time < times; time++) draft.addDeadLetter({ ...GARBAGE, origin });
        const appended = await log.append(draft, origin !== null);
        await session.transaction((query) => appended.save(query));
        appended.commit();
      }
      expect(await leaves()).toHaveLength(1);
    });
  }

  it('takes any time an event claims, and states dead letters without one', async () => {
    const log = openLog();
    const draft = log.draft();
    for (const [i, time] of [-5, 1e300, Number.NaN, 7.9].entries()) draft.addEvent(eventOf(i + 1, time));
    draft.addDeadLetter(GARBAGE);
    const appended = await log.append(draft, false);
    await session.transaction((query) => appended.save(query));
    const rows = await warehouse.query<{ time_ms: string; kind: string }>(
      'SELECT time_ms, kind FROM weir.log_leaves WHERE partition = {p: UInt16} ORDER BY leaf_index',
      { p: partition },
    );
    expect(rows.map((row) => row.time_ms)).toEqual(['0', '9007199254740991', '0', '7', '0']);
    expect(rows.at(-1)?.kind).toBe('dead_letter');
    expect((await leaves()).at(-1)?.[1]).toBe(
      Buffer.from(
        leafHash(
          '{"bytes":4,"content":"x\\ty","detail":"","digest":"d","epoch":0,"line":3,"producerId":null,"reason":"not_json","sequence":0,"stream":"EVENTS_0","streamCreated":1,"streamSequence":2}',
        ),
      ).toString('hex'),
    );
  });
});
