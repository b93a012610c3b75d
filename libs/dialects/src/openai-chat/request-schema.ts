import { z } from 'zod';
import { WireObject } from '../translation/wire-object.js';

/*
 * POST /v1/chat/completions, as far as the neutral model carries it. Objects are loose: what is not named here is
 * listed as dropped, not refused.
 * https://platform.openai.com/docs/api-reference/chat/create
 */
const cacheControl = z.looseObject({ type: z.literal('ephemeral'), ttl: z.enum(['5m', '1h']).nullish() }).nullish();

const TextPart = z.looseObject({ type: z.literal('text'), text: z.string(), cache_control: cacheControl });
const ImagePart = z.looseObject({
  type: z.literal('image_url'),
  image_url: z.looseObject({ url: z.string(), detail: z.string().nullish() }),
  cache_control: cacheControl,
});
const FilePart = z.looseObject({
  type: z.literal('file'),
  file: z.looseObject({
    file_data: z.string().nullish(),
    file_id: z.string().nullish(),
    filename: z.string().nullish(),
  }),
  cache_control: cacheControl,
});
const AudioPart = z.looseObject({ type: z.literal('input_audio') });
const RefusalPart = z.looseObject({ type: z.literal('refusal'), refusal: z.string() });

const UserPart = z.discriminatedUnion('type', [TextPart, ImagePart, FilePart, AudioPart]);
const AssistantPart = z.discriminatedUnion('type', [TextPart, RefusalPart]);
const ToolPart = z.discriminatedUnion('type', [TextPart, ImagePart]);

export type UserPart = z.infer<typeof UserPart>;

const ToolCall = z.looseObject({
  id: z.string(),
  type: z.string().nullish(),
  function: z.looseObject({ name: z.string(), arguments: z.string() }).optional(),
});

/** OpenRouter's form for reasoning that must come back unchanged; Weir gives and takes it too. */
const ReasoningDetail = z.looseObject({
  type: z.string(),
  text: z.string().nullish(),
  signature: z.string().nullish(),
  data: z.string().nullish(),
  format: z.string().nullish(),
});

const SystemMessage = z.looseObject({
  role: z.enum(['system', 'developer']),
  content: z.union([z.string(), z.array(TextPart)]),
});
const UserMessage = z.looseObject({ role: z.literal('user'), content: z.union([z.string(), z.array(UserPart)]) });
const AssistantMessage = z.looseObject({
  role: z.literal('assistant'),
  content: z.union([z.string(), z.array(AssistantPart)]).nullish(),
  refusal: z.string().nullish(),
  tool_calls: z.array(ToolCall).nullish(),
  reasoning_content: z.string().nullish(),
  reasoning_details: z.array(ReasoningDetail).nullish(),
});
const ToolMessage = z.looseObject({
  role: z.literal('tool'),
  tool_call_id: z.string(),
  content: z.union([z.string(), z.array(ToolPart)]),
});

export const ChatMessage = z.discriminatedUnion('role', [SystemMessage, UserMessage, AssistantMessage, ToolMessage]);
export type ChatMessage = z.infer<typeof ChatMessage>;
export type ChatAssistantMessage = z.infer<typeof AssistantMessage>;

const FunctionTool = z.looseObject({
  type: z.string(),
  function: z
    .looseObject({
      name: z.string().min(1),
      description: z.string().nullish(),
      parameters: WireObject.nullish(),
      strict: z.boolean().nullish(),
    })
    .optional(),
  cache_control: cacheControl,
});

const ToolChoice = z.union([
  z.enum(['none', 'auto', 'required']),
  z.looseObject({ type: z.string(), function: z.looseObject({ name: z.string() }).optional() }),
]);

const ResponseFormat = z.discriminatedUnion('type', [
  z.looseObject({ type: z.literal('text') }),
  z.looseObject({ type: z.literal('json_object') }),
  z.looseObject({
    type: z.literal('json_schema'),
    json_schema: z.looseObject({
      name: z.string().nullish(),
      description: z.string().nullish(),
      schema: WireObject.nullish(),
      strict: z.boolean().nullish(),
    }),
  }),
]);

export const ChatRequest = z.looseObject({
  model: z.string().min(1),
  messages: z.array(ChatMessage).min(1),
  tools: z.array(FunctionTool).nullish(),
  tool_choice: ToolChoice.nullish(),
  parallel_tool_calls: z.boolean().nullish(),
  max_tokens: z.int().min(1).nullish(),
  max_completion_tokens: z.int().min(1).nullish(),
  temperature: z.number().min(0).max(2).nullish(),
  top_p: z.number().min(0).max(1).nullish(),
  top_k: z.number().nullish(),
  frequency_penalty: z.number().nullish(),
  presence_penalty: z.number().nullish(),
  seed: z.int().nullish(),
  stop: z.union([z.string(), z.array(z.string())]).nullish(),
  response_format: ResponseFormat.nullish(),
  reasoning_effort: z.string().nullish(),
  n: z.int().min(1).nullish(),
  logprobs: z.boolean().nullish(),
  stream: z.boolean().nullish(),
  stream_options: z.looseObject({ include_usage: z.boolean().nullish() }).nullish(),
  user: z.string().nullish(),
  metadata: z.record(z.string(), z.string()).nullish(),
});
export type ChatRequest = z.infer<typeof ChatRequest>;

/** Everything `parseRequest` reads; other fields are dropped in a translation. */
export const CHAT_REQUEST_FIELDS: ReadonlySet<string> = new Set(Object.keys(ChatRequest.shape));
