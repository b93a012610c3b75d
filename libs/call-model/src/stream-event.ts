import { z } from 'zod';
import { CallError } from './call-error.js';
import { FinishReason } from './call-response.js';
import { Usage } from './usage.js';

const block = z.int().nonnegative();

/**
 * An answer as it arrives. `block` names a block uniquely within one answer; blocks may interleave
 * (parallel tool calls do), each is started once and ended once. `usage` states totals so far, so the
 * last one wins and none are added up. After `error` nothing follows.
 */
export const StreamEvent = z.discriminatedUnion('type', [
  z.object({ type: z.literal('message-start'), id: z.string(), model: z.string() }),
  z.object({ type: z.literal('text-start'), block, refusal: z.literal(true).optional() }),
  z.object({ type: z.literal('text-delta'), block, text: z.string() }),
  z.object({ type: z.literal('text-end'), block }),
  z.object({ type: z.literal('tool-call-start'), block, id: z.string(), name: z.string() }),
  z.object({ type: z.literal('tool-call-delta'), block, fragment: z.string() }),
  z.object({ type: z.literal('tool-call-end'), block }),
  z.object({ type: z.literal('reasoning-start'), block }),
  z.object({ type: z.literal('reasoning-delta'), block, text: z.string() }),
  z.object({
    type: z.literal('reasoning-end'),
    block,
    signature: z.string().optional(),
    redacted: z.string().optional(),
  }),
  z.object({ type: z.literal('usage'), usage: Usage, mismatch: z.string().optional() }),
  z.object({ type: z.literal('finish'), reason: FinishReason, stopSequence: z.string().optional() }),
  z.object({ type: z.literal('error'), error: CallError }),
]);
export type StreamEvent = z.infer<typeof StreamEvent>;
