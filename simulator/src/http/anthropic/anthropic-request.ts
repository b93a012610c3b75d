import type { CacheTtl, ModelRequest, Part, ToolChoice, ToolDefinition, Turn } from '../../domain/conversation.js';
import { signReasoning } from '../../domain/answer.js';
import type { JsonObject } from '../../domain/json.js';
import type { SimulatedModel, WireFormatName } from '../../domain/models.js';
import { RequestFault } from '../../domain/request-fault.js';
import {
  digestOf,
  measureBase64,
  optionalArray,
  optionalBoolean,
  optionalCount,
  optionalObject,
  optionalString,
  requireArray,
  requireObject,
  requireString,
} from '../fields.js';

export interface MessagesPlace {
  readonly model: SimulatedModel;
  readonly format: WireFormatName;
  readonly stream: boolean;
}

/** @see https://platform.claude.com/docs/en/api/messages/create */
export function parseMessagesBody(fields: JsonObject, place: MessagesPlace): ModelRequest {
  const toolChoice = optionalObject(fields['tool_choice'], 'tool_choice');
  const maxOutputTokens = optionalCount(fields['max_tokens'], 'max_tokens');
  if (maxOutputTokens === undefined) throw new RequestFault(400, 'max_tokens: Field required', { param: 'max_tokens' });
  return {
    ...place,
    ...parsePrompt(fields),
    toolChoice: parseToolChoice(toolChoice),
    parallelTools: toolChoice?.['disable_parallel_tool_use'] !== true,
    answerSchema: parseOutputSchema(fields),
    wantsReasoning: parseThinking(fields, place.model.reasonsByDefault),
    maxOutputTokens,
    stopSequences: optionalArray(fields['stop_sequences'], 'stop_sequences').map((each, index) =>
      requireString(each, `stop_sequences.${index}`),
    ),
  };
}

/** What counts as input: the same fields for an answer and for count_tokens. */
export function parsePrompt(fields: JsonObject): { turns: Turn[]; tools: ToolDefinition[] } {
  const messages = requireArray(fields['messages'], 'messages').map((message, index) =>
    parseMessage(message, `messages.${index}`),
  );
  if (messages.length === 0)
    throw new RequestFault(400, 'messages: at least one message is required', { param: 'messages' });
  const system = fields['system'];
  const turns: Turn[] = [
    ...(system === undefined || system === null
      ? []
      : [{ role: 'system' as const, parts: parseContent(system, 'system') }]),
    ...joinConsecutive(messages),
  ];
  return {
    turns: markLast(turns, parseCacheControl(fields['cache_control'], 'cache_control')),
    tools: optionalArray(fields['tools'], 'tools').map((tool, index) => parseTool(tool, `tools.${index}`)),
  };
}

/** A `cache_control` on the request itself marks its last block. */
function markLast(turns: Turn[], cache: CacheTtl | undefined): Turn[] {
  const last = turns.at(-1);
  if (cache === undefined || last === undefined) return turns;
  const parts = last.parts.map((part, index) => (index === last.parts.length - 1 ? { ...part, cache } : part));
  return [...turns.slice(0, -1), { ...last, parts }];
}

function joinConsecutive(turns: readonly Turn[]): Turn[] {
  const joined: Turn[] = [];
  for (const turn of turns) {
    const previous = joined.at(-1);
    if (previous?.role === turn.role)
      joined[joined.length - 1] = { role: turn.role, parts: [...previous.parts, ...turn.parts] };
    else joined.push(turn);
  }
  return joined;
}

function parseMessage(value: unknown, path: string): Turn {
  const message = requireObject(value, path);
  const role = requireString(message['role'], `${path}.role`);
  if (role !== 'user' && role !== 'assistant' && role !== 'system') {
    throw new RequestFault(400, `${path}.role: Input should be 'user', 'assistant' or 'system'`, {
      param: `${path}.role`,
    });
  }
  return { role, parts: parseContent(message['content'], `${path}.content`) };
}

function parseContent(content: unknown, path: string): Part[] {
  if (typeof content === 'string') return [{ kind: 'text', text: content }];
  return requireArray(content, path).flatMap((value, index) => {
    const at = `${path}.${index}`;
    const block = requireObject(value, at);
    const cache = parseCacheControl(block['cache_control'], `${at}.cache_control`);
    return parseBlock(block, at).map((part) => (cache === undefined ? part : { ...part, cache }));
  });
}

function parseBlock(block: JsonObject, path: string): Part[] {
  const type = requireString(block['type'], `${path}.type`);
  switch (type) {
    case 'text':
      return [{ kind: 'text', text: parseText(block, path) }];
    case 'image':
    case 'document':
      return [{ kind: type, ...parseSource(requireObject(block['source'], `${path}.source`), `${path}.source`) }];
    case 'tool_use':
      return [
        {
          kind: 'tool-call',
          id: requireString(block['id'], `${path}.id`),
          name: requireString(block['name'], `${path}.name`),
          arguments: JSON.stringify(requireObject(block['input'], `${path}.input`)),
        },
      ];
    case 'tool_result':
      return [parseToolResult(block, path)];
    case 'thinking':
      return [parseThinkingBlock(block, path)];
    case 'redacted_thinking':
      return [{ kind: 'reasoning', text: requireString(block['data'], `${path}.data`) }];
    default:
      // Blocks of server tools and of betas: part of the prompt, without a meaning here.
      return [{ kind: 'document', label: type, digest: digestOf(JSON.stringify(block)), byteCount: 0 }];
  }
}

