import { describe, it } from 'node:test';
import { scaleTiming, subjects } from '@weir/contracts';
import { eventually } from '@weir/testing';
import { expect } from 'expect';
import { Broker } from '../broker.fixture.js';
import { callDraft, CallRecorder, headFrame } from './call.fixture.js';
import { CallChannel } from './call-channel.js';
import { splitCalls } from './call-message.js';
import { CallReply } from './call-reply.js';
import { failFrame } from './frame-contents.js';
import { WorkerControlServer } from './worker-control-server.js';

const TIMING = scaleTiming(0.1);
const BODY = Buffer.from('{"model":"m"}');
const SOON = { timeoutMs: 5_000, everyMs: 5 };
const REGION = 'local';

describe('CallChannel without its broker', () => {
  it('refuses calls at once while disconnected, and goes on when the broker is back', async () => {
    const broker = await Broker.start();
    try {
      const ingress = await broker.connect('ingress');
      const router = await broker.connect('router');
      const channel = new CallChannel({ connection: ingress, ingressId: 'ingress-1', timing: TIMING, clock: Date });
      await broker.kill();
      await eventually(() => expect(ingress.isConnected).toBe(false), SOON);
      const refused = new CallRecorder();
      channel.start(callDraft(), BODY, refused);
      await eventually(() => expect(refused.told).toEqual(['fail:bus_unavailable']), SOON);
      expect(refused.failed?.usageSource).toBe('none');
      router.subscribe(subjects.route(REGION), (message) => {
        const reply = new CallReply(router, message.replyTo, 1);
        reply.fail(failFrame('upstream_error', null));
      });
      await broker.run();
      await eventually(() => expect(ingress.isConnected && router.isConnected).toBe(true), SOON);
      const answered = new CallRecorder();
      channel.start(callDraft(), BODY, answered);
      await eventually(() => expect(answered.told).toEqual(['fail:upstream_error']), SOON);
      channel.close();
    } finally {
      await broker.stop();
    }
  });

  it('never routes a call again that a lost broker may have handed to a worker: it is lost, or its worker is stopped', async () => {
    const broker = await Broker.start();
    try {
      const ingress = await broker.connect('ingress');
      const providers = await broker.connect('providers');
      const channel = new CallChannel({ connection: ingress, ingressId: 'ingress-2', timing: TIMING, clock: Date });
      const control = new WorkerControlServer({ connection: providers, workerId: 'worker-2', timing: TIMING });
      const taken: CallReply[] = [];
      const router = await broker.connect('router');
      router.subscribe(subjects.route(REGION), (message) => {
        splitCalls(message, (replyTo) => taken.push(new CallReply(providers, replyTo, 1)));
      });
      await router.roundTrip();
      const silent = new CallRecorder();
      const running = new CallRecorder();
      channel.start(callDraft(), BODY, silent);
      const draft = callDraft();
      channel.start(draft, BODY, running);
      const cancelled: string[] = [];
      control.register(draft.callId, 'ingress-2', {
        onCredit: () => undefined,
        onCancel: (reason) => cancelled.push(reason),
        onIngressLost: () => cancelled.push('ingress lost'),
      });
      await eventually(() => expect(taken.length).toBe(2), SOON);
      await broker.kill();
      // What the worker says now is lost with the broker.
      await eventually(
        () => expect([ingress, providers, router].map((one) => one.isConnected)).toEqual([false, false, false]),
        SOON,
      );
      taken[1]!.accept({ control: control.control });
      await broker.run();
      await eventually(
        () => expect([ingress, providers, router].map((one) => one.isConnected)).toEqual([true, true, true]),
        SOON,
      );
      taken[1]!.head(headFrame(control.control));
      await eventually(() => expect(cancelled).toContain('gap'), SOON);
      taken[1]!.fail(failFrame('client_gone', null));
      await eventually(() => expect(running.told).toEqual(['fail:sequence_gap']), SOON);
      await eventually(() => expect(silent.told).toEqual(['lost']), SOON);
      expect(taken.length).toBe(2);
      channel.close();
      control.close();
    } finally {
      await broker.stop();
    }
  });
});
