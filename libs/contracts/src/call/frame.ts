import { z } from 'zod';
import { PicoUsdString } from '../money.js';
import { ServedUsage, UsageSource } from '../usage.js';
import { AttemptSummary, CallFailure } from './envelope.js';

/** Types of frames sent by a worker (or the router) to a call's reply inbox. Layout: `type u8 · attempt u8 · sequence u32BE · payload`. */
export const FRAME = { accepted: 1, head: 2, data: 3, ping: 4, end: 5, fail: 6, whole: 7 } as const;
export type FrameType = (typeof FRAME)[keyof typeof FRAME];
export const FRAME_HEADER_BYTES = 6;

/** The worker has taken the call; `control` is its one control subject. Written before the upstream request leaves, so that a call nobody was heard to take was not sent. */
export const AcceptedFrame = z.object({ control: z.string() });
export type AcceptedFrame = z.infer<typeof AcceptedFrame>;

/** First part of an answer. Header names are lower-case; hop-by-hop headers are already gone. */
export const HeadFrame = z.object({
  status: z.int(),
  headers: z.record(z.string(), z.string()),
  control: z.string(),
  served: z.object({ deploymentId: z.string(), provider: z.string(), model: z.string(), simulated: z.boolean() }),
  /** What the translation could not carry, as `field:reason`. */
  dropped: z.array(z.string()),
});
export type HeadFrame = z.infer<typeof HeadFrame>;

/** `blockedAt`: the worker has sent up to this offset and waits for credit. */
export const PingFrame = z.object({ blockedAt: z.int().nullable() });
export type PingFrame = z.infer<typeof PingFrame>;

/** Terminal frame of an answer. */
export const EndFrame = z.object({
  usage: ServedUsage.nullable(),
  usageSource: UsageSource,
  finishReason: z.string().nullable(),
  costPico: PicoUsdString,
  priceVersion: z.string().nullable(),
  firstTokenMs: z.number().nullable(),
  upstreamMs: z.number(),
  /** Bytes of data sent in all frames of this attempt. */
  bytes: z.int().min(0),
  attempts: z.array(AttemptSummary),
});
export type EndFrame = z.infer<typeof EndFrame>;

/** Terminal frame of a call that failed; `attempts` includes the failed one. */
export const FailFrame = z.object({
  failure: CallFailure,
  attempts: z.array(AttemptSummary),
  served: HeadFrame.shape.served.nullable(),
  usage: ServedUsage.nullable(),
  usageSource: UsageSource,
});
export type FailFrame = z.infer<typeof FailFrame>;

/** Head and end of an answer sent in one frame: payload is `u32BE n · n bytes of this JSON · body`. */
export const WholeFrame = z.object({ head: HeadFrame, end: EndFrame });
export type WholeFrame = z.infer<typeof WholeFrame>;
