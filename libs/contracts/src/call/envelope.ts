import { z } from 'zod';
import { Adapter, ClientDialect } from '../dialect.js';
import { AttemptId, CallId, SubjectToken } from '../ids.js';
import { PicoUsdString } from '../money.js';
import { Principal } from '../principal.js';
import { UsageSource } from '../usage.js';

/** One attempt that has ended, as it travels in the envelope and in `call.finished`. */
export const AttemptSummary = z.object({
  attemptId: AttemptId,
  attempt: z.int().min(1).max(255),
  deploymentId: z.string(),
  provider: z.string(),
  /** Upstream HTTP status; null where none arrived. */
  status: z.int().nullable(),
  errorCode: z.string().nullable(),
  usageSource: UsageSource,
  /** Cost at the pinned price; `bounded` is the upper bound. */
  costPico: PicoUsdString,
});
export type AttemptSummary = z.infer<typeof AttemptSummary>;

/** The price version pinned for a deployment at admission. Null: the model has no price, an error state and never free. */
export const PinnedPrice = z.object({ deploymentId: z.string(), priceVersion: z.string().nullable() });
export type PinnedPrice = z.infer<typeof PinnedPrice>;

/** Why the router chose this target, and whether it has another one after it. */
export const CallTarget = z.object({
  deploymentId: z.string(),
  provider: SubjectToken,
  adapter: Adapter,
  upstreamModel: z.string(),
  isLast: z.boolean(),
});
export type CallTarget = z.infer<typeof CallTarget>;

/** Where the request's bytes are: behind the header of the same message, or with the ingress that holds the client. */
export const CallBody = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('inline'), bytes: z.int().min(0) }),
  z.object({ kind: z.literal('claim'), bytes: z.int().min(0), token: z.string() }),
]);
export type CallBody = z.infer<typeof CallBody>;

/** An error as it crosses the bus: a code of the registry, never a class. */
export const CallFailure = z.object({
  code: z.string(),
  /** Safe for the caller; where an upstream error body is passed through, its own message. */
  message: z.string(),
  /** HTTP status for the client; the registry's where absent. */
  status: z.int().nullable(),
  /** The field of the request that is at fault, as the caller wrote it. */
  param: z.string().nullable().optional(),
  retryAfterSeconds: z.number().nullable(),
  /** The upstream's own error body, only where it speaks the client's dialect: forwarded unmodified. */
  upstream: z.object({ status: z.int(), contentType: z.string(), body: z.string() }).nullable(),
});
export type CallFailure = z.infer<typeof CallFailure>;

/**
 * Header of a call on core NATS. It carries all state of the call: the router keeps none. Times are milliseconds since the
 * epoch. A worker that finds `dispatchBy` past sends nothing upstream.
 */
export const CallEnvelopeV1 = z.object({
  version: z.literal(1),
  callId: CallId,
  traceparent: z.string().nullable(),
  ingressId: SubjectToken,
  region: SubjectToken,
  principal: Principal,
  dialect: ClientDialect,
  /** `anthropic-version` for Anthropic clients, else null. */
  apiVersion: z.string().nullable(),
  /** Model as the client named it, and the catalog's model it resolved to. */
  modelRequested: z.string(),
  model: z.string(),
  stream: z.boolean(),
  /** Client headers that belong to the upstream protocol (`anthropic-*`, `openai-*`), lower-case names. */
  headers: z.record(z.string(), z.string()),
  /** Output limit the client set, or null: the bound of a cut answer. */
  maxOutputTokens: z.int().min(0).nullable(),
  /** Answers wanted for one prompt (Chat's `n`), each of which may reach the output limit. 1 where absent. */
  choices: z.int().min(1).optional(),
  startedAt: z.number(),
  dispatchBy: z.number(),
  body: CallBody,
  prices: z.array(PinnedPrice),
  attempts: z.array(AttemptSummary),
  /** Error of the last failed attempt, so that the router can hand it to the client where no target is left. */
  lastFailure: CallFailure.nullable(),
  target: CallTarget.nullable(),
  /** Absolute byte offset up to which the worker may send before it hears `credit`. */
  initialCredit: z.int().min(0),
});
export type CallEnvelopeV1 = z.infer<typeof CallEnvelopeV1>;
