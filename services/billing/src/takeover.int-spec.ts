import { spawn, type ChildProcess } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { after, afterEach, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { connectBus, ensureEventStreams, type BusConnection } from '@weir/bus';
import { EVENT_PARTITIONS, partitionOf, subjects, uuidv7 } from '@weir/contracts';
import { LANDING_STEPS } from '@weir/landing';
import { acquireLock, type LockSession } from '@weir/store';
import { createWarehouse, type Warehouse } from '@weir/warehouse';
import { eventually, freePort, sinkEnvironment, startInfrastructure, type RunningStack } from '@weir/testing';
import { expect } from 'expect';

const MAIN = fileURLToPath(new URL('./main.js', import.meta.url));
const WITHIN = { timeoutMs: 30_000 };
/** A published event of each kind, as its definition's golden payload has it. */
const golden = (type: string): Record<string, unknown> => {
  const url = new URL(`../../../libs/contracts/src/golden/${type}.v1.json`, import.meta.url);
  return JSON.parse(readFileSync(url, 'utf8')) as Record<string, unknown>;
};
const ROUNDS = 10;
/** Buckets of the golden attempt's usage that hold any tokens. */
const LINES = 4;

/** The process itself, between each two steps of landing a batch. */
describe('billing under a kill and under a pause', () => {
  let stack: RunningStack;
  let bus: BusConnection;
  let reader: Warehouse;
  let postgres: LockSession;
  const children = new Set<ChildProcess>();

  before(async () => {
    stack = await startInfrastructure({ parts: ['nats', 'postgres', 'clickhouse'] });
    const { connection } = stack;
    const { host, username, password } = new URL(connection.nats.url);
    bus = await connectBus({ url: `nats://${host}`, user: username, password, name: 'test' });
    await ensureEventStreams(bus, EVENT_PARTITIONS);
    reader = createWarehouse(connection.internal.clickhouseWriter);
    const store = { url: connection.postgres.url, schema: 'billing' };
    postgres = await acquireLock({ ...store, name: 'takeover-spec', signal: AbortSignal.timeout(10_000) });
  });
  after(async () => {
    await postgres.close();
    await reader.close();
    await bus.close();
    await stack.stop();
  });
  afterEach(() => {
    for (const child of children) child.kill('SIGKILL');
    children.clear();
  });

  const start = async (failpoint = ''): Promise<{ child: ChildProcess; state: () => Promise<string> }> => {
    const { connection } = stack;
    const port = await freePort();
    const child = spawn(process.execPath, [MAIN], {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
      env: {
        PATH: process.env['PATH'],
        NODE_ENV: 'test',
        WEIR_FAILPOINT: failpoint,
        ...sinkEnvironment(connection, 'billing', port),
      },
    });
    children.add(child);
    const state = async () => (await fetch(`http://127.0.0.1:${port}/health/ready`)).text();
    await eventually(async () => expect(await state()).toContain('"ready":true'), WITHIN);
    return { child, state };
  };

  const reached = (child: ChildProcess): Promise<void> =>
    new Promise((resolve, reject) => {
      child.on('message', ({ type }: { readonly type: string }) => type === 'failpoint' && resolve());
      child.once('exit', () => reject(new Error('the process ended before it reached its failpoint')));
    });

  /** A producer whose events are numbered as a journal's are. */
  class Producer {
    readonly id = uuidv7();
    private sequence = 0;

    publish(rounds: number): void {
      const types = ['attempt.started', 'attempt.finished'];
      const lines = Array.from({ length: rounds }, () => types.map((type) => this.line(type))).flat();
      const subject = subjects.events(partitionOf(this.id, EVENT_PARTITIONS));
      bus.publish(subject, Buffer.from(lines.join('')));
    }

    private line(type: string): string {
      const event = golden(type);
      const data = { ...(event['data'] as object), attemptId: uuidv7() };
      const place = { producerId: this.id, epoch: 1, sequence: ++this.sequence };
      return `${JSON.stringify({ ...event, eventId: uuidv7(), time: Date.now(), ...place, data })}\n`;
    }
  }

  /** How often each event is in the record, and how far Postgres says it is. */
  const record = async (producerId: string): Promise<object> => {
    const [rows] = await reader.query(
      `SELECT count() AS lines, uniqExact(sequence, line) AS unique_lines,
         (SELECT count() FROM weir.attempts_landed WHERE producer_id = {id: UUID}) AS attempts,
         (SELECT uniqExact(sequence) FROM weir.attempts_landed WHERE producer_id = {id: UUID}) AS unique_attempts
       FROM weir.charges_landed WHERE producer_id = {id: UUID}`,
      { id: producerId },
    );
    const [mark] = await postgres.query(
      'SELECT through, above FROM billing.landing_watermarks WHERE producer_id = $1',
      [producerId],
    );
    return { ...rows, ...mark };
  };
  const hasLanded = (producer: Producer, rounds: number): Promise<void> =>
    eventually(
      async () =>
        expect(await record(producer.id)).toEqual({
          lines: String(LINES * rounds),
          unique_lines: String(LINES * rounds),
          attempts: String(rounds),
          unique_attempts: String(rounds),
          through: String(2 * rounds),
          above: [],
        }),
      WITHIN,
    );

  /** What the views over all charges say, beside the charges. */
  const expectExactViews = async (): Promise<void> => {
    const sums = 'toString(sum(cost)) AS cost, sum(tokens_input + tokens_output) AS tokens, sum(attempts) AS attempts';
    const [base] = await reader.query(
      `SELECT toString(sum(ifNull(cost, toDecimal128(0, 12)))) AS cost, sum(quantity) AS tokens, toUInt64(uniqExact(attempt_id)) AS attempts
       FROM weir.charges_landed`,
    );
    for (const view of ['spend_by_day', 'spend_by_team', 'spend_by_model']) {
      expect((await reader.query(`SELECT ${sums} FROM weir.${view}`))[0]).toEqual(base);
    }
  };

  for (const step of LANDING_STEPS) {
    it(`lands each event once, in tables and views, when it is killed after the step "${step}"`, async () => {
      const producer = new Producer();
      const { child } = await start(`landing.after-${step}`);
      producer.publish(ROUNDS);
      await reached(child);
      child.kill('SIGKILL');
      await start();
      producer.publish(1);
      await hasLanded(producer, ROUNDS + 1);
      await expectExactViews();
    });

    it(`lands each event once when it is paused after the step "${step}" and wakes up behind another`, async () => {
      const producer = new Producer();
      const paused = await start(`landing.after-${step}`);
      producer.publish(ROUNDS);
      await reached(paused.child);
      paused.child.kill('SIGSTOP');
      const successor = await start();
      producer.publish(1);
      await hasLanded(producer, ROUNDS + 1);
      paused.child.kill('SIGCONT');
      paused.child.send({ type: 'go on' });
      // One of the two: a successor that a busy machine held up has given way again.
      const states = async () => (await paused.state()) + (await successor.state());
      await eventually(async () => expect(await states()).toContain('standing by'), WITHIN);
      producer.publish(1);
      await hasLanded(producer, ROUNDS + 2);
      await expectExactViews();
    });
  }
});
