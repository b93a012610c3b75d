import { z } from 'zod';
import { OutputBlock } from './block.js';
import { Usage } from './usage.js';

/** Why the model stopped. `malformed`: it produced output its platform could not parse. */
export const FinishReason = z.enum([
  'stop',
  'stop-sequence',
  'length',
  'context-length',
  'tool-calls',
  'content-filter',
  'refusal',
  'pause',
  'malformed',
]);
export type FinishReason = z.infer<typeof FinishReason>;

/** A whole answer, in no provider's format. */
export const CallResponse = z.object({
  id: z.string(),
  model: z.string(),
  content: z.array(OutputBlock),
  finish: FinishReason,
  stopSequence: z.string().optional(),
  usage: Usage.nullable(),
});
export type CallResponse = z.infer<typeof CallResponse>;
