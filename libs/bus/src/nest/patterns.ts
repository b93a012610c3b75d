/** Nest hands each server the handlers of its own transport only. */
export const CALL_TRANSPORT = Symbol('weir.call');
export const MESSAGE_TRANSPORT = Symbol('weir.message');

interface Definition {
  readonly name: string;
  readonly version: number;
}

export const patternOf = (definition: Definition): string => `${definition.name}.v${definition.version}`;

/** A definition has no handler, or more than one: the process must not start. */
export class HandlerError extends Error {
  override readonly name = 'HandlerError';
}

/** Throws {@link HandlerError} where there is none. */
export function getHandler<Handler>(handlers: ReadonlyMap<string, Handler>, definition: Definition): Handler {
  const handler = handlers.get(patternOf(definition));
  if (handler === undefined) throw new HandlerError(`no handler for ${patternOf(definition)}`);
  return handler;
}

/** Throws {@link HandlerError} unless every definition that is subscribed to has a handler, and every handler a subscription. */
export function checkHandlers(handlers: ReadonlySet<string>, subscribed: ReadonlySet<string>): void {
  const missing = [...subscribed].filter((pattern) => !handlers.has(pattern));
  const idle = [...handlers].filter((pattern) => !subscribed.has(pattern));
  if (missing.length > 0) throw new HandlerError(`no handler for ${missing.join(', ')}`);
  if (idle.length > 0) throw new HandlerError(`handlers that no subscription feeds: ${idle.join(', ')}`);
}

interface Subscribable {
  subscribe(observer: { error(reason: unknown): void }): unknown;
}

const isSubscribable = (value: unknown): value is Subscribable =>
  typeof value === 'object' && value !== null && 'subscribe' in value && typeof value.subscribe === 'function';

/**
 * What a handler failed with. Nest turns an exception into an Observable that fails (and logs it); what a handler returns
 * otherwise is of no use here.
 */
export async function settle(result: unknown, onFault: (reason: unknown) => void): Promise<void> {
  try {
    const value = await result;
    if (isSubscribable(value)) value.subscribe({ error: onFault });
  } catch (reason) {
    onFault(reason);
  }
}
