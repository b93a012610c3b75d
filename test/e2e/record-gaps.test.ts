import { execFile } from 'node:child_process';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { uuidv7 } from '@weir/contracts';
import { eventually, startStack, type RunningStack } from '@weir/testing';
import { expect } from 'expect';
import { query } from './record-kit.js';
import { publishLines } from './record-stranger.js';

const WEIR = fileURLToPath(new URL('../../../cli/bin/weir.mjs', import.meta.url));
const WITHIN = { timeoutMs: 90_000, everyMs: 500 };

const run = (...commandArguments: string[]): Promise<string> =>
  new Promise((resolve) => {
    execFile(process.execPath, [WEIR, ...commandArguments], (_error, stdout, stderr) => resolve(stdout + stderr));
  });

/** A producer whose journal is lost: what it has recorded and not sent can never come. */
describe('a producer whose journal was deleted', () => {
  let stack: RunningStack;
  const producerId = uuidv7();
  const alive = (epoch: number, sequence: number, previous: object | null): string =>
    JSON.stringify({
      eventId: uuidv7(),
      type: 'producer.alive',
      version: 1,
      time: Date.now(),
      producerId,
      epoch,
      sequence,
      organisationId: null,
      callId: null,
      traceparent: null,
      data: { service: 'ingress', instance: 'lost', lastSequence: sequence - 1, open: 0, previous },
    });
  const found = (): Promise<Record<string, unknown>[]> =>
    query(
      stack.connection,
      `SELECT kind, epoch, first, last, events, found_at > now() - INTERVAL 1 HOUR AS recent, closed_at IS NOT NULL AS closed
       FROM security_events WHERE producer = '${producerId}' ORDER BY epoch, first`,
    );
  const gap = { kind: 'sequence_gap', epoch: '1', first: '2', last: '3', events: '2', recent: 1, closed: 0 };
  const tail = { ...gap, kind: 'tail_gap', first: '6', last: '9', events: '4' };

  before(async () => {
    stack = await startStack({ environment: { WEIR_TIME_SCALE: '0.1' } });
  });
  after(() => stack.stop());

  it('leaves a gap that becomes a security event naming the producer and the range', async () => {
    // The lines of one message follow each other.
    await publishLines(stack.connection, producerId, [alive(1, 1, null)]);
    await publishLines(stack.connection, producerId, [alive(1, 4, null), alive(1, 5, null)]);
    await eventually(async () => expect(await found()).toEqual([gap]), WITHIN);
  });

  it('leaves a gap at its tail, which the next epoch tells', async () => {
    await publishLines(stack.connection, producerId, [alive(2, 1, { epoch: 1, lastSequence: 9 })]);
    await eventually(async () => expect(await found()).toEqual([gap, tail]), WITHIN);
  });

  it('is named by status and by verify, which also finds the record incomplete', async () => {
    const named = `security event tail_gap: events 6 to 9 of producer ${producerId}, epoch 1, are missing`;
    expect(await run('status', '--home', stack.home)).toContain(named);
    const report = await run('audit', 'verify', '--settle', '2', '--home', stack.home);
    expect(report).toContain(named);
    expect(report).toMatch(/FAULT sequence_missing/);
  });

  it('closes a gap when its events come after all, and finds none twice after a restart', async () => {
    const pid = stack.kill('audit');
    await publishLines(stack.connection, producerId, [alive(1, 2, null), alive(1, 3, null)]);
    await stack.waitForRestart('audit', pid);
    await eventually(async () => expect(await found()).toEqual([{ ...gap, closed: 1 }, tail]), WITHIN);
  });
});
