import { execFileSync, spawn } from 'node:child_process';
import { appendFile, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { splitEventLine, type EventEnvelope } from '@weir/contracts';
import { eventually } from '@weir/testing';
import { expect } from 'expect';
import type { Journal } from './journal.js';
import { denied, finished, journalOptions, started } from './journal.fixture.js';
import { JournalLockedError, type JournalLine } from './journal-options.js';
import { findOrphans, openInstanceJournal, openJournal } from './open-journal.js';

const SOON = { timeoutMs: 5_000, everyMs: 5 };
const LIMITED = fileURLToPath(new URL('./journal-limited.fixture.js', import.meta.url));
const WRITER = fileURLToPath(new URL('./journal-writer.fixture.js', import.meta.url));

interface ReadEvent extends EventEnvelope<{ lastSequence?: number; previous?: unknown; open?: number }> {
  readonly annex: string;
}

async function read(journal: Journal, from?: { epoch: number; sequence: number }): Promise<ReadEvent[]> {
  const lines: JournalLine[] = [];
  for await (const line of journal.pending(from)) lines.push(line);
  return lines.map(({ line }) => {
    const { leaf, annex } = splitEventLine(line.toString('utf8'));
    return { ...(JSON.parse(leaf) as ReadEvent), annex };
  });
}

const written = (journal: Journal, draft: Parameters<Journal['append']>[0]) =>
  new Promise<number>((resolve, reject) =>
    journal.append(draft, (error, event) => {
      if (event !== undefined) resolve(event.sequence);
      else reject(error ?? new Error('neither written nor refused'));
    }),
  );

describe('Journal in a real folder', () => {
  let parent: string;
  let folder: string;
  const open: Journal[] = [];

  beforeEach(async () => {
    parent = await mkdtemp(join(tmpdir(), 'weir-journal-'));
    folder = join(parent, 'ingress-0');
  });
  afterEach(async () => {
    for (const journal of open.splice(0)) await journal.close();
    await rm(parent, { recursive: true, force: true });
  });

  async function openHere(changes: Parameters<typeof journalOptions>[1] = {}): Promise<Journal> {
    const journal = await openJournal(journalOptions(folder, changes));
    open.push(journal);
    return journal;
  }

  it('begins with producer.alive, then numbers events without a gap, annex behind the leaf', async () => {
    const journal = await openHere();
    const sequences = await Promise.all([written(journal, started('a')), written(journal, started('b'))]);
    expect(sequences).toEqual([2, 3]);
    const events = await read(journal);
    expect(events.map(({ type, sequence }) => [type, sequence])).toEqual([
      ['producer.alive', 1],
      ['call.started', 2],
      ['call.started', 3],
    ]);
    expect(events[0]?.data).toMatchObject({ previous: null, lastSequence: 0 });
    expect(events[1]).toMatchObject({ annex: 'salt', epoch: 1, producerId: journal.producerId });
  });

  it('has the line in the file before it says so', async () => {
    const journal = await openHere();
    const [name] = (await readdir(folder)).filter((file) => file.endsWith('.ndjson'));
    const text = await new Promise<string>((resolve, reject) => {
      journal.append(started('seen'), () => void readFile(join(folder, name!), 'utf8').then(resolve, reject));
    });
    expect(text).toContain('"callId":"seen"');
  });

  it('closes what was open in a new epoch, which states where the last one ended', async () => {
    const first = await openHere();
    await written(first, started('kept open'));
    await written(first, started('closed'));
    await written(first, finished('closed'));
    await first.close();
    const second = await openHere();
    expect(second.producerId).toBe(first.producerId);
    const events = await read(second);
    const mine = events.filter(({ epoch }) => epoch === 2);
    expect(mine.map(({ type, callId }) => [type, callId])).toEqual([
      ['producer.alive', null],
      ['call.finished', 'kept open'],
    ]);
    expect(mine[0]?.data.previous).toEqual({ epoch: 1, lastSequence: 4 });
    expect(events.filter(({ epoch }) => epoch === 1).length).toBe(4);
    expect(second.state().open).toBe(0);
  });

  it('refuses a folder that a live journal holds, and takes it once that one is closed', async () => {
    const first = await openHere();
    await expect(openJournal(journalOptions(folder))).rejects.toThrow(JournalLockedError);
    await first.close();
    const second = await openHere();
    expect(second.epoch).toBe(2);
  });

  it('passes over a torn last line', async () => {
    const journal = await openHere();
    await written(journal, started('whole'));
    await journal.close();
    const name = (await readdir(folder)).find((file) => file.endsWith('.ndjson'))!;
    await appendFile(join(folder, name), '{"eventId":"torn","type":"call.st');
    const reopened = await openHere();
    const events = await read(reopened);
    expect(events.filter(({ epoch }) => epoch === 1).map(({ sequence }) => sequence)).toEqual([1, 2]);
    expect(events.find(({ epoch }) => epoch === 2)?.data.previous).toEqual({ epoch: 1, lastSequence: 2 });
  });

  for (const round of [1, 2, 3]) {
    it(`loses nothing that was written when its process is killed (round ${round})`, async () => {
      const claimed = await killWriter(folder, 150 + 60 * round);
      const journal = await openHere();
      const events = await read(journal);
      const sequences = events.filter(({ epoch }) => epoch === 1).map(({ sequence }) => sequence);
      expect(sequences).toEqual(Array.from({ length: sequences.length }, (_, i) => i + 1));
      expect(sequences.length).toBeGreaterThanOrEqual(claimed);
      expect(claimed).toBeGreaterThan(10);
      const opened = new Set(events.filter(({ type }) => type === 'call.started').map(({ callId }) => callId));
      for (const { type, callId } of events) if (type === 'call.finished') opened.delete(callId);
      expect([...opened]).toEqual([]);
    });
  }

  it('finds a dead process’s folder as an orphan, but not that of a live one or of another service', async () => {
    await killWriter(folder, 100);
    const alive = await openJournal(journalOptions(join(parent, 'alive')));
    const other = await openJournal(journalOptions(join(parent, 'other'), { service: 'providers' }));
    await other.close();
    expect(await findOrphans(parent, 'ingress')).toEqual([folder]);
    await alive.close();
  });

  it('opens a spare folder for a service while its own is being adopted', async () => {
    const adopter = await openHere();
    const { folder: _own, ...options } = journalOptions(folder);
    const spare = await openInstanceJournal(parent, options);
    expect(spare.producerId).not.toBe(adopter.producerId);
    expect((await readdir(parent)).sort()).toEqual(['ingress-0', 'ingress-0.1']);
    await spare.close();
  });

  it('deletes segments that every sink has landed, and carries what is open over', async () => {
    const journal = await openHere({ segmentBytes: 4096 });
    await written(journal, started('long call'));
    for (let i = 0; i < 50; i++) await written(journal, denied(`d${i}`, 'x'.repeat(400)));
    const before = journal.state();
    expect((await segments()).length).toBeGreaterThan(5);
    journal.release(1, before.lastSequence);
    await eventually(async () => expect((await segments()).length).toBe(1), SOON);
    expect(journal.state().bytes).toBeLessThan(before.bytes);
    expect(journal.unreleased()).toEqual([]);
    expect(await read(journal)).toEqual([]);
    await journal.close();
    const reopened = await openHere();
    const closing = (await read(reopened)).filter(({ type }) => type === 'call.finished');
    expect(closing.map(({ callId }) => callId)).toEqual(['long call']);
    const alive = (await read(reopened)).find(({ epoch }) => epoch === 2);
    expect(alive?.data.previous).toEqual({ epoch: 1, lastSequence: before.lastSequence });
  });

  it('reads from a position on, over segments, without what is released', async () => {
    const journal = await openHere({ segmentBytes: 2048 });
    for (let i = 0; i < 20; i++) await written(journal, denied(`d${i}`, 'x'.repeat(300)));
    journal.release(1, 5);
    const all = (await read(journal)).map(({ sequence }) => sequence);
    expect(all).toEqual(Array.from({ length: 16 }, (_, i) => i + 6));
    const some = (await read(journal, { epoch: 1, sequence: 15 })).map(({ sequence }) => sequence);
    expect(some).toEqual([15, 16, 17, 18, 19, 20, 21]);
    expect(journal.unreleased()).toEqual([{ epoch: 1, first: 6, last: 21 }]);
  });

  it('shows when it is over its high-water mark, and when it no longer is', async () => {
    const journal = await openHere({ segmentBytes: 2048, highWaterBytes: 6000 });
    for (let i = 0; i < 20; i++) await written(journal, denied(`d${i}`, 'x'.repeat(400)));
    expect(journal.state().overHighWater).toBe(true);
    journal.release(1, journal.state().lastSequence);
    expect(journal.state().overHighWater).toBe(false);
  });

  it('refuses events while the disk is full, keeps what has already happened, and goes on without a gap', async () => {
    // A limit on the size of files stands for the full disk: writes beyond it fail, in part or whole, until it is lifted.
    const command = `ulimit -S -f 8 && exec "$0" "$1" "$2"`;
    const child = spawn('bash', ['-c', command, process.execPath, LIMITED, folder], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    const exited = new Promise((resolve) => child.once('exit', resolve));
    let said = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => (said += text));
    const say = (state: string) => eventually(() => expect(said).toContain(state), SOON);
    await say('full');
    execFileSync('prlimit', ['--pid', String(child.pid), '--fsize=unlimited:unlimited']);
    await say('writable');
    child.stdin.end();
    await exited;
    const results = said
      .trim()
      .split('\n')
      .filter((line) => line.startsWith('{'));
    const { refused, kept } = JSON.parse(results.at(-1)!) as { refused: number; kept: number };
    expect(refused).toBeGreaterThan(0);
    const journal = await openHere({ closeOpen: () => [] });
    const events = (await read(journal)).filter(({ epoch }) => epoch === 1);
    expect(events.map(({ sequence }) => sequence)).toEqual(events.map((_, i) => i + 1));
    const count = (wanted: string) => events.filter(({ type }) => type === wanted).length;
    expect(count('call.finished')).toBe(kept);
    expect(count('call.started')).toBe(kept);
  });

  it('cuts an event that is too large for a message, and does not lose it', async () => {
    const journal = await openHere();
    const sequence = await written(journal, started('huge', 'é'.repeat(1_000_000)));
    const event = (await read(journal)).at(-1);
    expect(event?.sequence).toBe(sequence);
    expect(JSON.stringify(event).length).toBeLessThan(900 * 1024);
    expect(event?.data).toMatchObject({
      callId: 'huge',
      padding: expect.stringContaining('cut from 1000000 characters'),
    });
  });

  it('deletes its folder only when nothing is left to land', async () => {
    const journal = await openHere();
    await expect(journal.remove()).rejects.toThrow('not released');
    journal.release(1, 1);
    await journal.remove();
    expect(await readdir(parent)).toEqual([]);
    open.length = 0;
  });

  async function segments(): Promise<string[]> {
    return (await readdir(folder)).filter((file) => file.endsWith('.ndjson'));
  }
});

/** Runs a writer, kills it -9 after it has said `claims` sequences, and returns the highest it had said were written. */
async function killWriter(folder: string, claims: number): Promise<number> {
  const child = spawn(process.execPath, [WRITER, folder], { stdio: ['ignore', 'pipe', 'inherit'] });
  let said = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (said += text));
  const exited = new Promise((resolve) => child.once('exit', resolve));
  await eventually(() => expect(said.split('\n').length).toBeGreaterThan(claims), SOON);
  child.kill('SIGKILL');
  await exited;
  const lines = said.split('\n').slice(1, -1).map(Number);
  return Math.max(...lines);
}
