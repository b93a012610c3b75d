import { z } from 'zod';
import { Adapter } from '../dialect.js';
import { AttemptId, CallId } from '../ids.js';
import { Principal } from '../principal.js';
import { Usage } from '../usage.js';

/** What is known of an upstream attempt when it starts. */
export const AttemptFacts = z.object({
  attemptId: AttemptId,
  callId: CallId,
  attempt: z.int().min(1),
  principal: Principal,
  region: z.string(),
  provider: z.string(),
  deploymentId: z.string(),
  adapter: Adapter,
  /** The catalog's model, and its name at the provider. */
  model: z.string(),
  upstreamModel: z.string(),
  simulated: z.boolean(),
  priceVersion: z.string().nullable(),
  /** Upper bound of what the attempt can use, charged where the answer is cut. */
  bound: Usage,
  startedAt: z.number(),
});
export type AttemptFacts = z.infer<typeof AttemptFacts>;
