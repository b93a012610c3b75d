import { setTimeout as sleep } from 'node:timers/promises';
import { after, before, describe, it } from 'node:test';
import { startStack, type RunningStack } from '@weir/testing';
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
const LOAD_MS = 3_000;

describe('the record', () => {
  let stack: RunningStack;
  before(async () => {
    stack = await startStack({ environment: { WEIR_TIME_SCALE: '0.2' } });
  });
  after(() => stack.stop());

  /** Calls one after the other in four lanes, until told to stop. */
  async function load(signal: AbortSignal): Promise<{ id: string; status: number }[]> {
    const answers: { id: string; status: number }[] = [];
    const lane = async (): Promise<void> => {
      while (!signal.aborted) {
        const answer = await send(stack.connection, { path: '/v1/chat/completions', body: chat('hello') });
        answers.push({ id: idOf(answer), status: answer.status });
        await sleep(10);
      }
    };
    await Promise.all([lane(), lane(), lane(), lane()]);
    return answers;
  }

  for (const { name, callsGoOn } of VICTIMS) {
    it(`is whole after a kill of ${name} under load${callsGoOn ? ', which no client noticed' : ''}`, async () => {
      const stop = new AbortController();
      const loading = load(stop.signal);
      await sleep(LOAD_MS / 3);
      const pid = stack.kill(name);
      await stack.waitForRestart(name, pid, 60_000);
      await sleep(LOAD_MS / 3);
      stop.abort();
      const answers = await loading;
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
