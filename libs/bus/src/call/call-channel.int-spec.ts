import { after, afterEach, before, beforeEach, describe, it } from 'node:test';
import { randomBytes } from 'node:crypto';
import {
  CALL_SIZES,
  FRAME,
  queueGroups,
  scaleTiming,
  subjects,
  type CallEnvelopeV1,
  type FrameType,
} from '@weir/contracts';
import { eventually } from '@weir/testing';
import { expect } from 'expect';
import { Broker } from '../broker.fixture.js';
import type { BusConnection } from '../connection/bus-connection.js';
import { callDraft, CallRecorder, endFrame, headFrame } from './call.fixture.js';
import { CallChannel } from './call-channel.js';
import { decodeCall, nextAttempt, splitCalls } from './call-message.js';
import { CallReply } from './call-reply.js';
import { encodeFrame, encodeJsonFrame } from './frame-codec.js';
import { failFrame } from './frame-contents.js';
import { pullBody } from './pull-body.js';
import { WorkerControlServer } from './worker-control-server.js';

const TIMING = scaleTiming(0.1);
const BODY = Buffer.from('{"model":"m"}');
const SOON = { timeoutMs: 5_000, everyMs: 5 };
const REGION = 'local';

/** A worker that takes calls straight from the route, and does with each what the test says. */
interface TakenCall {
  readonly envelope: CallEnvelopeV1;
  readonly body: Buffer;
  readonly reply: CallReply;
}

