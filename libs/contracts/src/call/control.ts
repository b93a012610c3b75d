import { z } from 'zod';
import { CallId } from '../ids.js';

/** To the worker's control subject. `credit` is an absolute byte offset, so a repeated or late one is harmless. */
export const WorkerControl = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('credit'), callId: CallId, attempt: z.int(), offset: z.int().min(0) }),
  z.object({ kind: z.literal('cancel'), callId: CallId, reason: z.enum(['client-gone', 'draining', 'denied', 'gap']) }),
]);
export type WorkerControl = z.infer<typeof WorkerControl>;

/** Sent by each ingress once a second; workers close the upstreams of an ingress that is silent for 5 s. */
export const IngressBeat = z.object({ ingressId: z.string() });
export type IngressBeat = z.infer<typeof IngressBeat>;

/** Pull of a chunk of a request body. The answer is the raw bytes; an empty answer means the ingress no longer holds it. */
export const BodyPull = z.object({ token: z.string(), offset: z.int().min(0), length: z.int().min(1) });
export type BodyPull = z.infer<typeof BodyPull>;

/** One attempt's outcome for the routers' picture of target health. */
export const TargetOutcome = z.object({
  deploymentId: z.string(),
  outcome: z.enum(['ok', 'failed', 'rejected']),
  errorCode: z.string().nullable(),
  retryAfterMs: z.number().nullable(),
  at: z.number(),
  /** Outcomes of this kind that the message stands for; good ones are told together, a few times a second. 1 where absent. */
  count: z.int().min(1).optional(),
});
export type TargetOutcome = z.infer<typeof TargetOutcome>;

/**
 * Sent by each provider worker once a second and at every change. A router that hears of no accepting worker for a provider treats its
 * targets as absent: the broker tells only the publisher's own inbox that nobody listens, and the inbox is the ingress's.
 */
export const WorkerPresence = z.object({
  workerId: z.string(),
  providers: z.array(z.string()),
  accepting: z.boolean(),
});
export type WorkerPresence = z.infer<typeof WorkerPresence>;