function parseText(block: JsonObject, path: string): string {
  const text = requireString(block['text'], `${path}.text`);
  if (text === '') throw new RequestFault(400, `${path}: text content blocks must be non-empty`, { param: path });
  return text;
}

function parseSource(source: JsonObject, path: string): { label: string; digest: string; byteCount: number } {
  const type = requireString(source['type'], `${path}.type`);
  switch (type) {
    case 'base64':
      return {
        label: requireString(source['media_type'], `${path}.media_type`),
        ...measureBase64(requireString(source['data'], `${path}.data`)),
      };
    case 'text': {
      const text = requireString(source['data'], `${path}.data`);
      return { label: 'text/plain', digest: digestOf(text), byteCount: Buffer.byteLength(text) };
    }
    case 'url':
      return named(requireString(source['url'], `${path}.url`));
    case 'file':
      return named(requireString(source['file_id'], `${path}.file_id`));
    default:
      return { ...named(JSON.stringify(source)), label: type };
  }
}

function named(reference: string): { label: string; digest: string; byteCount: number } {
  return { label: reference.slice(0, 100), digest: digestOf(reference), byteCount: 0 };
}

function parseToolResult(block: JsonObject, path: string): Part {
  const content = block['content'];
  const parts = content === undefined || content === null ? [] : parseContent(content, `${path}.content`);
  return {
    kind: 'tool-result',
    callId: requireString(block['tool_use_id'], `${path}.tool_use_id`),
    text: parts.map((part) => (part.kind === 'text' ? part.text : `[${part.kind}]`)).join('\n'),
    isError: optionalBoolean(block['is_error'], `${path}.is_error`) ?? false,
  };
}

/** As the real API does, refuses reasoning that it did not write itself. */
function parseThinkingBlock(block: JsonObject, path: string): Part {
  const text = requireString(block['thinking'], `${path}.thinking`);
  const signature = requireString(block['signature'], `${path}.signature`);
  if (signature !== signReasoning(text)) {
    throw new RequestFault(400, `${path}: Invalid \`signature\` in \`thinking\` block`, { param: path });
  }
  return { kind: 'reasoning', text };
}

function parseCacheControl(value: unknown, path: string): CacheTtl | undefined {
  const control = optionalObject(value, path);
  if (control === undefined) return undefined;
  const ttl = optionalString(control['ttl'], `${path}.ttl`) ?? '5m';
  if (control['type'] !== 'ephemeral' || (ttl !== '5m' && ttl !== '1h')) {
    throw new RequestFault(400, `${path}: type must be 'ephemeral' and ttl '5m' or '1h'`, { param: path });
  }
  return ttl;
}

function parseTool(value: unknown, path: string): ToolDefinition {
  const tool = requireObject(value, path);
  const cache = parseCacheControl(tool['cache_control'], `${path}.cache_control`);
  const isServerTool = tool['type'] !== undefined && tool['type'] !== 'custom';
  return {
    name: requireString(tool['name'], `${path}.name`),
    description: optionalString(tool['description'], `${path}.description`) ?? '',
    schema: isServerTool ? {} : requireObject(tool['input_schema'], `${path}.input_schema`),
    ...(cache === undefined ? {} : { cache }),
  };
}

function parseToolChoice(choice: JsonObject | undefined): ToolChoice {
  switch (choice?.['type']) {
    case undefined:
    case 'auto':
      return { mode: 'auto' };
    case 'none':
      return { mode: 'none' };
    case 'any':
      return { mode: 'required' };
    case 'tool':
      return { mode: 'named', name: requireString(choice['name'], 'tool_choice.name') };
    default:
      throw new RequestFault(400, "tool_choice.type: Input should be 'auto', 'any', 'tool' or 'none'", {
        param: 'tool_choice.type',
      });
  }
}

function parseOutputSchema(fields: JsonObject): JsonObject | undefined {
  const config = optionalObject(fields['output_config'], 'output_config');
  const format = optionalObject(config?.['format'] ?? fields['output_format'], 'output_config.format');
  if (format === undefined) return undefined;
  if (format['type'] !== 'json_schema')
    throw new RequestFault(400, "output_config.format.type: Input should be 'json_schema'", {
      param: 'output_config.format.type',
    });
  return requireObject(format['schema'], 'output_config.format.schema');
}

function parseThinking(fields: JsonObject, byDefault: boolean): boolean {
  const thinking = optionalObject(fields['thinking'], 'thinking');
  return thinking === undefined ? byDefault : requireString(thinking['type'], 'thinking.type') !== 'disabled';
}
