import type { CallRequest, ReasoningRequest, ToolChoice, ToolDefinition } from '@weir/call-model';
import type { ParsedRequest, RequestContext } from '../dialect.js';
import { DropList } from '../translation/drop-list.js';
import type { JsonObject } from '../translation/json.js';
import { catchRequestFault, parseWith, readJsonBody } from '../translation/request-fault.js';
import { cacheOf, parseMessages } from './parse-messages.js';
import { MESSAGES_REQUEST_FIELDS, MessagesRequest } from './request-schema.js';

/** Messages body → neutral call. On Bedrock's routes model and stream come from the context. */
export function parseMessagesRequest(body: Uint8Array, context: RequestContext = {}): ParsedRequest {
  return catchRequestFault<ParsedRequest>(() => {
    const wire = parseWith(MessagesRequest, withContext(readJsonBody(body), context));
    const dropped = new DropList();
    for (const [field, value] of Object.entries(wire)) {
      if (!MESSAGES_REQUEST_FIELDS.has(field) && value !== null) dropped.add(field, 'not_carried');
    }
    return { ok: true, request: parseCall(wire, dropped), dropped: dropped.codes };
  });
}

function withContext(json: JsonObject, context: RequestContext): JsonObject {
  return {
    ...json,
    ...(context.model === undefined ? {} : { model: context.model }),
    ...(context.stream === undefined ? {} : { stream: context.stream }),
  };
}

function parseCall(wire: MessagesRequest, dropped: DropList): CallRequest {
  const reasoning = parseReasoningRequest(wire);
  const schema = wire.output_config?.format?.schema;
  const user = wire.metadata?.user_id;
  if (wire.cache_control) dropped.add('cache_control', 'automatic_caching_not_carried');
  return {
    model: wire.model,
    system: parseSystem(wire),
    messages: parseMessages(wire.messages, dropped),
    ...parseTools(wire, dropped),
    maxOutputTokens: wire.max_tokens,
    sampling: {
      ...(wire.temperature == null ? {} : { temperature: wire.temperature }),
      ...(wire.top_p == null ? {} : { topP: wire.top_p }),
      ...(wire.top_k == null ? {} : { topK: wire.top_k }),
    },
    stop: wire.stop_sequences ?? [],
    ...(schema ? { responseFormat: { type: 'json-schema' as const, schema } } : {}),
    ...(reasoning ? { reasoning } : {}),
    stream: wire.stream === true,
    ...(user == null ? {} : { user }),
  };
}

function parseSystem(wire: MessagesRequest): CallRequest['system'] {
  if (wire.system == null) return [];
  if (typeof wire.system === 'string') return [{ type: 'text', text: wire.system }];
  return wire.system.map((block) => ({ type: 'text', text: block.text, ...cacheOf(block.cache_control) }));
}

function parseReasoningRequest(wire: MessagesRequest): ReasoningRequest | undefined {
  const effort = wire.output_config?.effort;
  const withEffort = effort == null ? {} : { effort };
  switch (wire.thinking?.type) {
    case 'enabled':
      return { mode: 'budget', budgetTokens: wire.thinking.budget_tokens, ...withEffort };
    case 'adaptive':
      return { mode: 'adaptive', ...withEffort };
    case 'between_tools':
      return { mode: 'between-tools', ...withEffort };
    case 'disabled':
      return { mode: 'off', ...withEffort };
    default:
      return effort == null ? undefined : { mode: 'unspecified', effort };
  }
}

function parseTools(
  wire: MessagesRequest,
  dropped: DropList,
): Pick<CallRequest, 'tools' | 'toolChoice' | 'parallelToolCalls'> {
  const tools: ToolDefinition[] = [];
  for (const tool of wire.tools ?? []) {
    if (tool.type != null && tool.type !== 'custom') {
      dropped.add(`tools.${tool.type}`, 'not_carried');
      continue;
    }
    tools.push({
      name: tool.name,
      inputSchema: tool.input_schema ?? {},
      ...(tool.description == null ? {} : { description: tool.description }),
      ...(tool.strict == null ? {} : { strict: tool.strict }),
      ...cacheOf(tool.cache_control),
    });
  }
  const choice = wire.tool_choice;
  const isSequential = choice != null && choice.type !== 'none' && choice.disable_parallel_tool_use === true;
  return {
    tools,
    ...(choice == null ? {} : { toolChoice: parseToolChoice(choice) }),
    ...(isSequential ? { parallelToolCalls: false } : {}),
  };
}

function parseToolChoice(choice: NonNullable<MessagesRequest['tool_choice']>): ToolChoice {
  switch (choice.type) {
    case 'auto':
      return { mode: 'auto' };
    case 'any':
      return { mode: 'required' };
    case 'none':
      return { mode: 'none' };
    case 'tool':
      return { mode: 'tool', name: choice.name };
  }
}
