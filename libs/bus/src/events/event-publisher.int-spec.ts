import { spawn } from 'node:child_process';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before, beforeEach, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import {
  CallStartedV1,
  EVENT_PARTITIONS,
  eventStreamName,
  partitionOf,
  type EventDefinition,
  type EventDraft,
  type EventEnvelope,
} from '@weir/contracts';
import { findOrphans, openJournal, type Journal, type JournalOptions } from '@weir/journal';
import { eventually } from '@weir/testing';
import { expect } from 'expect';
import { Broker } from '../broker.fixture.js';
import type { BusConnection } from '../connection/bus-connection.js';
import { adoptOrphans } from './adopt-orphans.js';
import { ensureEventStreams } from './ensure-event-streams.js';
import { EventPublisher, type AppendOptions } from './event-publisher.js';
import { producerOptions } from './producer.fixture.js';
import { RememberingSink } from './sink.fixture.js';

const SOON = { timeoutMs: 15_000, everyMs: 10 };
const PRODUCER = fileURLToPath(new URL('./producer.fixture.js', import.meta.url));

function draft(definition: EventDefinition, callId: string): EventDraft {
  return {
    definition,
    data: { callId },
    organisationId: 'o',
    callId: callId as EventDraft['callId'],
    traceparent: null,
  };
}

