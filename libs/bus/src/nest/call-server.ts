import { Server, type CustomTransportStrategy, type MessageHandler } from '@nestjs/microservices';
import type { CallDefinition } from '@weir/contracts';
import { CallReply } from '../call/call-reply.js';
import { decodeCall, nextAttempt, splitCalls } from '../call/call-message.js';
import { failFrame } from '../call/frame-contents.js';
import type { BusConnection } from '../connection/bus-connection.js';
import type { BusMessage, BusSubscription } from '../connection/bus-message.js';
import { CALL_TRANSPORT, checkHandlers, getHandler, HandlerError, patternOf, settle } from './patterns.js';

export interface CallSubscription {
  readonly definition: CallDefinition;
  readonly subject: string;
  readonly queue: string;
}

export interface CallServerOptions {
  readonly connection: BusConnection;
  readonly subscriptions: readonly CallSubscription[];
  /** Definitions whose subjects come later, by `add`: their handlers may start without a subscription. */
  readonly definitions?: readonly CallDefinition[];
  /** A call that could not be read, or whose handler failed. */
  readonly onError?: (error: Error) => void;
}

interface Served extends CallSubscription {
  readonly handler: MessageHandler;
  active: BusSubscription | undefined;
}

/**
 * Nest's transport for calls. Each message is read once and handed to its handler directly: no serializer, no Observable. The
 * process does not start where a definition has no handler or two.
 */
export class CallServer extends Server implements CustomTransportStrategy {
  override transportId = CALL_TRANSPORT;
  private readonly served = new Map<string, Served>();
  private readonly paused = new Set<string>();
  private listening = false;

  constructor(private readonly options: CallServerOptions) {
    super();
  }

  override addHandler(pattern: unknown, handler: MessageHandler, isEventHandler = false): void {
    const name = String(pattern);
    if (this.messageHandlers.has(name)) throw new HandlerError(`two handlers for ${name}`);
    super.addHandler(name, handler, isEventHandler);
  }

  override listen(callback: (error?: unknown) => void): void {
    try {
      const { subscriptions, definitions = [] } = this.options;
      const used = [...subscriptions.map(({ definition }) => definition), ...definitions];
      const wanted = new Set(used.map((definition) => patternOf(definition)));
      checkHandlers(new Set(this.messageHandlers.keys()), wanted);
      this.listening = true;
      for (const subscription of subscriptions) this.add(subscription);
    } catch (error) {
      return callback(error);
    }
    callback();
  }

  /** Serves one more subject of a definition that has a handler. Does nothing where it is served already. */
  add(subscription: CallSubscription): void {
    if (this.served.has(subscription.subject)) return;
    const handler = getHandler(this.messageHandlers, subscription.definition);
    const served: Served = { ...subscription, handler, active: undefined };
    this.served.set(subscription.subject, served);
    this.apply(served);
  }

  /** Serves a subject no longer. Calls that have arrived still run. */
  remove(subject: string): void {
    this.served.get(subject)?.active?.unsubscribe();
    this.served.delete(subject);
    this.paused.delete(subject);
  }

  /** Leaves the subject's queue group, so that the broker gives its calls to others. Idempotent; without a subject, all. */
  pause(subject?: string): void {
    for (const served of this.chosen(subject)) {
      this.paused.add(served.subject);
      this.apply(served);
    }
  }

  /** Joins the queue group again. Idempotent; without a subject, all. */
  resume(subject?: string): void {
    for (const served of this.chosen(subject)) {
      this.paused.delete(served.subject);
      this.apply(served);
    }
  }

  isPaused(subject: string): boolean {
    return this.paused.has(subject);
  }

  override close(): void {
    this.listening = false;
    for (const served of this.served.values()) this.apply(served);
    this.served.clear();
  }

  override on(): never {
    throw new Error('a CallServer has no events');
  }

  // eslint-disable-next-line @typescript-eslint/no-unnecessary-type-parameters -- the signature is Nest's
  override unwrap<T>(): T {
    return this.options.connection as T;
  }

  private chosen(subject: string | undefined): Served[] {
    if (subject === undefined) return [...this.served.values()];
    const served = this.served.get(subject);
    return served === undefined ? [] : [served];
  }

  private apply(served: Served): void {
    const shouldListen = this.listening && !this.paused.has(served.subject);
    if (shouldListen && served.active === undefined) {
      const receive = (message: BusMessage) => this.receive(served, message);
      served.active = this.options.connection.subscribe(served.subject, receive, { queue: served.queue });
    } else if (!shouldListen) {
      served.active?.unsubscribe();
      served.active = undefined;
    }
  }

  private receive(served: Served, message: BusMessage): void {
    const isWhole = splitCalls(message, (replyTo, call) => this.take(served, replyTo, call));
    if (!isWhole) this.report(new Error(`a bundle of calls on ${served.subject} that ends within a call`));
  }

  private take(served: Served, replyTo: string, data: Buffer): void {
    const { connection } = this.options;
    let decoded: ReturnType<typeof decodeCall>;
    try {
      decoded = decodeCall(data);
    } catch (error) {
      // Without its header nobody knows the attempt's number; the ingress hears it as the first.
      new CallReply(connection, replyTo, 1).fail(failFrame('internal', null));
      return this.report(error);
    }
    const reply = new CallReply(connection, replyTo, nextAttempt(decoded.envelope));
    const call = { ...decoded, replyTo, raw: data };
    void settle(served.handler(call, reply), (reason) => {
      if (!reply.isTerminated) reply.fail(failFrame('internal', null));
      this.report(reason);
    });
  }

  private report(reason: unknown): void {
    this.options.onError?.(reason instanceof Error ? reason : new Error('a call handler failed', { cause: reason }));
  }
}
