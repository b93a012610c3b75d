import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { eventually, startStack, type RunningStack } from '@weir/testing';
import { expect } from 'expect';
import { runBlock, type Ended } from './guide-shell.fixture.js';
import { chat, idOf, message, send } from './ingress-client.js';
import { haveLanded, isWhole, query, readQueries } from './record-kit.js';

const GUIDE = 'operating-the-record.md';
const TEXT = readFileSync(fileURLToPath(new URL(`../../../docs/guides/${GUIDE}`, import.meta.url)), 'utf8');
/** The shell blocks of the guide, in their order. */
const BLOCKS = [...TEXT.matchAll(/^```sh\n(.*?)^```/gms)].map((match) => match[1] ?? '');

describe('the guide to the record', () => {
  const folder = mkdtempSync(join(tmpdir(), 'weir-record-guide-'));
  const home = join(folder, 'home');
  const restored = join(folder, 'restored');
  const postgresFolders: string[] = [];
  let stack: RunningStack;
  let eventId = '';
  const run = (index: number): Promise<Ended> =>
    runBlock(BLOCKS[index] ?? 'exit 99', {
      folder,
      variables: { WEIR_HOME: home, RESTORED: restored, EVENT_ID: eventId },
    });
  const succeeds = async (index: number): Promise<string> => {
    const { code, output } = await run(index);
    expect({ block: BLOCKS[index], output, code }).toMatchObject({ code: 0 });
    return output;
  };

  const begin = async (place: string): Promise<void> => {
    stack = await startStack({ home: place, environment: { WEIR_TIME_SCALE: '0.2' } });
    postgresFolders.push(stack.connection.internal.postgresFolder ?? '');
  };

  before(async () => {
    await begin(home);
    const { connection } = stack;
    const answers = [
      await send(connection, { path: '/v1/chat/completions', body: chat('hello') }),
      await send(connection, { path: '/v1/messages', body: message('[[sim chunks=20]]', { stream: true }) }),
    ];
    await haveLanded(connection, answers.map(idOf));
    const [event] = await query<{ event_id: string }>(
      connection,
      `SELECT event_id FROM events WHERE type = 'call.finished' LIMIT 1`,
    );
    eventId = event?.event_id ?? '';
  });
  after(async () => {
    await stack.stop();
    for (const place of [...postgresFolders, folder]) if (place !== '') rmSync(place, { recursive: true, force: true });
  });

  it('tells that the record is whole, to whoever asks', async () => {
    expect(BLOCKS).toHaveLength(10);
    expect(await succeeds(0)).toContain('The record is whole and unaltered');
    await succeeds(1);
    // The proof needs a checkpoint that covers the event.
    await eventually(() => succeeds(2), { timeoutMs: 90_000, everyMs: 1_000 });
  });

  it('rotates the key, which the log itself states, and verify checks', async () => {
    await succeeds(7);
    await eventually(async () => expect((await run(1)).code).toBe(0), { timeoutMs: 60_000, everyMs: 1_000 });
    const stated = await query<{ leaf: string }>(
      stack.connection,
      `SELECT leaf FROM events WHERE type = 'log.key-rotated'`,
    );
    expect(stated).toHaveLength(1);
  });

  it('shows gaps and dead letters, of which there are none', async () => {
    for (const sql of readQueries(GUIDE)) expect(await query(stack.connection, sql)).toEqual([]);
    expect(await succeeds(8)).toContain('There are no dead letters.');
    await succeeds(9);
  });

  it('is backed up, restored into another home, and whole there', async () => {
    await succeeds(3);
    await stack.stop();
    await succeeds(4);
    await succeeds(5);
    await begin(restored);
    expect(await succeeds(6)).toContain('The record is whole and unaltered');
    const answer = await send(stack.connection, { path: '/v1/chat/completions', body: chat('hello again') });
    expect(answer.status).toBe(200);
    await haveLanded(stack.connection, [idOf(answer)]);
    await isWhole(stack.connection);
    expect(await succeeds(6)).toContain('The record is whole and unaltered');
  });
});
