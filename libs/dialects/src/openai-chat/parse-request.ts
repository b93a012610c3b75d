import type {
  CallRequest,
  ReasoningRequest,
  ResponseFormat,
  Sampling,
  ToolChoice,
  ToolDefinition,
} from '@weir/call-model';
import type { ParsedRequest } from '../dialect.js';
import { DropList } from '../translation/drop-list.js';
import { withoutUndefined } from '../translation/json.js';
import { catchRequestFault, parseWith, readJsonBody, RequestFaultError } from '../translation/request-fault.js';
import { cacheOf, parseConversation } from './parse-messages.js';
import { CHAT_REQUEST_FIELDS, ChatRequest } from './request-schema.js';

/** Chat Completions body → neutral call. Faults name the field; what the neutral model has no place for is listed. */
export function parseChatRequest(body: Uint8Array): ParsedRequest {
  return catchRequestFault<ParsedRequest>(() => {
    const json = readJsonBody(body);
    if (json['messages'] === undefined && json['input'] !== undefined) {
      throw new RequestFaultError(
        'messages',
        'messages: this field is required ("input" belongs to the Responses API)',
      );
    }
    const wire = parseWith(ChatRequest, json);
    const dropped = new DropList();
    for (const [field, value] of Object.entries(wire)) {
      if (!CHAT_REQUEST_FIELDS.has(field) && value !== null) dropped.add(field, 'not_carried');
    }
    const request = {
      model: wire.model,
      ...parseConversation(wire.messages, dropped),
      ...parseTools(wire, dropped),
      ...parseOptions(wire),
    };
    return { ok: true, request, dropped: dropped.codes };
  });
}

function parseOptions(wire: ChatRequest) {
  const { stop } = wire;
  return {
    sampling: parseSampling(wire),
    stop: stop == null ? [] : typeof stop === 'string' ? [stop] : stop,
    stream: wire.stream === true,
    ...present({
      maxOutputTokens: wire.max_completion_tokens ?? wire.max_tokens,
      responseFormat: parseResponseFormat(wire),
      reasoning: parseReasoningRequest(wire),
      choices: wire.n,
      logprobs: wire.logprobs === true ? true : null,
      streamUsage: wire.stream_options?.include_usage === true ? true : null,
      user: wire.user,
      metadata: wire.metadata,
    }),
  };
}

/** Only the fields that have a value: null and absent mean the same in Chat. */
function present<T extends object>(fields: T): { [K in keyof T]?: NonNullable<T[K]> } {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value != null)) as {
    [K in keyof T]?: NonNullable<T[K]>;
  };
}

function parseSampling(wire: ChatRequest): Sampling {
  return present({
    temperature: wire.temperature,
    topP: wire.top_p,
    topK: wire.top_k,
    frequencyPenalty: wire.frequency_penalty,
    presencePenalty: wire.presence_penalty,
    seed: wire.seed,
  });
}

function parseReasoningRequest(wire: ChatRequest): ReasoningRequest | undefined {
  if (wire.reasoning_effort == null) return undefined;
  return wire.reasoning_effort === 'none' ? { mode: 'off' } : { mode: 'unspecified', effort: wire.reasoning_effort };
}

function parseResponseFormat(wire: ChatRequest): ResponseFormat | undefined {
  const format = wire.response_format;
  if (format == null || format.type === 'text') return undefined;
  if (format.type === 'json_object') return { type: 'json-object' };
  const { name, description, schema, strict } = format.json_schema;
  return { type: 'json-schema', schema: schema ?? {}, ...present({ name, description, strict }) };
}

function parseTools(
  wire: ChatRequest,
  dropped: DropList,
): Pick<CallRequest, 'tools' | 'toolChoice' | 'parallelToolCalls'> {
  const tools: ToolDefinition[] = [];
  (wire.tools ?? []).forEach((tool, index) => {
    if (tool.type !== 'function') {
      dropped.add(`tools.${tool.type}`, 'not_carried');
      return;
    }
    if (tool.function === undefined) {
      throw new RequestFaultError(`tools[${index}].function`, `tools[${index}].function: this field is required`);
    }
    const { name, description, parameters, strict } = tool.function;
    tools.push({
      name,
      inputSchema: parameters ?? {},
      ...present({ description, strict }),
      ...cacheOf(tool.cache_control),
    });
  });
  const toolChoice = parseToolChoice(wire, dropped);
  return {
    tools,
    ...(toolChoice ? { toolChoice } : {}),
    ...withoutUndefined({ parallelToolCalls: wire.parallel_tool_calls ?? undefined }),
  };
}

function parseToolChoice(wire: ChatRequest, dropped: DropList): ToolChoice | undefined {
  const choice = wire.tool_choice;
  if (choice == null) return undefined;
  if (typeof choice === 'string') return { mode: choice };
  if (choice.type === 'function' && choice.function) return { mode: 'tool', name: choice.function.name };
  dropped.add(`tool_choice.${choice.type}`, 'not_carried');
  return undefined;
}