describe('CallChannel over a real broker', () => {
  let broker: Broker;
  let ingress: BusConnection;
  let router: BusConnection;
  let providers: BusConnection;
  let channel: CallChannel;
  let control: WorkerControlServer;
  let stopTaking: () => void;

  before(async () => {
    broker = await Broker.start();
    ingress = await broker.connect('ingress');
    router = await broker.connect('router');
    providers = await broker.connect('providers');
  });
  after(() => broker.stop());
  beforeEach(() => {
    broker.errors.length = 0;
    stopTaking = () => undefined;
    channel = new CallChannel({ connection: ingress, ingressId: 'ingress-0', timing: TIMING, clock: Date });
    control = new WorkerControlServer({ connection: providers, workerId: 'worker-0', timing: TIMING });
  });
  afterEach(() => {
    stopTaking();
    channel.close();
    control.close();
    expect(broker.errors).toEqual([]);
  });

  async function take(onCall: (call: TakenCall) => void): Promise<TakenCall[]> {
    const taken: TakenCall[] = [];
    const subscription = router.subscribe(
      subjects.route(REGION),
      (message) => {
        splitCalls(message, (replyTo, data) => {
          const { envelope, body } = decodeCall(data);
          const call = { envelope, body, reply: new CallReply(providers, replyTo, nextAttempt(envelope)) };
          taken.push(call);
          onCall(call);
        });
      },
      { queue: queueGroups.router },
    );
    stopTaking = () => subscription.unsubscribe();
    await router.roundTrip();
    return taken;
  }

  const start = (recorder: CallRecorder, body: Uint8Array = BODY) => channel.start(callDraft(), body, recorder);

  it('delivers a stream of 200 chunks in order and whole', async () => {
    const words = Array.from({ length: 200 }, (_, i) => `chunk ${i};`);
    await take(({ reply }) => {
      reply.head(headFrame(control.control));
      let next = 0;
      const send = () => {
        for (let burst = 0; burst < 5; burst++) reply.data(Buffer.from(words[next++]!));
        if (next < words.length) setTimeout(send, 1);
        else reply.end(endFrame(reply.bytesSent));
      };
      send();
    });
    const recorder = new CallRecorder();
    start(recorder);
    await eventually(() => expect(recorder.told).toEqual(['accepted', 'head', 'data', 'end']), SOON);
    expect(recorder.text).toBe(words.join(''));
    expect(recorder.ended?.bytes).toBe(recorder.bytes);
    expect(channel.openCalls).toBe(0);
  });

  it('delivers an answer that is not streamed as one frame', async () => {
    const taken = await take(({ reply, body }) => {
      reply.accept({ control: control.control });
      reply.whole({ head: headFrame(control.control), end: endFrame(body.length) }, body);
    });
    const recorder = new CallRecorder();
    start(recorder);
    await eventually(() => expect(recorder.told).toEqual(['accepted', 'whole']), SOON);
    expect(recorder.wholeBody?.equals(BODY)).toBe(true);
    expect(taken[0]?.envelope.body).toEqual({ kind: 'inline', bytes: BODY.length });
  });

  it('says at once that nobody listens', async () => {
    const recorder = new CallRecorder();
    const startedAt = performance.now();
    start(recorder);
    await eventually(() => expect(recorder.told).toEqual(['noResponders']), SOON);
    expect(performance.now() - startedAt).toBeLessThan(TIMING.dispatchWithinMs);
    expect(channel.openCalls).toBe(0);
  });

  it('tells every call of a turn that nobody listens', async () => {
    const recorders = Array.from({ length: 40 }, () => new CallRecorder());
    for (const recorder of recorders) start(recorder);
    const big = new CallRecorder();
    start(big, Buffer.alloc(100_000));
    await eventually(() => {
      for (const recorder of [...recorders, big]) expect(recorder.told).toEqual(['noResponders']);
    }, SOON);
    expect(channel.openCalls).toBe(0);
  });

  it('carries the calls of a turn, and the frames of a turn, in few messages, each to its own call and in order', async () => {
    const seen = { calls: 0, frames: 0 };
    const observer = await broker.connect('admin');
    observer.subscribe(subjects.any('route'), () => (seen.calls += 1));
    observer.subscribe(subjects.any('inbox'), () => (seen.frames += 1));
    await observer.roundTrip();
    const waiting: TakenCall[] = [];
    await take((call) => {
      waiting.push(call);
      if (waiting.length < 32) return;
      for (const { reply, body } of waiting) {
        reply.accept({ control: control.control });
        reply.head(headFrame(control.control));
        reply.data(body);
        reply.end(endFrame(body.length));
      }
    });
    const calls = Array.from({ length: 32 }, (_, i) => ({ body: `call ${i}`, recorder: new CallRecorder() }));
    for (const { body, recorder } of calls) start(recorder, Buffer.from(body));
    await eventually(() => {
      for (const { recorder } of calls) expect(recorder.told).toEqual(['accepted', 'head', 'data', 'end']);
    }, SOON);
    for (const { body, recorder } of calls) expect(recorder.text).toBe(body);
    await observer.roundTrip();
    expect(seen).toEqual({ calls: 2, frames: 1 });
  });

  it('takes up a later attempt where the first failed before its head', async () => {
    await take(({ envelope, reply }) => {
      reply.accept({ control: control.control });
      reply.abandon();
      const second = new CallReply(providers, reply.replyTo, 2);
      second.head(headFrame(control.control));
      second.data(Buffer.from('second'));
      second.end(endFrame(6));
      // What the first still says comes too late.
      new CallReply(providers, reply.replyTo, 1).fail(failFrame('upstream_error', null));
      expect(envelope.attempts).toEqual([]);
    });
    const recorder = new CallRecorder();
    start(recorder);
    await eventually(() => expect(recorder.isOver).toBe(true), SOON);
    expect(recorder.told).toEqual(['accepted', 'accepted', 'head', 'data', 'end']);
    expect(recorder.text).toBe('second');
  });

  it('routes a call that nobody took once more, with a fresh deadline, and then gives it up', async () => {
    const taken = await take(() => undefined);
    const recorder = new CallRecorder();
    const startedAt = performance.now();
    start(recorder);
    await eventually(() => expect(recorder.told).toEqual(['notDispatched']), SOON);
    const waitedMs = performance.now() - startedAt;
    expect(taken.length).toBe(2);
    expect(taken[1]!.envelope.dispatchBy).toBeGreaterThan(taken[0]!.envelope.dispatchBy);
    expect(taken[1]!.reply.replyTo).not.toBe(taken[0]!.reply.replyTo);
    expect(waitedMs).toBeGreaterThan(2 * (TIMING.dispatchWithinMs + TIMING.clockSlackMs) - 20);
  });

  it('cancels a worker of the first route that shows up after the second was taken', async () => {
    const late = new WorkerControlServer({ connection: providers, workerId: 'worker-late', timing: TIMING });
    const taken = await take(() => undefined);
    const recorder = new CallRecorder();
    start(recorder);
    await eventually(() => expect(taken.length).toBe(2), SOON);
    const cancelled: string[] = [];
    const { callId } = taken[0]!.envelope;
    const onCancel = (reason: string) => cancelled.push(reason);
    late.register(callId, 'ingress-0', { onCredit: () => undefined, onCancel, onIngressLost: () => undefined });
    await providers.roundTrip();
    taken[1]!.reply.head(headFrame(control.control));
    taken[0]!.reply.head(headFrame(late.control));
    taken[0]!.reply.data(Buffer.from('from the first'));
    taken[1]!.reply.end(endFrame(0));
    await eventually(() => expect(cancelled).toContain('denied'), SOON);
    expect(recorder.text).toBe('');
    expect(recorder.told).toEqual(['accepted', 'head', 'end']);
    late.close();
  });

  it('fails a call with a lost frame, stops its worker, and keeps the account the worker gives', async () => {
    const cancels: string[] = [];
    await take(({ envelope, reply }) => {
      const end = () => raw(reply, [FRAME.end, 5], endFrame(4));
      const unregister = control.register(envelope.callId, 'ingress-0', {
        onCredit: () => undefined,
        onIngressLost: () => undefined,
        onCancel: (reason) => {
          cancels.push(reason);
          unregister();
          end();
        },
      });
      raw(reply, [FRAME.head, 0], headFrame(control.control));
      rawData(reply, 1, 'ab');
      rawData(reply, 3, 'ef');
      rawData(reply, 4, 'gh');
    });
    const recorder = new CallRecorder();
    start(recorder);
    await eventually(() => expect(recorder.isOver).toBe(true), SOON);
    expect(recorder.told).toEqual(['accepted', 'head', 'data', 'fail:sequence_gap']);
    expect(recorder.text).toBe('ab');
    expect(cancels).toEqual(['gap']);
    expect(recorder.failed?.usageSource).toBe('provider');
    expect(recorder.failed?.usage?.output).toBe(2);
  });

  it('drops repeated frames and frames of an earlier attempt', async () => {
    await take(({ reply }) => {
      raw(reply, [FRAME.head, 0, 2], headFrame(control.control));
      rawData(reply, 1, 'a', 2);
      rawData(reply, 1, 'a', 2);
      rawData(reply, 0, 'x', 1);
      rawData(reply, 2, 'b', 2);
      raw(reply, [FRAME.end, 3, 2], endFrame(2));
    });
    const recorder = new CallRecorder();
    start(recorder);
    await eventually(() => expect(recorder.told).toEqual(['accepted', 'head', 'data', 'end']), SOON);
    expect(recorder.text).toBe('ab');
  });

  it('gives up a worker that fell silent, after 15 s and not before, and tells it to stop', async () => {
    const cancels: string[] = [];
    await take(({ envelope, reply }) => {
      control.register(envelope.callId, 'ingress-0', {
        onCredit: () => undefined,
        onCancel: (reason) => cancels.push(reason),
        onIngressLost: () => undefined,
      });
      reply.head(headFrame(control.control));
    });
    const recorder = new CallRecorder();
    const startedAt = performance.now();
    start(recorder);
    await eventually(() => expect(recorder.told).toEqual(['accepted', 'head', 'lost']), SOON);
    expect(performance.now() - startedAt).toBeGreaterThan(TIMING.workerLostAfterMs - 20);
    await eventually(() => expect(cancels.length).toBeGreaterThan(0), SOON);
    await eventually(() => expect(channel.openCalls).toBe(0), SOON);
  });

  it('keeps a call whose worker only pings', async () => {
    await take(({ reply }) => {
      reply.accept({ control: control.control });
      let pings = 0;
      const timer = setInterval(() => {
        reply.ping({ blockedAt: null });
        if (++pings < 6) return;
        clearInterval(timer);
        reply.whole({ head: headFrame(control.control), end: endFrame(0) }, Buffer.alloc(0));
      }, TIMING.pingEveryMs);
    });
    const recorder = new CallRecorder();
    start(recorder);
    await eventually(() => expect(recorder.told).toEqual(['accepted', 'whole']), SOON);
  });

  it('repeats cancel until the worker ends the call, and passes its account on', async () => {
    let cancels = 0;
    await take(({ envelope, reply }) => {
      control.register(envelope.callId, 'ingress-0', {
        onCredit: () => undefined,
        onIngressLost: () => undefined,
        onCancel: () => {
          cancels += 1;
          if (cancels === 4) reply.fail({ ...failFrame('client_gone', null), usageSource: 'bounded' });
          else reply.data(Buffer.from('not for the client'));
        },
      });
      reply.head(headFrame(control.control));
    });
    const recorder = new CallRecorder();
    const call = start(recorder);
    await eventually(() => expect(recorder.told).toContain('head'), SOON);
    call.cancel('client-gone');
    await eventually(() => expect(recorder.isOver).toBe(true), SOON);
    expect(cancels).toBe(4);
    expect(recorder.told).toEqual(['accepted', 'head', 'fail:client_gone']);
    expect(recorder.text).toBe('');
  });

  it('cancels a call as soon as somebody takes it, where it was cancelled before', async () => {
    const cancels: string[] = [];
    const taken = await take(({ envelope, reply }) => {
      control.register(envelope.callId, 'ingress-0', {
        onCredit: () => undefined,
        onIngressLost: () => undefined,
        onCancel: (reason) => {
          cancels.push(reason);
          reply.fail(failFrame('client_gone', null));
        },
      });
    });
    const recorder = new CallRecorder();
    const call = start(recorder);
    await eventually(() => expect(taken.length).toBe(1), SOON);
    call.cancel('client-gone');
    taken[0]!.reply.accept({ control: control.control });
    await eventually(() => expect(recorder.told).toEqual(['fail:client_gone']), SOON);
    expect(cancels).toEqual(['client-gone']);
  });

  it('repeats credit until the worker goes on', async () => {
    const offsets: number[] = [];
    await take(({ envelope, reply }) => {
      control.register(envelope.callId, 'ingress-0', {
        onCancel: () => undefined,
        onIngressLost: () => undefined,
        onCredit: (offset) => {
          offsets.push(offset);
          // The first two got lost on the way.
          if (offsets.length !== 3) return;
          reply.data(Buffer.alloc(1000));
          reply.end(endFrame(reply.bytesSent));
        },
      });
      reply.head(headFrame(control.control));
      reply.data(Buffer.alloc(envelope.initialCredit));
    });
    const recorder = new CallRecorder();
    const call = start(recorder);
    await eventually(() => expect(recorder.bytes).toBe(CALL_SIZES.initialCredit), SOON);
    call.grant(CALL_SIZES.initialCredit + 1000);
    await eventually(() => expect(recorder.isOver).toBe(true), SOON);
    expect(offsets).toEqual(Array(3).fill(CALL_SIZES.initialCredit + 1000));
    expect(recorder.bytes).toBe(CALL_SIZES.initialCredit + 1000);
  });

  it('carries a 4 MiB answer under credit, never more than a window ahead of the client', async () => {
    const total = 4 * 1024 * 1024;
    let ahead = 0;
    await take(({ envelope, reply }) => {
      let credit = envelope.initialCredit;
      const send = () => {
        while (reply.bytesSent < total && reply.bytesSent < credit) {
          reply.data(Buffer.alloc(Math.min(16_384, total - reply.bytesSent, credit - reply.bytesSent), 0x61));
        }
        if (reply.bytesSent === total) reply.end(endFrame(total));
      };
      control.register(envelope.callId, 'ingress-0', {
        onCancel: () => undefined,
        onIngressLost: () => undefined,
        onCredit: (offset) => {
          ahead = Math.max(ahead, offset - reply.bytesSent);
          credit = Math.max(credit, offset);
          send();
        },
      });
      reply.head(headFrame(control.control));
      send();
    });
    const recorder = new CallRecorder();
    const call = start(recorder);
    recorder.onData = (received) => call.grant(received + CALL_SIZES.creditWindow);
    await eventually(() => expect(recorder.isOver).toBe(true), SOON);
    expect(recorder.told.at(-1)).toBe('end');
    expect(recorder.bytes).toBe(total);
    expect(ahead).toBeLessThanOrEqual(CALL_SIZES.creditWindow);
  });

  it('serves a body of 32 MiB in chunks, and no longer once the call has ended', async () => {
    const body = randomBytes(CALL_SIZES.bodyMax);
    const taken = await take(({ reply }) => reply.accept({ control: control.control }));
    const recorder = new CallRecorder();
    start(recorder, body);
    await eventually(() => expect(taken.length).toBe(1), SOON);
    const { envelope, reply } = taken[0]!;
    expect(taken[0]!.body.length).toBe(0);
    if (envelope.body.kind !== 'claim') throw new Error('the body travels inline');
    const claim = { ingressId: envelope.ingressId, ...envelope.body, signal: new AbortController().signal };
    const chunks: Buffer[] = [];
    for await (const chunk of pullBody(providers, claim)) {
      chunks.push(chunk);
      reply.ping({ blockedAt: null });
    }
    expect(Buffer.concat(chunks).equals(body)).toBe(true);
    reply.whole({ head: headFrame(control.control), end: endFrame(0) }, Buffer.alloc(0));
    await eventually(() => expect(recorder.isOver).toBe(true), SOON);
    await expect(pullBody(providers, claim).next()).rejects.toMatchObject({ name: 'BodyUnavailableError' });
  });

  it('lets workers close the upstreams of an ingress that no longer beats', async () => {
    let lost = 0;
    const taken = await take(({ envelope }) => {
      control.register(envelope.callId, 'ingress-0', {
        onCredit: () => undefined,
        onCancel: () => undefined,
        onIngressLost: () => (lost += 1),
      });
    });
    start(new CallRecorder());
    await eventually(() => expect(taken.length).toBe(1), SOON);
    const closedAt = performance.now();
    channel.close();
    await eventually(() => expect(lost).toBe(1), SOON);
    expect(performance.now() - closedAt).toBeGreaterThan(TIMING.ingressLostAfterMs - TIMING.ingressBeatEveryMs - 20);
    expect(control.runningCalls).toBe(0);
  });

  it('calls no handler after close, and still stops the worker', async () => {
    const cancels: string[] = [];
    await take(({ envelope, reply }) => {
      control.register(envelope.callId, 'ingress-0', {
        onCredit: () => undefined,
        onIngressLost: () => undefined,
        onCancel: (reason) => {
          cancels.push(reason);
          reply.fail(failFrame('client_gone', null));
        },
      });
      reply.head(headFrame(control.control));
    });
    const recorder = new CallRecorder();
    const call = start(recorder);
    await eventually(() => expect(recorder.told).toContain('head'), SOON);
    call.close();
    await eventually(() => expect(channel.openCalls).toBe(0), SOON);
    expect(cancels).toEqual(['client-gone']);
    expect(recorder.told).toEqual(['accepted', 'head']);
  });

  it('keeps what all calls together may receive under 16 MiB, whatever their number', async () => {
    const taken = await take(() => undefined);
    for (let i = 0; i < 300; i++) start(new CallRecorder());
    await eventually(() => expect(taken.length).toBe(300), SOON);
    const outstanding = taken.reduce((sum, { envelope }) => sum + envelope.initialCredit, 0);
    expect(outstanding).toBeLessThan(CALL_SIZES.outstandingCreditMax + 300 * 8 * 1024);
    expect(Math.min(...taken.map(({ envelope }) => envelope.initialCredit))).toBeGreaterThanOrEqual(8 * 1024);
  });

  function raw(reply: CallReply, [type, sequence, attempt = 1]: [FrameType, number, number?], value: object): void {
    providers.publish(reply.replyTo, encodeJsonFrame({ type, attempt, sequence }, value));
  }
  function rawData(reply: CallReply, sequence: number, text: string, attempt = 1): void {
    const bytes = Buffer.from(text);
    providers.publish(reply.replyTo, encodeFrame({ type: FRAME.data, attempt, sequence }, [bytes], bytes.length));
  }
});
