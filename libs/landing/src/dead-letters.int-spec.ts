import { after, before, describe, it } from 'node:test';
import { startInfrastructure, type RunningStack } from '@weir/testing';
import { WAREHOUSE_SCHEMA, createWarehouse, migrateWarehouse, type Warehouse } from '@weir/warehouse';
import { expect } from 'expect';
import { writeDeadLetters } from './dead-letters.js';
import type { Fault } from './landing-event.js';
import type { DeadLetter } from './prepare-batch.js';

describe('dead letters', () => {
  let stack: RunningStack;
  let warehouse: Warehouse;
  let streamSequence = 0;

  before(async () => {
    stack = await startInfrastructure({ parts: ['clickhouse'] });
    warehouse = createWarehouse(stack.connection.internal.clickhouseWriter);
    await migrateWarehouse(warehouse, WAREHOUSE_SCHEMA);
  });
  after(async () => {
    await warehouse.close();
    await stack.stop();
  });

  const letterOf = (text: string, fault: Fault): DeadLetter => {
    const position = { streamSequence, line: 0 };
    return { fault, item: { kind: 'poison', origin: null, fault, bytes: Buffer.from(text), position } };
  };
  const refusal = (detail: string): DeadLetter => letterOf('event', { reason: 'refused_by_warehouse', detail });
  /** Lands each of these after the other, in the same place of the stream; returns what is kept. */
  const land = async (...batches: readonly (readonly DeadLetter[])[]): Promise<readonly string[]> => {
    const stream = { sink: 'audit', stream: 'EVENTS_0', streamCreated: '2026-11-22T09:00:00.000Z' };
    for (const [index, letters] of batches.entries())
      await writeDeadLetters(warehouse, letters, { ...stream, now: 1_764_000_000_000 + index });
    const rows = await warehouse.query<{ text: string }>(
      `SELECT concat(content, ' ', detail) AS text FROM weir.dead_letters WHERE stream_sequence = {place: UInt64} ORDER BY text`,
      { place: streamSequence },
    );
    return rows.map(({ text }) => text);
  };

  it('land once, however often they are delivered and whatever the server calls its refusal then', async () => {
    streamSequence = 1;
    const poison = letterOf('garbage', { reason: 'not_json', detail: '' });
    const [first, again] = [refusal('charges: OVERFLOW'), refusal('charges: MISMATCH')];
    expect(await land([poison, poison, first], [poison, again])).toEqual(['event charges: OVERFLOW', 'garbage ']);
  });

  it('are each their own where several tables refuse one event, or a lost tail gives a place to another line', async () => {
    streamSequence = 2;
    const lines = ['one', 'another'].map((text) => letterOf(text, { reason: 'not_json', detail: '' }));
    const refusals = [refusal('charges: OVERFLOW'), refusal('attempts: OVERFLOW')];
    expect(await land(...[...lines, ...refusals].map((letter) => [letter]))).toEqual([
      'another ',
      'event attempts: OVERFLOW',
      'event charges: OVERFLOW',
      'one ',
    ]);
  });
});
