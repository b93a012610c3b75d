import type { z } from 'zod';
import { CallEnvelopeV1 } from './envelope.js';

/** Definition of a message on core NATS that asks for a call to be routed or executed. */
export interface CallDefinition<Schema extends z.ZodType = z.ZodType> {
  readonly name: string;
  readonly version: number;
  readonly envelope: Schema;
  readonly owner: string;
  readonly consumer: string;
}

/** Published by ingress, and by providers after a retryable failure before the first byte. */
export const RouteCallV1 = {
  name: 'route',
  version: 1,
  envelope: CallEnvelopeV1,
  owner: 'ingress',
  consumer: 'router',
} as const satisfies CallDefinition;

/** Published by the router with `target` set. */
export const ExecuteCallV1 = {
  name: 'exec',
  version: 1,
  envelope: CallEnvelopeV1,
  owner: 'router',
  consumer: 'providers',
} as const satisfies CallDefinition;
