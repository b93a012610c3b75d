import { z } from 'zod';
import { defineEvent } from '../event.js';
import { ServedUsage, UsageSource } from '../usage.js';
import { AttemptFacts } from './attempt-facts.js';

/**
 * `completed`: the answer ended as its protocol demands. `failed`: an error before any token. `cut`: it broke off after the first byte.
 * `cancelled`: closed by us, because the client left or its ingress was lost.
 */
export const AttemptOutcome = z.enum(['completed', 'failed', 'cut', 'cancelled']);
export type AttemptOutcome = z.infer<typeof AttemptOutcome>;

/** One upstream attempt has ended, whatever its outcome. Published once per attempt by `providers`. */
export const AttemptFinishedV1 = defineEvent({
  type: 'attempt.finished',
  version: 1,
  owner: ['providers'],
  data: AttemptFacts.extend({
    outcome: AttemptOutcome,
    status: z.int().nullable(),
    errorCode: z.string().nullable(),
    finishReason: z.string().nullable(),
    usage: ServedUsage.nullable(),
    usageSource: UsageSource,
    finishedAt: z.number(),
    latencyMs: z.number(),
    firstTokenMs: z.number().nullable(),
    responseBytes: z.int().min(0),
    upstreamRequestId: z.string().nullable(),
    dropped: z.array(z.string()),
    reconstructed: z.boolean(),
  }),
});
