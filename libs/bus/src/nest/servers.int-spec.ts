import { after, afterEach, before, describe, it } from 'node:test';
import { Controller, Inject, Module, type INestApplicationContext, type Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import {
  ExecuteCallV1,
  queueGroups,
  RouteCallV1,
  scaleTiming,
  subjects,
  TargetOutcomeV1,
  type TargetOutcome,
} from '@weir/contracts';
import { eventually } from '@weir/testing';
import { expect } from 'expect';
import { Broker } from '../broker.fixture.js';
import { callDraft, CallRecorder, endFrame, headFrame } from '../call/call.fixture.js';
import { CallChannel } from '../call/call-channel.js';
import type { IncomingCall } from '../call/call-message.js';
import type { CallReply } from '../call/call-reply.js';
import type { BusConnection } from '../connection/bus-connection.js';
import { publishOutcome } from '../health/messages.js';
import { CallServer } from './call-server.js';
import { OnCall, OnMessage } from './decorators.js';
import { EventServer } from './event-server.js';

const SOON = { timeoutMs: 5_000, everyMs: 5 };
const GREETING = 'greeting';

@Controller()
class RouteController {
  readonly outcomes: TargetOutcome[] = [];
  constructor(@Inject(GREETING) private readonly greeting: string) {}

  @OnCall(RouteCallV1)
  async route(call: IncomingCall, reply: CallReply): Promise<void> {
    await Promise.resolve();
    const text = call.body.toString();
    if (text === 'throw') throw new Error('the handler failed');
    const answer = Buffer.from(`${this.greeting} ${text}`);
    reply.whole({ head: headFrame('none'), end: endFrame(answer.length) }, answer);
  }

  @OnMessage(TargetOutcomeV1)
  outcome(outcome: TargetOutcome): void {
    this.outcomes.push(outcome);
  }
}

@Controller()
class SecondRouteController {
  @OnCall(RouteCallV1)
  route(): void {
    throw new Error('never called');
  }
}

function moduleOf(controllers: Type[]): Type {
  @Module({ controllers, providers: [{ provide: GREETING, useValue: 'hello' }] })
  class SpecModule {}
  return SpecModule;
}

describe('CallServer and EventServer in a Nest application', () => {
  let broker: Broker;
  let router: BusConnection;
  let ingress: BusConnection;
  let channel: CallChannel;
  const errors: Error[] = [];
  const opened: INestApplicationContext[] = [];
  const route = { definition: RouteCallV1, subject: subjects.route('local'), queue: queueGroups.router };

  before(async () => {
    broker = await Broker.start();
    router = await broker.connect('router');
    ingress = await broker.connect('ingress');
    channel = new CallChannel({ connection: ingress, ingressId: 'i', timing: scaleTiming(0.1), clock: Date });
  });
  after(async () => {
    channel.close();
    await broker.stop();
  });
  afterEach(async () => {
    for (const application of opened.splice(0)) await application.close();
    errors.length = 0;
  });

  const callServer = (options: Partial<ConstructorParameters<typeof CallServer>[0]> = {}) =>
    new CallServer({
      connection: router,
      subscriptions: [route],
      onError: (error) => errors.push(error),
      ...options,
    });
  const eventServer = () =>
    new EventServer({
      connection: router,
      subscriptions: [{ definition: TargetOutcomeV1, subject: subjects.health('local') }],
      onError: (error) => errors.push(error),
    });

  /** As kit does it: one application, its servers connected to it. */
  async function boot(controllers: Type[], strategies: (CallServer | EventServer)[]): Promise<RouteController> {
    const application = await NestFactory.create(moduleOf(controllers), new FastifyAdapter(), {
      logger: false,
      abortOnError: false,
    });
    for (const strategy of strategies) application.connectMicroservice({ strategy });
    opened.push(application);
    await application.startAllMicroservices();
    await router.roundTrip();
    return application.get<RouteController>(controllers[0]!);
  }

  async function ask(text: string): Promise<CallRecorder> {
    const recorder = new CallRecorder();
    channel.start(callDraft(), Buffer.from(text), recorder);
    await eventually(() => expect(recorder.isOver).toBe(true), SOON);
    return recorder;
  }

  it('hands a decoded call to its handler, with an injected dependency, and its answer to the client', async () => {
    await boot([RouteController], [callServer(), eventServer()]);
    const recorder = await ask('world');
    expect(recorder.told).toEqual(['whole']);
    expect(recorder.wholeBody?.toString()).toBe('hello world');
  });

  it('ends a call whose handler fails, and reports the failure', async () => {
    await boot([RouteController], [callServer(), eventServer()]);
    const recorder = await ask('throw');
    expect(recorder.told).toEqual(['fail:internal']);
    expect(errors.length).toBe(1);
  });

  it('ends a call that cannot be read, and goes on', async () => {
    await boot([RouteController], [callServer(), eventServer()]);
    const replies: Buffer[] = [];
    ingress.subscribe(subjects.inbox('j', '1'), ({ data }) => replies.push(data));
    ingress.publish(subjects.route('local'), Buffer.from('nonsense'), subjects.inbox('j', '1'));
    await eventually(() => expect(replies.length).toBe(1), SOON);
    expect(errors[0]?.name).toBe('MalformedCallError');
    expect((await ask('still here')).told).toEqual(['whole']);
  });

  it('hands messages to their handler, and reports those it cannot read', async () => {
    const controller = await boot([RouteController], [callServer(), eventServer()]);
    const admin = await broker.connect('admin');
    admin.publish(subjects.health('local'), Buffer.from('{"deploymentId":1}'));
    publishOutcome(admin, 'local', { deploymentId: 'd', outcome: 'ok', errorCode: null, retryAfterMs: null, at: 1 });
    await eventually(() => expect(controller.outcomes.length).toBe(1), SOON);
    expect(errors.length).toBe(1);
  });

  it('leaves the queue group when paused, and comes back when resumed', async () => {
    const server = callServer();
    await boot([RouteController], [server, eventServer()]);
    server.pause();
    await router.roundTrip();
    expect((await ask('nobody')).told).toEqual(['noResponders']);
    server.resume();
    await router.roundTrip();
    expect((await ask('again')).told).toEqual(['whole']);
  });

  it('does not start where a definition has two handlers', async () => {
    const booting = boot([RouteController, SecondRouteController], [callServer(), eventServer()]);
    await expect(booting).rejects.toMatchObject({ name: 'HandlerError' });
  });

  it('does not start where a subscribed definition has no handler', async () => {
    const exec = { definition: ExecuteCallV1, subject: subjects.exec('local', 'p'), queue: queueGroups.providers };
    const booting = boot([RouteController], [callServer({ subscriptions: [route, exec] }), eventServer()]);
    await expect(booting).rejects.toMatchObject({ name: 'HandlerError' });
  });

  it('does not start where a handler has no subscription', async () => {
    const booting = boot([RouteController], [callServer({ subscriptions: [] }), eventServer()]);
    await expect(booting).rejects.toMatchObject({ name: 'HandlerError' });
  });

  it('takes subjects later, for a definition that was named', async () => {
    const server = callServer({ subscriptions: [], definitions: [RouteCallV1] });
    await boot([RouteController], [server, eventServer()]);
    expect((await ask('nobody')).told).toEqual(['noResponders']);
    server.add(route);
    await router.roundTrip();
    expect((await ask('now')).told).toEqual(['whole']);
    server.remove(route.subject);
    await router.roundTrip();
    expect((await ask('gone')).told).toEqual(['noResponders']);
  });
});
