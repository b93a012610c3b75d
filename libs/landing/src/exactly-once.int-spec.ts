import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before, beforeEach, describe, it } from 'node:test';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { ensureEventStreams, onLanded, type BusConnection } from '@weir/bus';
import { EVENT_PARTITIONS, eventStreamName, type LandedReport } from '@weir/contracts';
import { acquireLock, type LockSession } from '@weir/store';
import { createWarehouse, type Warehouse } from '@weir/warehouse';
import { eventually, startInfrastructure, type RunningStack } from '@weir/testing';
import { expect } from 'expect';
import { LANDING_STEPS, type LandingStep } from './failpoint.js';
import {
  TestProducer,
  connectTestBus,
  startTestLanding,
  type TestAddresses,
  type TestLanding,
} from './landing.fixture.js';

const WITHIN = { timeoutMs: 20_000 };
/** What is promised: another process has taken over by then. */
const TAKEOVER = { timeoutMs: 10_000 };
const LANDER = fileURLToPath(new URL('./failpoint-lander.fixture.js', import.meta.url));

describe('a batch lands exactly once', () => {
  let stack: RunningStack;
  let connection: BusConnection;
  let warehouse: Warehouse;
  let postgres: LockSession;
  let addresses: TestAddresses;
  let producer: TestProducer;
  let reports: LandedReport[];
  const running: TestLanding[] = [];
  const children: ChildProcess[] = [];

  before(async () => {
    stack = await startInfrastructure({ parts: ['nats', 'postgres', 'clickhouse'] });
    const { nats, internal } = stack.connection;
    const store = { url: stack.connection.postgres.url, schema: 'audit' };
    addresses = { natsUrl: nats.url, store, warehouse: internal.clickhouseWriter };
    connection = await connectTestBus(nats.url);
    await ensureEventStreams(connection, EVENT_PARTITIONS);
    warehouse = createWarehouse(internal.clickhouseWriter);
    postgres = await acquireLock({ ...store, name: 'exactly-once-spec', signal: AbortSignal.timeout(10_000) });
  });
  after(async () => {
    await postgres.close();
    await warehouse.close();
    await connection.close();
    await stack.stop();
  });
  beforeEach(() => {
    producer = new TestProducer(connection);
    // Its own: a late report of the producer before must not pass for one of this one.
    const own: LandedReport[] = [];
    reports = own;
    onLanded(connection, producer.id, (report) => own.push(report));
  });
  afterEach(async () => {
    for (const child of children.splice(0)) child.kill('SIGKILL');
    for (const landing of running.splice(0)) await landing.stop();
  });

  /** A process that has stopped after the step, with 20 events and a line that is none in hand. */
  const stopAfter = async (step: LandingStep): Promise<{ child: ChildProcess; lines: string[] }> =>
    stopAt(`landing.after-${step}`);

  const stopAt = async (failpoint: string): Promise<{ child: ChildProcess; lines: string[] }> => {
    const child = fork(LANDER, [JSON.stringify(addresses), failpoint], {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    });
    children.push(child);
    await told(child, 'started');
    const lines = producer.lines(20);
    producer.publish([...lines, producer.poison()]);
    await told(child, 'failpoint');
    return { child, lines };
  };

  const told = (child: ChildProcess, type: string): Promise<{ readonly text?: string }> =>
    new Promise((resolve, reject) => {
      child.on('message', (message: { readonly type: string; readonly text?: string }) => {
        if (message.type === type) resolve(message);
      });
      child.once('exit', () => reject(new Error(`the process ended before it said "${type}"`)));
    });

  const start = async (): Promise<TestLanding> => {
    const landing = await startTestLanding(addresses);
    running.push(landing);
    return landing;
  };

  const hasReported = (through: number, within = WITHIN): Promise<void> =>
    eventually(() => expect(reports.at(-1)).toMatchObject({ sink: 'audit', epoch: 1, through }), within);

  /** How often each sequence of the producer is in the record, and how far Postgres says it is. */
  const record = async (): Promise<object> => {
    const parameters = { id: producer.id };
    const [rows] = await warehouse.query(
      `SELECT count() AS rows, uniqExact(sequence) AS sequences,
         (SELECT count() FROM weir.dead_letters WHERE producer_id = {id: UUID}) AS letters
       FROM weir.events WHERE producer_id = {id: UUID}`,
      parameters,
    );
    const [mark] = await postgres.query('SELECT through, above FROM audit.landing_watermarks WHERE producer_id = $1', [
      producer.id,
    ]);
    return { ...rows, ...mark };
  };
  const exactly = (events: number, letters = 1) => ({
    rows: String(events),
    sequences: String(events),
    letters: String(letters),
    through: String(events + letters),
    above: [],
  });

  const wipeStreams = async (): Promise<void> => {
    for (let partition = 0; partition < EVENT_PARTITIONS; partition++) {
      const subject = `$JS.API.STREAM.DELETE.${eventStreamName(partition)}`;
      await connection.request(subject, Buffer.alloc(0), { timeoutMs: 5_000 });
    }
    await ensureEventStreams(connection, EVENT_PARTITIONS);
  };

  for (const step of LANDING_STEPS) {
    it(`when its process is killed after the step "${step}"`, async () => {
      const { child } = await stopAfter(step);
      child.kill('SIGKILL');
      await start();
      producer.publish([producer.line()]);
      await hasReported(22, TAKEOVER);
      expect(await record()).toEqual(exactly(21));
    });

    it(`when its process is paused after the step "${step}", another takes over, and it wakes up`, async () => {
      const { child } = await stopAfter(step);
      child.kill('SIGSTOP');
      const successor = await start();
      producer.publish([producer.line()]);
      await hasReported(22, TAKEOVER);
      child.kill('SIGCONT');
      child.send({ type: 'go on' });
      await eventually(async () => {
        const answer = told(child, 'state');
        child.send({ type: 'state' });
        // One of the two: a successor that a busy machine held up has given way again.
        expect(`${(await answer).text} ${JSON.stringify(successor.health.report())}`).toContain('standing by');
      }, WITHIN);
      producer.publish([producer.line()]);
      await hasReported(23);
      expect(await record()).toEqual(exactly(22));
    });
  }

  it('when a file kills it once after a step, and it is started again with the same setting', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'weir-failpoint-'));
    const file = join(folder, 'audit.landing.after-insert');
    writeFileSync(join(folder, 'billing.landing.after-insert'), '');
    writeFileSync(file, '');
    const run = async (): Promise<ChildProcess> => {
      const child = fork(LANDER, [JSON.stringify(addresses), pathToFileURL(folder).href], {
        stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
      });
      children.push(child);
      await told(child, 'started');
      return child;
    };
    const first = await run();
    const died = once(first, 'exit');
    producer.publish(producer.lines(20));
    expect(await died).toEqual([null, 'SIGKILL']);
    expect(readdirSync(folder)).toEqual(['billing.landing.after-insert']);
    await run();
    producer.publish([producer.line()]);
    await hasReported(21, TAKEOVER);
    expect(await record()).toEqual(exactly(21, 0));
    rmSync(folder, { recursive: true });
  });

  it('when an insert of a deposed writer arrives after that of its successor', async () => {
    const { child } = await stopAt('insert-on-its-way');
    child.kill('SIGSTOP');
    await start();
    producer.publish([producer.line()]);
    await hasReported(22, TAKEOVER);
    const inserted = told(child, 'inserted');
    child.kill('SIGCONT');
    child.send({ type: 'go on' });
    await inserted;
    expect(await record()).toEqual(exactly(21));
  });

  for (const step of ['intent', 'insert'] as const) {
    it(`when its process is killed after the step "${step}" and the stream is lost with it`, async () => {
      const { child, lines } = await stopAfter(step);
      child.kill('SIGKILL');
      await wipeStreams();
      await start();
      // Producers send again what was not reported, in whatever batches it comes to.
      producer.publish(lines.slice(0, 7));
      await hasReported(7);
      producer.publish([...lines.slice(5, 20), 'not an event']);
      await hasReported(21);
      expect(await record()).toMatchObject({ rows: '20', sequences: '20', through: '21', above: [] });
    });
  }
});
