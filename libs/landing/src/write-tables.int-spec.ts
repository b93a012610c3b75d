import { after, before, describe, it } from 'node:test';
import { uuidv7 } from '@weir/contracts';
import { acquireLock, runMigrations, type LockSession } from '@weir/store';
import { startInfrastructure, type RunningStack } from '@weir/testing';
import { WAREHOUSE_SCHEMA, createWarehouse, migrateWarehouse, type Warehouse } from '@weir/warehouse';
import { expect } from 'expect';
import { Fence, fenceTiming } from './fence.js';
import { NOTHING_LANDED } from './landed-ranges.js';
import { testSink } from './landing.fixture.js';
import { LANDING_MIGRATIONS, landingStore } from './landing-schema.js';
import { PreparedBatch } from './prepare-batch.js';
import { readMessage } from './read-message.js';
import { withReplays } from './replayed-rows.js';
import { writeTables } from './write-tables.js';

describe('the rows of a batch', () => {
  let stack: RunningStack;
  let warehouse: Warehouse;
  let session: LockSession;
  let fence: Fence;

  before(async () => {
    stack = await startInfrastructure({ parts: ['postgres', 'clickhouse'] });
    warehouse = createWarehouse(stack.connection.internal.clickhouseWriter);
    await migrateWarehouse(warehouse, WAREHOUSE_SCHEMA);
    const store = landingStore({ url: stack.connection.postgres.url, schema: 'audit' });
    await runMigrations({ ...store, migrations: LANDING_MIGRATIONS, signal: AbortSignal.timeout(20_000) });
    session = await acquireLock({ ...store, name: 'write-tables-spec', signal: AbortSignal.timeout(10_000) });
    fence = await Fence.take({ session, schema: store.schema, partition: 0, timing: fenceTiming(10) });
  });
  after(async () => {
    fence.close();
    await session.close();
    await warehouse.close();
    await stack.stop();
  });

  const lineOf = (place: { producerId: string; sequence: number }, type: string, data: object): string => {
    const event = { eventId: uuidv7(), type, version: 1, time: Date.now(), ...place, epoch: 1 };
    const { producerId, epoch, sequence, ...head } = event;
    const rest = { producerId, epoch, sequence, organisationId: null, callId: null, traceparent: null, data };
    return JSON.stringify({ ...head, ...rest });
  };
  /** Makes rows of some events only, as billing does: of a replay none but those of the event inside. */
  const sink = withReplays({
    ...testSink,
    sources: testSink.sources.map(
      (source) => (event) => (event.envelope.type === 'producer.alive' ? source(event) : []),
    ),
  });
  const write = async (lines: readonly string[], looksFirst: boolean): Promise<void> => {
    const payload = Buffer.from(lines.map((line) => `${line}\n`).join(''));
    const options = { partition: 0, lineBytesMax: 65_536, reads: () => true, skips: false };
    const read = readMessage({ streamSequence: 1, payload, messageId: undefined }, options);
    const batch = new PreparedBatch(sink, () => read);
    batch.add(read, NOTHING_LANDED);
    expect(await writeTables(batch, { warehouse, sink: 'audit', fence, looksFirst })).toEqual([]);
  };

  it('are there once when a replay comes again in another batch, tokens forgotten', async () => {
    const [inner, replayer] = [uuidv7(), uuidv7()];
    const alive = { service: 'test', instance: 'test', lastSequence: 0, open: 0, previous: null };
    const leaf = lineOf({ producerId: inner, sequence: 7 }, 'producer.alive', alive);
    const letter = { stream: 'EVENTS_0', streamCreated: 1, streamSequence: 1, line: 0, reason: 'refused_by_warehouse' };
    const data = { sink: 'audit', ...letter, table: 'events', leaf };
    const replay = lineOf({ producerId: replayer, sequence: 1 }, 'event.replayed', data);
    await write([replay], false);
    await write([replay, lineOf({ producerId: replayer, sequence: 2 }, 'producer.alive', alive)], true);
    const rows = await warehouse.query(
      `SELECT toString(producer_id) AS producer, toUInt32(sequence) AS place, count() AS times FROM weir.events
       GROUP BY producer, place ORDER BY place`,
    );
    expect(rows).toEqual([
      { producer: replayer, place: 2, times: '1' },
      { producer: inner, place: 7, times: '1' },
    ]);
  });
});
