import { Ctx, EventPattern, MessagePattern, Payload } from '@nestjs/microservices';
import type { CallDefinition, MessageDefinition } from '@weir/contracts';
import type { z } from 'zod';
import type { IncomingCall } from '../call/call-message.js';
import type { CallReply } from '../call/call-reply.js';
import type { BusMessage } from '../connection/bus-message.js';
import { CALL_TRANSPORT, MESSAGE_TRANSPORT, patternOf } from './patterns.js';

type HandlerDecorator<Handler> = <Method extends Handler>(
  target: object,
  key: string | symbol,
  descriptor: TypedPropertyDescriptor<Method>,
) => void;

type CallHandler = (call: IncomingCall, reply: CallReply) => void | Promise<void>;
type MessageHandler<Value> = (value: Value, message: BusMessage) => void | Promise<void>;

/** Nest passes a handler its payload only, unless its parameters say that the second is the context. */
function bindParameters(target: object, key: string | symbol): void {
  Payload()(target, key, 0);
  Ctx()(target, key, 1);
}

/**
 * Handles a call message: `(call: IncomingCall, reply: CallReply)`. What it throws or rejects with ends the call with `internal`,
 * unless it has sent a terminal frame. The method belongs to a Nest controller.
 */
export function OnCall(definition: CallDefinition): HandlerDecorator<CallHandler> {
  const decorate = MessagePattern(patternOf(definition), CALL_TRANSPORT);
  return (target, key, descriptor) => {
    bindParameters(target, key);
    decorate(target, key, descriptor);
  };
}

/** Handles a message that nobody answers: `(value, message: BusMessage)`, the value already validated. */
export function OnMessage<Schema extends z.ZodType>(
  definition: MessageDefinition<Schema>,
): HandlerDecorator<MessageHandler<z.infer<Schema>>> {
  const decorate = EventPattern(patternOf(definition), MESSAGE_TRANSPORT);
  return (target, key, descriptor) => {
    bindParameters(target, key);
    decorate(target, key, descriptor as PropertyDescriptor);
  };
}