describe('EventPublisher over a real broker', () => {
  let broker: Broker;
  let ingress: BusConnection;
  let audit: BusConnection;
  let parent: string;
  let journal: Journal;
  let publisher: EventPublisher;
  let sink: RememberingSink;

  before(async () => {
    broker = await Broker.start();
    ingress = await broker.connect('ingress');
    audit = await broker.connect('audit');
    await ensureEventStreams(audit, EVENT_PARTITIONS);
  });
  after(() => broker.stop());
  beforeEach(async () => {
    broker.errors.length = 0;
    parent = await mkdtemp(join(tmpdir(), 'weir-publisher-'));
    await openProducer();
    sink = new RememberingSink(audit, streamOf(journal));
  });
  afterEach(async () => {
    await sink.stop();
    await publisher.close(0);
    await journal.close();
    await rm(parent, { recursive: true, force: true });
  });

  const streamOf = ({ producerId }: Journal) => eventStreamName(partitionOf(producerId, EVENT_PARTITIONS));

  async function openProducer(changes: Partial<JournalOptions> = {}): Promise<void> {
    journal = await openJournal({ ...producerOptions(join(parent, 'ingress-0')), ...changes });
    publisher = new EventPublisher({
      connection: ingress,
      journal,
      partitions: EVENT_PARTITIONS,
      timeScale: 0.1,
      onError: (error) => broker.errors.push(error),
    });
  }

  const append = (callId: string, options?: AppendOptions) => publisher.append(draft(CallStartedV1, callId), options);
  const acknowledged = (callId: string, urgent = true) =>
    new Promise<void>((resolve) => append(callId, { urgent, onAcknowledged: resolve }));
  const landed = (epoch = 1) => sink.sequences(journal.producerId, epoch);
  const upTo = (last: number) => Array.from({ length: last }, (_, i) => i + 1);

  it('publishes exactly the journal’s lines, the opening of the epoch first', async () => {
    publisher.start();
    await acknowledged('a');
    const lines: string[] = [];
    for await (const { line } of journal.pending()) lines.push(line.toString('utf8'));
    sink.isSilent = true;
    sink.start();
    await eventually(() => expect(landed().length).toBe(lines.length), SOON);
    const published = upTo(lines.length).map((n) => sink.events.get(`${journal.producerId} 1 ${n}`));
    expect(published.map((event) => JSON.stringify(event))).toEqual(lines);
    expect(published.map((event) => event?.type)).toEqual(['producer.alive', 'call.started']);
    expect(broker.errors).toEqual([]);
  });

  it('takes what waits along with an urgent event', async () => {
    publisher.start();
    await acknowledged('warm up');
    const order: string[] = [];
    append('lingers', { onAcknowledged: () => order.push('lingers') });
    await acknowledged('urgent');
    expect(order).toEqual(['lingers']);
  });

  it('writes first: the event is in the journal when onWritten is called, and not yet acknowledged', async () => {
    publisher.start();
    const order: string[] = [];
    await new Promise<void>((resolve) => {
      append('a', {
        urgent: true,
        onWritten: (error) => order.push(error === undefined ? `written ${journal.state().lastSequence}` : 'refused'),
        onAcknowledged: () => {
          order.push('acknowledged');
          resolve();
        },
      });
      order.push('appended');
    });
    expect(order).toEqual(['appended', 'written 2', 'acknowledged']);
  });

  it('commits in groups: 1,000 events of one turn are a few messages', async () => {
    publisher.start();
    await Promise.all(upTo(1_000).map((n) => acknowledged(`call ${n}`, false)));
    sink.start();
    await eventually(() => expect(landed().length).toBeGreaterThanOrEqual(1_001), SOON);
    expect(sink.messages).toBeLessThanOrEqual(8);
    expect(sink.repeats).toBe(0);
  });

  it('keeps an event until every sink has landed it', async () => {
    publisher.start();
    sink.sinks = ['audit'];
    sink.start();
    await acknowledged('a');
    await eventually(() => expect(landed().length).toBe(2), SOON);
    expect(journal.unreleased()).toEqual([{ epoch: 1, first: 1, last: 2 }]);
    sink.sinks = ['audit', 'billing'];
    // The next producer.alive makes the sinks report again.
    await eventually(() => expect(journal.unreleased()).toEqual([]), SOON);
  });

  it('loses nothing and leaves no gap when the broker is killed and restarted under load', async () => {
    publisher.start();
    sink.start();
    let calls = 0;
    let acknowledgements = 0;
    const timer = setInterval(() => {
      for (let i = 0; i < 5; i++) append(`${calls++}`, { urgent: true, onAcknowledged: () => (acknowledgements += 1) });
    }, 2);
    for (let round = 0; round < 2; round++) {
      const goal = acknowledgements + 200;
      await eventually(() => expect(acknowledgements).toBeGreaterThan(goal), SOON);
      await broker.kill();
      const during = calls + 100;
      await eventually(() => expect(calls).toBeGreaterThan(during), SOON);
      await broker.run();
    }
    clearInterval(timer);
    await eventually(() => expect(acknowledgements).toBe(calls), SOON);
    const { lastSequence } = journal.state();
    await eventually(() => expect(landed().slice(0, lastSequence)).toEqual(upTo(lastSequence)), SOON);
    await eventually(() => expect(journal.unreleased().every(({ first }) => first > lastSequence)).toBe(true), SOON);
  });

  it('sends everything again when the broker has lost its disk', async () => {
    publisher.start();
    await Promise.all(upTo(300).map((n) => acknowledged(`call ${n}`, false)));
    await broker.kill();
    await broker.wipe();
    await broker.run();
    await eventually(() => expect(audit.isConnected && ingress.isConnected).toBe(true), SOON);
    await ensureEventStreams(audit, EVENT_PARTITIONS);
    sink.start();
    await eventually(() => expect(landed().slice(0, 301)).toEqual(upTo(301)), SOON);
    await eventually(() => expect(journal.unreleased().every(({ first }) => first > 301)).toBe(true), SOON);
  });

  it('takes what was recorded before the streams existed, and acknowledges it once they do', async () => {
    await broker.kill();
    await broker.wipe();
    await broker.run();
    await eventually(() => expect(ingress.isConnected).toBe(true), SOON);
    publisher.start();
    let isAcknowledged = false;
    append('early', { urgent: true, onAcknowledged: () => (isAcknowledged = true) });
    await eventually(() => expect(publisher.state().silentForMs).toBeGreaterThan(100), SOON);
    expect(isAcknowledged).toBe(false);
    expect(publisher.isReady()).toBe(true);
    await eventually(() => expect(audit.isConnected).toBe(true), SOON);
    await ensureEventStreams(audit, EVENT_PARTITIONS);
    await eventually(() => expect(isAcknowledged).toBe(true), SOON);
  });

  it('publishes after a restart what the process before it left behind', async () => {
    await Promise.all(
      upTo(20).map((n) => new Promise<void>((resolve) => append(`${n}`, { onWritten: () => resolve() }))),
    );
    await publisher.close(0);
    await journal.close();
    await openProducer();
    publisher.start();
    sink.start();
    await eventually(() => expect(landed(1)).toEqual(upTo(21)), SOON);
    await eventually(() => expect(landed(2).length).toBeGreaterThanOrEqual(21), SOON);
    const first = sink.events.get(`${journal.producerId} 2 1`) as EventEnvelope<{ previous: unknown }> | undefined;
    expect(first?.data.previous).toEqual({ epoch: 1, lastSequence: 21 });
    await eventually(() => expect(journal.unreleased().filter(({ epoch }) => epoch === 1)).toEqual([]), SOON);
  });

  it('sends again what the sinks, though they report, never got', async () => {
    publisher.start();
    await acknowledged('a');
    sink.isSilent = true;
    sink.start();
    await eventually(() => expect(landed().length).toBeGreaterThanOrEqual(2), SOON);
    const { messages } = sink;
    // Both sinks go on reporting that they have only the first.
    const report = setInterval(() => sink.reportThrough(journal.producerId, 1, 1), 50);
    await eventually(() => expect(publisher.state().unacknowledged).toBe(0), SOON);
    await eventually(() => expect(sink.messages).toBeGreaterThan(messages + 1), SOON);
    await eventually(() => expect(sink.repeats).toBeGreaterThan(0), { timeoutMs: 10_000, everyMs: 20 });
    clearInterval(report);
  });

  it('holds more than fits into memory in the journal alone, and publishes it when JetStream is back', async () => {
    publisher.start();
    await acknowledged('warm up');
    await broker.kill();
    await eventually(() => expect(ingress.isConnected).toBe(false), SOON);
    const padding = 'x'.repeat(20_000);
    let written = 0;
    for (let i = 0; i < 1_000; i++) {
      const event = draft(CallStartedV1, `${i}`);
      publisher.append({ ...event, data: { padding } }, { onWritten: () => (written += 1) });
      if (i % 50 === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    await eventually(() => expect(written).toBe(1_000), SOON);
    expect(publisher.state().unacknowledged).toBeLessThan(700);
    await broker.run();
    sink.start();
    const { lastSequence } = journal.state();
    await eventually(() => expect(landed().slice(0, lastSequence)).toEqual(upTo(lastSequence)), SOON);
  });

  it('adopts the folder of a killed process: closes what was open, publishes all of it, removes the folder', async () => {
    publisher.start();
    sink.start();
    const folder = join(parent, 'ingress-1');
    await killProducer(folder, broker.url);
    expect(await findOrphans(parent, 'ingress')).toEqual([folder]);
    const { folder: _own, ...options } = producerOptions(folder);
    let producerId = '';
    const adopted = new RememberingSink(audit, 'EVENTS_0', 'adopted').start();
    const other = new RememberingSink(audit, 'EVENTS_1', 'adopted').start();
    const adopter = adoptOrphans({
      connection: ingress,
      partitions: EVENT_PARTITIONS,
      parentFolder: parent,
      journal: options,
      timeScale: 0.02,
      onAdopted: (_folder, id) => (producerId = id),
    });
    await eventually(async () => expect(await readdir(parent)).toEqual(['ingress-0']), SOON);
    const events = [...adopted.events.values(), ...other.events.values()].filter((e) => e.producerId === producerId);
    const opened = new Set(events.filter(({ type }) => type === 'call.started').map(({ callId }) => callId));
    expect(opened.size).toBeGreaterThan(50);
    for (const { callId } of events.filter(({ type }) => type === 'call.finished')) opened.delete(callId);
    expect([...opened]).toEqual([]);
    for (const epoch of [1, 2]) {
      const sequences = events.filter((event) => event.epoch === epoch).map(({ sequence }) => sequence);
      expect([...new Set(sequences)].sort((a, b) => a - b)).toEqual(upTo(Math.max(...sequences)));
    }
    await adopter.close();
    await adopted.stop();
    await other.stop();
  });
});

/** Runs a producer, kills it -9 in full flight. */
async function killProducer(folder: string, url: string): Promise<void> {
  const child = spawn(process.execPath, [PRODUCER, folder, url], { stdio: ['ignore', 'pipe', 'inherit'] });
  let said = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (said += text));
  const exited = new Promise((resolve) => child.once('exit', resolve));
  await eventually(() => expect(said.split('\n').length).toBeGreaterThan(100), SOON);
  child.kill('SIGKILL');
  await exited;
}
