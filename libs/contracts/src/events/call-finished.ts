import { z } from 'zod';
import { AttemptSummary } from '../call/envelope.js';
import { defineEvent } from '../event.js';
import { PicoUsdString } from '../money.js';
import { Usage, UsageSource } from '../usage.js';
import { CallFacts } from './call-facts.js';

/** An admitted call has ended for the client. Published once per call by the ingress that held it, or by the adopter of its journal (`reconstructed`). */
export const CallFinishedV1 = defineEvent({
  type: 'call.finished',
  version: 1,
  owner: ['ingress'],
  data: CallFacts.extend({
    finishedAt: z.number(),
    /** HTTP status given to the client; 499 when it left before the headers. */
    status: z.int(),
    /** Code of the error registry, also for an error inside a stream whose status was 200. */
    errorCode: z.string().nullable(),
    provider: z.string().nullable(),
    deploymentId: z.string().nullable(),
    simulated: z.boolean(),
    finishReason: z.string().nullable(),
    usage: Usage.nullable(),
    usageSource: UsageSource,
    /** Sum over all attempts at the pinned prices. */
    costPico: PicoUsdString,
    priceVersion: z.string().nullable(),
    latencyMs: z.number(),
    firstTokenMs: z.number().nullable(),
    responseBytes: z.int().min(0),
    attempts: z.array(AttemptSummary),
    dropped: z.array(z.string()),
    reconstructed: z.boolean(),
  }),
});
