import { after, before, describe, it } from 'node:test';
import { eventually, startStack, type RunningStack } from '@weir/testing';
import { expect } from 'expect';
import { chat, idOf, send } from './ingress-client.js';
import { agreesWithInvoice, haveLanded, isWhole } from './record-kit.js';

/** What is killed under load, one after the other, and whether calls must go on meanwhile. */
const VICTIMS = [
  { name: 'audit', callsGoOn: true },
  { name: 'billing', callsGoOn: true },
  { name: 'clickhouse', callsGoOn: true },
  { name: 'postgres', callsGoOn: true },
  { name: 'nats', callsGoOn: false },
] as const;
/** A call this often, at most so many at a time. */
const CALL_EVERY_MS = 10;
const CALLS_AT_ONCE = 4;
/** Calls that must have succeeded before a kill, and again after it. */
const CALLS_ON_EACH_SIDE = 50;

interface CallAnswer {
  readonly id: string;
  readonly status: number;
  /** The error's text where it was refused. */
  readonly error: string | null;
}

describe('the record', () => {
  let stack: RunningStack;
  before(async () => {
    stack = await startStack({ environment: { WEIR_TIME_SCALE: '0.2' } });
  });
  after(() => stack.stop());

  /** Calls at a steady rate for as long as `work` runs; returns every answer. A call without an answer fails it. */
  async function callDuring(work: (answers: readonly CallAnswer[]) => Promise<void>): Promise<CallAnswer[]> {
    const answers: CallAnswer[] = [];
    const failures: unknown[] = [];
    const open = new Set<Promise<unknown>>();
    const call = async (): Promise<void> => {
      const answer = await send(stack.connection, { path: '/v1/chat/completions', body: chat('hello') });
      answers.push({ id: idOf(answer), status: answer.status, error: answer.status === 200 ? null : answer.text });
    };
    const timer = setInterval(() => {
      if (open.size >= CALLS_AT_ONCE) return;
      const running = call()
        .catch((error: unknown) => failures.push(error))
        .finally(() => open.delete(running));
      open.add(running);
    }, CALL_EVERY_MS);
    try {
      await work(answers);
    } finally {
      clearInterval(timer);
      await Promise.all(open);
    }
    expect(failures).toEqual([]);
    return answers;
  }

  /** Waits until so many more calls have succeeded. */
  async function goesOn(answers: readonly CallAnswer[]): Promise<void> {
    const succeeded = (): number => answers.filter((answer) => answer.status === 200).length;
    const wanted = succeeded() + CALLS_ON_EACH_SIDE;
    await eventually(() => expect(succeeded()).toBeGreaterThanOrEqual(wanted), { timeoutMs: 60_000 });
  }

  for (const { name, callsGoOn } of VICTIMS) {
    it(`is whole after a kill of ${name} under load${callsGoOn ? ', which no client noticed' : ''}`, async () => {
      const answers = await callDuring(async (soFar) => {
        await goesOn(soFar);
        const pid = stack.kill(name);
        await stack.waitForRestart(name, pid, 60_000);
        await goesOn(soFar);
      });
      const refused = answers.filter((answer) => answer.status !== 200);
      if (callsGoOn) expect(refused).toEqual([]);
      await haveLanded(
        stack.connection,
        answers.filter((answer) => answer.status === 200).map((answer) => answer.id),
        90_000,
      );
      await isWhole(stack.connection);
      await agreesWithInvoice(stack.connection);
    });
  }
});
