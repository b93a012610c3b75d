import { z } from 'zod';

/** Where a prompt-cache prefix ends. `5m` and `1h` are the lifetimes Anthropic and Bedrock bill apart. */
export const CacheBreakpoint = z.object({ ttl: z.enum(['5m', '1h']) });
export type CacheBreakpoint = z.infer<typeof CacheBreakpoint>;

/**
 * Bytes are kept in the base64 form every wire format uses, so that an image that only passes through
 * is neither decoded nor copied. `file` ids belong to one provider and never cross to another.
 */
export const MediaSource = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('base64'), mediaType: z.string(), data: z.string() }),
  z.object({ kind: z.literal('url'), url: z.string() }),
  z.object({ kind: z.literal('text'), text: z.string() }),
  z.object({ kind: z.literal('file'), id: z.string() }),
]);
export type MediaSource = z.infer<typeof MediaSource>;

/** `refusal` marks text a model gave instead of an answer; Chat keeps it in a field of its own. */
export const TextBlock = z.object({
  type: z.literal('text'),
  text: z.string(),
  refusal: z.literal(true).optional(),
  cache: CacheBreakpoint.optional(),
});
export type TextBlock = z.infer<typeof TextBlock>;

export const ImageBlock = z.object({
  type: z.literal('image'),
  source: MediaSource,
  detail: z.string().optional(),
  cache: CacheBreakpoint.optional(),
});
export type ImageBlock = z.infer<typeof ImageBlock>;

export const DocumentBlock = z.object({
  type: z.literal('document'),
  source: MediaSource,
  name: z.string().optional(),
  cache: CacheBreakpoint.optional(),
});
export type DocumentBlock = z.infer<typeof DocumentBlock>;

/**
 * `input` is the JSON text as the model wrote it (possibly empty or cut off by the token limit), never a parsed
 * value: parsing would lose large integers and the model's own spelling.
 */
export const ToolCallBlock = z.object({
  type: z.literal('tool-call'),
  id: z.string(),
  name: z.string(),
  input: z.string(),
  cache: CacheBreakpoint.optional(),
});
export type ToolCallBlock = z.infer<typeof ToolCallBlock>;

export const ToolResultBlock = z.object({
  type: z.literal('tool-result'),
  toolCallId: z.string(),
  content: z.array(z.discriminatedUnion('type', [TextBlock, ImageBlock, DocumentBlock])),
  isError: z.boolean().optional(),
  cache: CacheBreakpoint.optional(),
});
export type ToolResultBlock = z.infer<typeof ToolResultBlock>;

/**
 * A model's reasoning. `signature` and `redacted` are opaque to everyone but the family that made them
 * (`origin`): they travel unchanged or not at all, and none is ever invented.
 * A block may have a signature and no text (reasoning withheld for display).
 */
export const ReasoningBlock = z.object({
  type: z.literal('reasoning'),
  text: z.string(),
  signature: z.string().optional(),
  redacted: z.string().optional(),
  /** `claude`: signed by Claude, on whichever platform (signatures are valid across them). `open`: plain text. */
  origin: z.enum(['claude', 'open']),
});
export type ReasoningBlock = z.infer<typeof ReasoningBlock>;

export const Block = z.discriminatedUnion('type', [
  TextBlock,
  ImageBlock,
  DocumentBlock,
  ToolCallBlock,
  ToolResultBlock,
  ReasoningBlock,
]);
export type Block = z.infer<typeof Block>;

/** What a model can produce. */
export const OutputBlock = z.discriminatedUnion('type', [TextBlock, ToolCallBlock, ReasoningBlock]);
export type OutputBlock = z.infer<typeof OutputBlock>;
