import type { IncomingMessage, ServerResponse } from 'node:http';
import { uuidv7, type CallId, type ClientDialect } from '@weir/contracts';
import { applicationOf } from '../../domain/application.js';
import { traceparentOf } from '../../domain/header-policy.js';

/** A request as it came in, before anything is known of its caller. */
export interface Arrival {
  readonly callId: CallId;
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly dialect: ClientDialect;
  readonly application: string;
  readonly traceparent: string | null;
  /** Milliseconds since the epoch. */
  readonly startedAt: number;
  /** `performance.now()`, for durations. */
  readonly arrivedAt: number;
}

export function arrive(
  request: IncomingMessage,
  response: ServerResponse,
  dialect: ClientDialect,
  now: number,
): Arrival {
  return {
    callId: uuidv7(now) as CallId,
    request,
    response,
    dialect,
    application: applicationOf(request.headers),
    traceparent: traceparentOf(request.headers),
    startedAt: now,
    arrivedAt: performance.now(),
  };
}
