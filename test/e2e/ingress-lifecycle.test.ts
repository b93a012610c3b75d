import { connect } from 'node:net';
import { after, before, describe, it } from 'node:test';
import { EVENT_PARTITIONS, eventStreamName } from '@weir/contracts';
import { eventually, startStack, type Connection, type RunningStack } from '@weir/testing';
import { expect } from 'expect';
import {
  RawClient,
  callIdOf,
  chat,
  expectAnthropicError,
  expectOpenAiError,
  expectStillServing,
  idOf,
  message,
  openChat,
  openMessage,
  rawRequest,
  recordOf,
  send,
  warmUp,
  type Answer,
} from './ingress-client.js';

/** A sink that was stopped lands its backlog, with what producers sent again meanwhile, before anything new: minutes where two cores are shared. */
const RECOVERS_WITHIN_MS = 180_000;

/** Small, so that a test can fill a journal. */
const JOURNAL = { WEIR_JOURNAL_HIGH_WATER_BYTES: String(256 * 1024), WEIR_JOURNAL_SEGMENT_BYTES: String(32 * 1024) };
let stack: RunningStack;
let connection: Connection;

before(async () => {
  stack = await startStack({
    environment: { WEIR_TIME_SCALE: '0.1', ...JOURNAL },
  });
  ({ connection } = stack);
  await warmUp(connection);
});
after(() => stack.stop());

async function restarted(previousPid: number): Promise<void> {
  await stack.waitForRestart('ingress', previousPid);
  await warmUp(connection);
}

