import { z } from 'zod';
import { WireObject } from '../translation/wire-object.js';

/*
 * POST /v1/messages, as far as the neutral model carries it. Objects are loose, and content blocks of unknown types (server tools and
 * their results) are let through here and listed as dropped later.
 * https://platform.claude.com/docs/en/api/messages
 */
const CacheControl = z.looseObject({ type: z.literal('ephemeral'), ttl: z.enum(['5m', '1h']).nullish() }).nullish();
export type CacheControl = z.infer<typeof CacheControl>;

const Base64Source = z.looseObject({ type: z.literal('base64'), media_type: z.string(), data: z.string() });
const UrlSource = z.looseObject({ type: z.literal('url'), url: z.string() });
const FileSource = z.looseObject({ type: z.literal('file'), file_id: z.string() });
const TextSource = z.looseObject({ type: z.literal('text'), data: z.string() });
const ContentSource = z.looseObject({ type: z.literal('content') });
const MediaSource = z.discriminatedUnion('type', [Base64Source, UrlSource, FileSource, TextSource, ContentSource]);
export type WireSource = z.infer<typeof MediaSource>;

const TextBlock = z.looseObject({ type: z.literal('text'), text: z.string(), cache_control: CacheControl });
const ImageBlock = z.looseObject({ type: z.literal('image'), source: MediaSource, cache_control: CacheControl });
const DocumentBlock = z.looseObject({
  type: z.literal('document'),
  source: MediaSource,
  title: z.string().nullish(),
  cache_control: CacheControl,
});
const ToolUseBlock = z.looseObject({
  type: z.literal('tool_use'),
  id: z.string(),
  name: z.string(),
  input: WireObject,
  cache_control: CacheControl,
});
const ToolResultBlock = z.looseObject({
  type: z.literal('tool_result'),
  tool_use_id: z.string(),
  content: z.union([z.string(), z.array(z.looseObject({ type: z.string() }))]).nullish(),
  is_error: z.boolean().nullish(),
  cache_control: CacheControl,
});
const ThinkingBlock = z.looseObject({
  type: z.literal('thinking'),
  thinking: z.string(),
  signature: z.string().nullish(),
});
const RedactedThinkingBlock = z.looseObject({ type: z.literal('redacted_thinking'), data: z.string() });

/** Which schema a block of this type must fit; other types are not carried. */
export const BLOCK_SCHEMAS = {
  text: TextBlock,
  image: ImageBlock,
  document: DocumentBlock,
  tool_use: ToolUseBlock,
  tool_result: ToolResultBlock,
  thinking: ThinkingBlock,
  redacted_thinking: RedactedThinkingBlock,
} as const;

const Message = z.looseObject({
  role: z.enum(['user', 'assistant', 'system']),
  content: z.union([z.string(), z.array(z.looseObject({ type: z.string() }))]),
});
export type WireMessage = z.infer<typeof Message>;

const Tool = z.looseObject({
  type: z.string().nullish(),
  name: z.string().min(1),
  description: z.string().nullish(),
  input_schema: WireObject.optional(),
  strict: z.boolean().nullish(),
  cache_control: CacheControl,
});

const ToolChoice = z.discriminatedUnion('type', [
  z.looseObject({ type: z.literal('auto'), disable_parallel_tool_use: z.boolean().nullish() }),
  z.looseObject({ type: z.literal('any'), disable_parallel_tool_use: z.boolean().nullish() }),
  z.looseObject({ type: z.literal('none') }),
  z.looseObject({ type: z.literal('tool'), name: z.string(), disable_parallel_tool_use: z.boolean().nullish() }),
]);

const Thinking = z.discriminatedUnion('type', [
  z.looseObject({ type: z.literal('enabled'), budget_tokens: z.int().min(1) }),
  z.looseObject({ type: z.literal('adaptive') }),
  z.looseObject({ type: z.literal('between_tools') }),
  z.looseObject({ type: z.literal('disabled') }),
]);

export const MessagesRequest = z.looseObject({
  model: z.string().min(1),
  messages: z.array(Message).min(1),
  max_tokens: z.int().min(1),
  system: z.union([z.string(), z.array(TextBlock)]).nullish(),
  tools: z.array(Tool).nullish(),
  tool_choice: ToolChoice.nullish(),
  temperature: z.number().min(0).max(1).nullish(),
  top_p: z.number().min(0).max(1).nullish(),
  top_k: z.int().min(0).nullish(),
  stop_sequences: z.array(z.string()).nullish(),
  thinking: Thinking.nullish(),
  output_config: z
    .looseObject({
      effort: z.string().nullish(),
      format: z.looseObject({ type: z.literal('json_schema'), schema: WireObject }).nullish(),
    })
    .nullish(),
  stream: z.boolean().nullish(),
  metadata: z.looseObject({ user_id: z.string().nullish() }).nullish(),
  cache_control: CacheControl,
});
export type MessagesRequest = z.infer<typeof MessagesRequest>;

/** Everything `parseRequest` reads, and what InvokeModel adds; other fields are dropped in a translation. */
export const MESSAGES_REQUEST_FIELDS: ReadonlySet<string> = new Set([
  ...Object.keys(MessagesRequest.shape),
  'anthropic_version',
]);
