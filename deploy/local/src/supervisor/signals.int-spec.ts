import { afterEach, beforeEach, describe, it } from 'node:test';
import { eventually } from '@weir/testing';
import { expect } from 'expect';
import { isAlive } from '../adapters/process-identity.js';
import {
  listProcesses,
  makeStubFiles,
  startStubStack,
  untilGone,
  type StubStack,
  type StubStackFiles,
} from './stub-stack.fixture.js';

/** The stand-in for ingress streams for two seconds; everything after it is quick. */
const GONE_MS = 20_000;
const WHOLE_STREAM = Array.from({ length: 20 }, (_, i) => `chunk ${i}\n`).join('');

describe('however the stack is told to end, it drains in order and leaves nothing behind', () => {
  let files: StubStackFiles;
  let stack: StubStack;

  beforeEach(async () => {
    files = await makeStubFiles();
  });

  afterEach(() => {
    for (const identity of listLeft(stack)) process.kill(identity.pid, 'SIGKILL');
    files.remove();
  });

  /** Opens a stream through ingress; resolves when it has begun, `whole` when it has ended. */
  async function begin(): Promise<{ whole: Promise<string> }> {
    const response = await fetch(`http://127.0.0.1:${stack.port}/stream`);
    return { whole: response.text() };
  }

  function expectOrder(): void {
    const order = stack.drained().map((id) => id.replace(/-0$/, ''));
    expect(order[0]).toBe('ingress');
    expect(order.slice(1, 3).sort()).toEqual(['providers', 'router']);
    expect(order.slice(3, 5).sort()).toEqual(['audit', 'billing']);
    expect(order[5]).toBe('control');
  }

  it('by Ctrl-C in a terminal, which reaches the whole process group', async () => {
    stack = await startStubStack(files);
    const processes = listProcesses(stack);
    const text = await begin();
    process.kill(-(stack.child.pid ?? 0), 'SIGINT');
    expect(await text.whole).toBe(WHOLE_STREAM);
    await untilGone(processes, GONE_MS);
    expectOrder();
  });

  it('by SIGTERM to npm alone', async () => {
    stack = await startStubStack(files);
    const processes = listProcesses(stack);
    const text = await begin();
    process.kill(stack.child.pid ?? 0, 'SIGTERM');
    expect(await text.whole).toBe(WHOLE_STREAM);
    await untilGone(processes, GONE_MS);
    expectOrder();
  });

  it('by SIGKILL of npm', async () => {
    stack = await startStubStack(files);
    const processes = listProcesses(stack);
    const text = await begin();
    process.kill(stack.child.pid ?? 0, 'SIGKILL');
    expect(await text.whole).toBe(WHOLE_STREAM);
    await untilGone(processes, GONE_MS);
    expectOrder();
  });

  it('by SIGKILL of the process in the foreground', async () => {
    stack = await startStubStack(files, 'node');
    const processes = listProcesses(stack);
    const text = await begin();
    process.kill(stack.child.pid ?? 0, 'SIGKILL');
    expect(await text.whole).toBe(WHOLE_STREAM);
    await untilGone(processes, GONE_MS);
    expectOrder();
  });

  it('by SIGKILL of the supervisor: the services drain by themselves, and the process in the foreground ends the rest', async () => {
    stack = await startStubStack(files, 'node');
    const processes = listProcesses(stack);
    const text = await begin();
    process.kill(stack.record().supervisor?.pid ?? 0, 'SIGKILL');
    expect(await text.whole).toBe(WHOLE_STREAM);
    await untilGone(processes, GONE_MS);
    expect(stack.drained()).toHaveLength(6);
    expect(stack.output()).toMatch(/the supervisor was ended by SIGKILL/);
  });

  it('by a second Ctrl-C, which does not wait for streams', async () => {
    stack = await startStubStack(files, 'node');
    const processes = listProcesses(stack);
    const text = await begin();
    const startedAt = performance.now();
    process.kill(stack.child.pid ?? 0, 'SIGINT');
    // Within a second two of them are one: npm passes on what the terminal has delivered already.
    await eventually(() => expect(performance.now() - startedAt).toBeGreaterThan(1_100), { timeoutMs: 5_000 });
    process.kill(stack.child.pid ?? 0, 'SIGINT');
    const [seen] = await Promise.allSettled([text.whole]);
    expect(seen).not.toEqual({ status: 'fulfilled', value: WHOLE_STREAM });
    await untilGone(processes, GONE_MS);
  });

  it('by SIGKILL of the process in the foreground, with the next start already waiting', async () => {
    stack = await startStubStack(files, 'node');
    const processes = listProcesses(stack);
    const text = await begin();
    process.kill(stack.child.pid ?? 0, 'SIGKILL');
    stack = await startStubStack(files, 'node');
    expect(await text.whole).toBe(WHOLE_STREAM);
    expect(processes.filter(isAlive)).toEqual([]);
    expect(stack.output()).toMatch(/the last run is still draining; waiting for it/);
    const again = listProcesses(stack);
    process.kill(stack.child.pid ?? 0, 'SIGINT');
    await untilGone(again, GONE_MS);
  });

  it('by SIGKILL of everything that watches: no stream is cut, and the next start ends the survivors', async () => {
    stack = await startStubStack(files, 'node');
    const processes = listProcesses(stack);
    const text = await begin();
    const { supervisor, launcher } = stack.record();
    process.kill(launcher?.pid ?? 0, 'SIGKILL');
    process.kill(supervisor?.pid ?? 0, 'SIGKILL');
    expect(await text.whole).toBe(WHOLE_STREAM);
    const databases = stack.record().processes.filter((one) => one.name === 'postgres' || one.name === 'nats');
    expect(databases.filter(isAlive)).toHaveLength(2);
    stack = await startStubStack(files, 'node');
    expect(processes.filter(isAlive)).toEqual([]);
    expect(stack.output()).toMatch(/ending what the last run left behind/);
    const again = listProcesses(stack);
    process.kill(stack.child.pid ?? 0, 'SIGINT');
    await untilGone(again, GONE_MS);
  });
});

function listLeft(stack: StubStack) {
  try {
    return listProcesses(stack).filter(isAlive);
  } catch {
    // No record: it ended in order.
    return [];
  }
}
