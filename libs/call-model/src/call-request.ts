import { z } from 'zod';
import { Block, CacheBreakpoint, TextBlock } from './block.js';

/** `system` here is a system message in the middle of a conversation; leading ones are `CallRequest.system`. */
export const CallMessage = z.object({
  role: z.enum(['user', 'assistant', 'system']),
  content: z.array(Block),
});
export type CallMessage = z.infer<typeof CallMessage>;

export const ToolDefinition = z.object({
  name: z.string(),
  description: z.string().optional(),
  inputSchema: z.record(z.string(), z.unknown()),
  strict: z.boolean().optional(),
  cache: CacheBreakpoint.optional(),
});
export type ToolDefinition = z.infer<typeof ToolDefinition>;

export const ToolChoice = z.discriminatedUnion('mode', [
  z.object({ mode: z.literal('auto') }),
  z.object({ mode: z.literal('none') }),
  z.object({ mode: z.literal('required') }),
  z.object({ mode: z.literal('tool'), name: z.string() }),
]);
export type ToolChoice = z.infer<typeof ToolChoice>;

export const Sampling = z.object({
  temperature: z.number().optional(),
  topP: z.number().optional(),
  topK: z.number().optional(),
  frequencyPenalty: z.number().optional(),
  presencePenalty: z.number().optional(),
  seed: z.number().optional(),
});
export type Sampling = z.infer<typeof Sampling>;

export const ResponseFormat = z.discriminatedUnion('type', [
  z.object({ type: z.literal('json-object') }),
  z.object({
    type: z.literal('json-schema'),
    schema: z.record(z.string(), z.unknown()),
    name: z.string().optional(),
    description: z.string().optional(),
    strict: z.boolean().optional(),
  }),
]);
export type ResponseFormat = z.infer<typeof ResponseFormat>;

/** How much the model should think. Words are the providers' own (`minimal` … `max`); a budget is in tokens. */
export const ReasoningRequest = z.object({
  mode: z.enum(['off', 'adaptive', 'budget', 'between-tools', 'unspecified']),
  effort: z.string().optional(),
  budgetTokens: z.int().positive().optional(),
});
export type ReasoningRequest = z.infer<typeof ReasoningRequest>;

/** One call to a model, in no provider's format. Produced by a dialect's `parseRequest`, consumed by its `writeRequest`. */
export const CallRequest = z.object({
  model: z.string(),
  system: z.array(TextBlock),
  messages: z.array(CallMessage),
  tools: z.array(ToolDefinition),
  toolChoice: ToolChoice.optional(),
  parallelToolCalls: z.boolean().optional(),
  maxOutputTokens: z.int().positive().optional(),
  sampling: Sampling,
  stop: z.array(z.string()),
  responseFormat: ResponseFormat.optional(),
  reasoning: ReasoningRequest.optional(),
  /** Answers wanted for one prompt (Chat's `n`). */
  choices: z.int().positive().optional(),
  logprobs: z.boolean().optional(),
  stream: z.boolean(),
  /** The caller asked to see usage in the stream (Chat's `stream_options.include_usage`). */
  streamUsage: z.boolean().optional(),
  user: z.string().optional(),
  metadata: z.record(z.string(), z.string()).optional(),
});
export type CallRequest = z.infer<typeof CallRequest>;