describe('an ingress that is told to stop', () => {
  it('lets nobody in, ends what can end, and tells the rest in their dialect', async () => {
    // At a tenth of the protocol's times a drain lasts 3 s.
    const short = await openChat(connection, 'chunks=100 delayMs=10');
    const long = await openChat(connection, 'chunks=2000 delayMs=10');
    const longMessage = await openMessage(connection, 'chunks=2000 delayMs=10');
    const idle = await RawClient.open(connection);
    idle.write(rawRequest(connection, ['GET /v1/models HTTP/1.1', 'Host: x']));
    await idle.until('sim-openai');
    for (const client of [short, long, longMessage]) await client.until('data: ');
    const pid = stack.kill('ingress', 'SIGTERM');
    await idle.untilClosed();
    await expect(RawClient.open(connection)).rejects.toThrow(/ECONNREFUSED/);
    await short.until('data: [DONE]');
    await long.untilClosed();
    await longMessage.untilClosed();
    expect(long.body).toMatch(/\n\ndata: \{"error":\{.*"code":"draining"\}\}\n\n$/);
    expect(longMessage.body).toMatch(/\n\nevent: error\ndata: \{"type":"error","error":\{"type":"api_error",.*\}\n\n$/);
    await restarted(pid);
    expect(await recordOf(connection, callIdOf(short))).toMatchObject({
      status: 200,
      error_code: null,
      reconstructed: false,
    });
    for (const client of [long, longMessage]) {
      const row = await recordOf(connection, callIdOf(client));
      expect(row).toMatchObject({ status: 200, error_code: 'draining', attempts: 1, reconstructed: false });
      expect(Number(row.cost)).toBeGreaterThan(0);
    }
  });
});

describe('an ingress that nobody needs any more', () => {
  it('ends at once, also with connections on which no request was ever sent', async () => {
    const reserve = await Promise.all([RawClient.open(connection), RawClient.open(connection)]);
    await expectStillServing(connection);
    const pid = stack.kill('ingress', 'SIGTERM');
    const killedAt = performance.now();
    for (const client of reserve) await client.untilClosed();
    // A drain at this scale may take 3 s; waiting for these clients would take kit's whole 35 s.
    expect(performance.now() - killedAt).toBeLessThan(3_000);
    await restarted(pid);
  });
});

describe('an ingress that is killed', () => {
  it('leaves calls that its successor records, bounded in cost, and upstreams that close', async () => {
    const client = await openChat(connection, 'chunks=5000 delayMs=10');
    await client.until('data: ');
    const pid = stack.kill('ingress');
    await client.untilClosed();
    await eventually(
      async () => {
        const stats = (await (await fetch(new URL('/stats', connection.simulator.url))).json()) as {
          openRequests: number;
        };
        expect(stats.openRequests).toBe(0);
      },
      { timeoutMs: 5_000 },
    );
    await restarted(pid);
    const row = await recordOf(connection, callIdOf(client));
    expect(row).toMatchObject({
      status: 502,
      error_code: 'ingress_lost',
      usage_source: 'bounded',
      reconstructed: true,
    });
    expect(Number(row.cost)).toBeGreaterThan(0);
  });
});

describe('a lost message bus', () => {
  it('is a typed 503 at once, and over when the bus is back', async () => {
    const pid = stack.kill('nats', 'SIGSTOP');
    // A broker that hangs is noticed by the channel: nobody takes the call.
    try {
      const hanging = await send(connection, { path: '/v1/chat/completions', body: chat('hello') });
      expect(hanging.status).toBe(503);
    } finally {
      process.kill(pid, 'SIGCONT');
    }
    await warmUp(connection);
    const killed = stack.kill('nats');
    // A call that was under way when the bus died may have been taken: it is lost, and only later. So nobody waits for one before the next.
    let refused: Answer | undefined;
    const calls: Promise<void>[] = [];
    await eventually(
      () => {
        const call = send(connection, { path: '/v1/messages', body: message('hello') });
        const keep = (answer: Answer): void => {
          if (answer.status === 503) refused ??= answer;
        };
        calls.push(call.then(keep));
        if (refused === undefined) throw new Error('nothing is refused yet');
      },
      { timeoutMs: 10_000 },
    );
    await Promise.all(calls);
    if (refused === undefined) throw new Error('nothing was refused');
    expectAnthropicError(refused, { status: 503, code: 'bus_unavailable', anthropicType: 'api_error' });
    expect(refused.headers['x-should-retry']).toBe('true');
    await stack.waitForRestart('nats', killed);
    await warmUp(connection);
    const row = await recordOf(connection, idOf(refused), 60_000);
    expect(row).toMatchObject({ status: 503, provider: null });
  });
});

describe('a record that cannot be kept', () => {
  it('admits no call while the journal is full, and calls again when it has landed', async () => {
    const paused = stack.kill('audit', 'SIGSTOP');
    try {
      const full = await eventually(
        async () => {
          const answers = await Promise.all(
            Array.from({ length: 50 }, () => send(connection, { path: '/v1/unknown', body: '{}' })),
          );
          expect(answers.every((answer) => answer.status >= 400)).toBe(true);
          const answer = await send(connection, { path: '/v1/chat/completions', body: chat('hello') });
          expect(answer.text).toContain('audit_unavailable');
          return answer;
        },
        { timeoutMs: 60_000 },
      );
      expectOpenAiError(full, { status: 503, code: 'audit_unavailable', openaiType: 'server_error' });
    } finally {
      process.kill(paused, 'SIGCONT');
    }
    await eventually(() => expectStillServing(connection), { timeoutMs: RECOVERS_WITHIN_MS });
  });
});

/** Deletes the streams of events, as a lost disk would. */
async function wipeEventStreams(): Promise<void> {
  const { hostname, port, username, password } = new URL(connection.nats.url);
  const socket = connect(Number(port), hostname);
  let heard = '';
  socket.on('data', (bytes: Buffer) => (heard += bytes.toString('utf8')));
  const login = { user: decodeURIComponent(username), pass: decodeURIComponent(password), verbose: false };
  const requests = Array.from({ length: EVENT_PARTITIONS }, (_, partition) => {
    return `PUB $JS.API.STREAM.DELETE.${eventStreamName(partition)} _INBOX.wiped 0\r\n\r\n`;
  });
  socket.write(`CONNECT ${JSON.stringify(login)}\r\nSUB _INBOX.wiped 1\r\n${requests.join('')}`);
  await eventually(() => expect(heard.match(/"success":\s?true/g)).toHaveLength(EVENT_PARTITIONS), {
    timeoutMs: 5_000,
  });
  socket.destroy();
}

describe('a call whose beginning is not acknowledged', () => {
  it('gives its client nothing of the answer, stops its upstream, and lands when there is a stream again', async () => {
    const sinks = [stack.kill('audit', 'SIGSTOP'), stack.kill('billing', 'SIGSTOP')];
    let refused;
    try {
      await wipeEventStreams();
      refused = await send(connection, {
        path: '/v1/chat/completions',
        body: chat('[[sim chunks=1000 delayMs=10]]', { stream: true }),
      });
    } finally {
      for (const pid of sinks) process.kill(pid, 'SIGCONT');
    }
    expectOpenAiError(refused, { status: 503, code: 'audit_unavailable', openaiType: 'server_error' });
    await warmUp(connection);
    const row = await recordOf(connection, idOf(refused), RECOVERS_WITHIN_MS);
    expect(row).toMatchObject({ state: 'finished', status: 503, error_code: 'audit_unavailable', attempts: 1 });
    expect(Number(row.cost)).toBeGreaterThan(0);
  });
});
