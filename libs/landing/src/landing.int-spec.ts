import { fork, type ChildProcess } from 'node:child_process';
import { after, afterEach, before, beforeEach, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { ensureEventStreams, onLanded, type BusConnection } from '@weir/bus';
import { EVENT_PARTITIONS, eventStreamName, type LandedReport } from '@weir/contracts';
import { createWarehouse, type Warehouse } from '@weir/warehouse';
import { FaultProxy, eventually, startInfrastructure, type RunningStack } from '@weir/testing';
import { expect } from 'expect';
import {
  TestProducer,
  connectTestBus,
  startTestLanding,
  type TestAddresses,
  type TestLanding,
} from './landing.fixture.js';

const WITHIN = { timeoutMs: 20_000 };
const CRASHING = fileURLToPath(new URL('./crashing-lander.fixture.js', import.meta.url));

describe('landing', () => {
  let stack: RunningStack;
  let connection: BusConnection;
  let warehouse: Warehouse;
  let addresses: TestAddresses;
  let producer: TestProducer;
  let reports: LandedReport[];
  const running: TestLanding[] = [];
  const children: ChildProcess[] = [];

  before(async () => {
    stack = await startInfrastructure({ parts: ['nats', 'postgres', 'clickhouse'] });
    const { nats, postgres, internal } = stack.connection;
    addresses = {
      natsUrl: nats.url,
      store: { url: postgres.url, schema: 'audit' },
      warehouse: internal.clickhouseWriter,
    };
    connection = await connectTestBus(nats.url);
    await ensureEventStreams(connection, EVENT_PARTITIONS);
    warehouse = createWarehouse(internal.clickhouseWriter);
  });
  after(async () => {
    await warehouse.close();
    await connection.close();
    await stack.stop();
  });
  beforeEach(() => {
    producer = new TestProducer(connection);
    reports = [];
    onLanded(connection, producer.id, (report) => reports.push(report));
  });
  afterEach(async () => {
    for (const child of children.splice(0)) child.kill('SIGKILL');
    for (const landing of running.splice(0)) await landing.stop();
  });

  const start = async (where: TestAddresses = addresses): Promise<TestLanding> => {
    const landing = await startTestLanding(where);
    running.push(landing);
    return landing;
  };

  const startCrashing = async (moment: string): Promise<ChildProcess> => {
    const child = fork(CRASHING, [JSON.stringify(addresses), moment], {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    });
    children.push(child);
    await told(child, 'started');
    return child;
  };

  const told = (child: ChildProcess, type: string): Promise<void> =>
    new Promise((resolve, reject) => {
      child.on('message', (message: { type: string }) => message.type === type && resolve());
      child.once('exit', () => reject(new Error(`the process ended before it said "${type}"`)));
    });

  /** How often each sequence of the producer is in the table. */
  const rows = async (): Promise<{ rows: number; sequences: number }> => {
    const [row] = await warehouse.query<{ rows: string; sequences: string }>(
      'SELECT count() AS rows, uniqExact(sequence) AS sequences FROM weir.events WHERE producer_id = {id: UUID}',
      { id: producer.id },
    );
    return { rows: Number(row?.rows), sequences: Number(row?.sequences) };
  };
  const deadLetters = () =>
    warehouse.query<{ reason: string; sequence: string; content: string }>(
      'SELECT reason, sequence, content FROM weir.dead_letters WHERE producer_id = {id: UUID} ORDER BY sequence',
      { id: producer.id },
    );
  const hasReported = (through: number): Promise<void> =>
    eventually(() => expect(reports.at(-1)).toMatchObject({ sink: 'audit', epoch: 1, through }), WITHIN);

  it('lands an event once, however often it is delivered, and says each time how far it is', async () => {
    await start();
    const lines = producer.lines(50);
    producer.publish(lines);
    await hasReported(50);
    const before = reports.length;
    producer.publish(lines);
    producer.publish(lines.slice(10, 20));
    await eventually(() => expect(reports.length).toBeGreaterThan(before), WITHIN);
    producer.publish([...lines.slice(40), producer.line()]);
    await hasReported(51);
    expect(await rows()).toEqual({ rows: 51, sequences: 51 });
  });

  it('reports only what has landed without a gap, and the rest when the gap is closed', async () => {
    await start();
    const lines = producer.lines(30);
    producer.publish(lines.slice(0, 10));
    producer.publish(lines.slice(20));
    await hasReported(10);
    producer.publish(lines.slice(10, 20));
    await hasReported(30);
    expect(await rows()).toEqual({ rows: 30, sequences: 30 });
  });

  it('closes the sequence of poison, oversize and refused events, and lands them as dead letters', async () => {
    await start();
    const first = producer.line();
    const garbage = producer.poison();
    const oversize = producer.line().replace('"test"', `"${'x'.repeat(80_000)}"`);
    const refused = producer.line({ traceparent: 'refuse me' });
    const empty = producer.poison('\u0000\t');
    producer.publish([first, garbage, oversize, refused, empty, producer.line()]);
    await hasReported(6);
    const letters = await deadLetters();
    expect(letters.map((letter) => [letter.sequence, letter.reason])).toEqual([
      ['2', 'not_json'],
      ['3', 'oversize'],
      ['4', 'refused_by_warehouse'],
      ['5', 'not_json'],
    ]);
    expect((await rows()).rows).toBe(2);
  });

  it('closes the sequence of an oversize event that is alone in its message', async () => {
    await start();
    producer.publish([producer.line()]);
    const oversize = producer.line().replace('"test"', `"${'x'.repeat(80_000)}"`);
    // Its producer does not hear of it and sends it again; it is one dead letter nevertheless.
    for (let time = 0; time < 2; time++) producer.publish([oversize]);
    producer.publish([producer.line()]);
    await hasReported(3);
    expect((await deadLetters()).map(({ sequence, reason }) => [sequence, reason])).toEqual([['2', 'oversize']]);
  });

  it('waits while the warehouse is away, loses nothing and repeats nothing', async () => {
    const { hostname, port } = new URL(addresses.warehouse.url);
    const proxy = await FaultProxy.open({ host: hostname, port: Number(port) });
    const landing = await start({
      ...addresses,
      warehouse: { ...addresses.warehouse, url: `http://127.0.0.1:${proxy.port}` },
    });
    producer.publish(producer.lines(5));
    await hasReported(5);
    proxy.setRefusing(true);
    proxy.cut();
    producer.publish(producer.lines(20));
    await eventually(() => expect(landing.health.report().ready).toBe(false), WITHIN);
    expect(reports.at(-1)?.through).toBe(5);
    proxy.setRefusing(false);
    await hasReported(25);
    await eventually(() => expect(landing.health.report().ready).toBe(true), WITHIN);
    expect(await rows()).toEqual({ rows: 25, sequences: 25 });
    await landing.stop();
    running.length = 0;
    // Resetting a socket that is being shut down leaves libuv with a handle it never closes.
    await eventually(() => expect(proxy.connections).toBe(0), WITHIN);
    await proxy.close();
  });

  it('waits while Postgres is away, loses nothing and repeats nothing', async () => {
    await start();
    producer.publish(producer.lines(5));
    await hasReported(5);
    const pid = stack.kill('postgres');
    producer.publish(producer.lines(20));
    await stack.waitForRestart('postgres', pid);
    await hasReported(25);
    expect(await rows()).toEqual({ rows: 25, sequences: 25 });
  });

  it('goes on when the broker has lost the streams, and somebody else has made them again', async () => {
    await start();
    producer.publish(producer.lines(5));
    await hasReported(5);
    for (let partition = 0; partition < EVENT_PARTITIONS; partition++) {
      const subject = `$JS.API.STREAM.DELETE.${eventStreamName(partition)}`;
      await connection.request(subject, Buffer.alloc(0), { timeoutMs: 5_000 });
    }
    await ensureEventStreams(connection, EVENT_PARTITIONS);
    producer.publish(producer.lines(5));
    await hasReported(10);
    expect(await rows()).toEqual({ rows: 10, sequences: 10 });
  });

  it('lands what a process killed before the insert had in hand, though nobody sends it again', async () => {
    const child = await startCrashing('before-insert');
    producer.publish(producer.lines(40));
    await told(child, 'standing still');
    child.kill('SIGKILL');
    await start();
    await hasReported(40);
    expect(await rows()).toEqual({ rows: 40, sequences: 40 });
  });

  it('lands once what a process killed after the insert had in hand, in whatever batches it comes again, tokens forgotten', async () => {
    const child = await startCrashing('after-insert');
    const lines = producer.lines(40);
    producer.publish(lines);
    await told(child, 'standing still');
    child.kill('SIGKILL');
    await start();
    // What the dead process had in hand comes again when its acknowledgement is overdue; the producer sends again sooner.
    producer.publish([...lines.slice(30), producer.line()]);
    await eventually(() => expect(reports.length).toBeGreaterThan(0), WITHIN);
    producer.publish(lines.slice(0, 35));
    await hasReported(41);
    expect(await rows()).toEqual({ rows: 41, sequences: 41 });
  });

  it('has one writer at a time; another takes over when it dies', async () => {
    const child = await startCrashing('never');
    producer.publish(producer.lines(10));
    await hasReported(10);
    const standby = await start();
    await eventually(() => expect(JSON.stringify(standby.health.report())).toContain('standing by'), WITHIN);
    child.kill('SIGKILL');
    producer.publish(producer.lines(10));
    await hasReported(20);
    expect(await rows()).toEqual({ rows: 20, sequences: 20 });
  });

  it('lands what is left when it is told to stop', async () => {
    const landing = await start();
    producer.publish(producer.lines(10));
    await hasReported(10);
    for (let batch = 0; batch < 20; batch++) producer.publish(producer.lines(25));
    await connection.roundTrip();
    await landing.stop();
    running.length = 0;
    expect(await rows()).toEqual({ rows: 510, sequences: 510 });
    await hasReported(510);
  });
});
