import { Server, type CustomTransportStrategy, type MessageHandler } from '@nestjs/microservices';
import type { MessageDefinition } from '@weir/contracts';
import type { BusConnection } from '../connection/bus-connection.js';
import type { BusMessage, BusSubscription } from '../connection/bus-message.js';
import { checkHandlers, getHandler, HandlerError, MESSAGE_TRANSPORT, patternOf, settle } from './patterns.js';

export interface MessageSubscription {
  readonly definition: MessageDefinition;
  readonly subject: string;
  readonly queue?: string;
}

export interface EventServerOptions {
  readonly connection: BusConnection;
  readonly subscriptions: readonly MessageSubscription[];
  /** A message that could not be read, or whose handler failed. It is not repeated: core NATS delivers at most once. */
  readonly onError?: (error: Error) => void;
}

/**
 * Nest's transport for messages that nobody answers (presence, outcomes, landed reports). Landing never passes through it. The
 * process does not start where a definition has no handler or two.
 */
export class EventServer extends Server implements CustomTransportStrategy {
  override transportId = MESSAGE_TRANSPORT;
  private subscriptions: BusSubscription[] = [];

  constructor(private readonly options: EventServerOptions) {
    super();
  }

  override addHandler(pattern: unknown, handler: MessageHandler, isEventHandler = false): void {
    const name = String(pattern);
    if (this.messageHandlers.has(name)) throw new HandlerError(`two handlers for ${name}`);
    super.addHandler(name, handler, isEventHandler);
  }

  override listen(callback: (error?: unknown) => void): void {
    const { subscriptions, connection } = this.options;
    try {
      const wanted = new Set(subscriptions.map(({ definition }) => patternOf(definition)));
      checkHandlers(new Set(this.messageHandlers.keys()), wanted);
      this.subscriptions = subscriptions.map(({ definition, subject, queue }) => {
        const handler = getHandler(this.messageHandlers, definition);
        const receive = (message: BusMessage) => this.receive(definition, handler, message);
        return connection.subscribe(subject, receive, queue === undefined ? {} : { queue });
      });
    } catch (error) {
      return callback(error);
    }
    callback();
  }

  override close(): void {
    for (const subscription of this.subscriptions) subscription.unsubscribe();
    this.subscriptions = [];
  }

  override on(): never {
    throw new Error('an EventServer has no events');
  }

  // eslint-disable-next-line @typescript-eslint/no-unnecessary-type-parameters -- the signature is Nest's
  override unwrap<T>(): T {
    return this.options.connection as T;
  }

  private receive(definition: MessageDefinition, handler: MessageHandler, message: BusMessage): void {
    let value: unknown;
    try {
      value = definition.schema.parse(JSON.parse(message.data.toString('utf8')));
    } catch (error) {
      return this.report(error);
    }
    void settle(handler(value, message), (reason) => this.report(reason));
  }

  private report(reason: unknown): void {
    this.options.onError?.(reason instanceof Error ? reason : new Error('a message handler failed', { cause: reason }));
  }
}
