import type { ModelRequest, Part, ToolChoice, ToolDefinition, Turn } from '../../domain/conversation.js';
import { isJsonObject, type JsonObject } from '../../domain/json.js';
import { getModel } from '../../domain/models.js';
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

/** @see https://platform.openai.com/docs/api-reference/chat/create */
export function parseChatRequest(body: unknown): ModelRequest {
  const fields = requireObject(body, 'body');
  const model = getModel(fields['model'], 'openai-chat');
  if (fields['n'] !== undefined && fields['n'] !== null && fields['n'] !== 1) {
    throw new RequestFault(400, 'weir-simulator answers one choice: n must be 1', { param: 'n' });
  }
  const messages = requireArray(fields['messages'], 'messages');
  if (messages.length === 0) {
    throw new RequestFault(
      400,
      "Invalid 'messages': empty array. Expected an array with minimum length 1, but got an empty array instead.",
      { param: 'messages', code: 'empty_array' },
    );
  }
  return {
    model,
    format: 'openai-chat',
    stream: optionalBoolean(fields['stream'], 'stream') ?? false,
    turns: joinToolResults(messages.map((message, index) => parseMessage(message, `messages[${index}]`))),
    tools: optionalArray(fields['tools'], 'tools').map((tool, index) => parseTool(tool, `tools[${index}]`)),
    toolChoice: parseToolChoice(fields['tool_choice']),
    parallelTools: optionalBoolean(fields['parallel_tool_calls'], 'parallel_tool_calls') ?? true,
    answerSchema: parseResponseFormat(fields['response_format']),
    wantsReasoning: wantsReasoning(fields, model.reasonsByDefault),
    maxOutputTokens:
      optionalCount(fields['max_completion_tokens'], 'max_completion_tokens') ??
      optionalCount(fields['max_tokens'], 'max_tokens'),
    stopSequences: parseStop(fields['stop']),
  };
}

/** `reasoning_effort` is OpenAI's switch, `enable_thinking` Qwen's, `thinking.type` DeepSeek's. */
function wantsReasoning(fields: JsonObject, byDefault: boolean): boolean {
  const thinking = optionalObject(fields['thinking'], 'thinking');
  if (thinking !== undefined) return thinking['type'] !== 'disabled';
  const enabled = optionalBoolean(fields['enable_thinking'], 'enable_thinking');
  if (enabled !== undefined) return enabled;
  const effort = optionalString(fields['reasoning_effort'], 'reasoning_effort');
  return effort === undefined ? byDefault : effort !== 'none';
}

function parseMessage(value: unknown, path: string): Turn {
  const message = requireObject(value, path);
  const role = requireString(message['role'], `${path}.role`);
  switch (role) {
    case 'system':
    case 'developer':
      return { role: 'system', parts: parseContent(message['content'], `${path}.content`) };
    case 'user':
      return { role: 'user', parts: parseContent(message['content'], `${path}.content`) };
    case 'assistant':
      return { role: 'assistant', parts: parseAssistant(message, path) };
    case 'tool':
      return { role: 'user', parts: [parseToolMessage(message, path)] };
    default:
      throw new RequestFault(
        400,
        `Invalid value: '${role}'. Supported values are: 'system', 'assistant', 'user', 'tool', and 'developer'.`,
        { param: `${path}.role`, code: 'invalid_value' },
      );
  }
}

function parseAssistant(message: JsonObject, path: string): Part[] {
  const reasoning = optionalString(message['reasoning_content'], `${path}.reasoning_content`);
  const content = message['content'];
  const calls = optionalArray(message['tool_calls'], `${path}.tool_calls`);
  return [
    ...(reasoning === undefined || reasoning === '' ? [] : [{ kind: 'reasoning' as const, text: reasoning }]),
    ...(content === null || content === undefined ? [] : parseContent(content, `${path}.content`)),
    ...calls.map((call, index) => parseToolCall(call, `${path}.tool_calls[${index}]`)),
  ];
}

function parseToolCall(value: unknown, path: string): Part {
  const call = requireObject(value, path);
  const called = requireObject(call['function'], `${path}.function`);
  return {
    kind: 'tool-call',
    id: requireString(call['id'], `${path}.id`),
    name: requireString(called['name'], `${path}.function.name`),
    arguments: requireString(called['arguments'], `${path}.function.arguments`),
  };
}

function parseToolMessage(message: JsonObject, path: string): Part {
  const parts = parseContent(message['content'], `${path}.content`);
  return {
    kind: 'tool-result',
    callId: requireString(message['tool_call_id'], `${path}.tool_call_id`),
    text: parts.map((part) => (part.kind === 'text' ? part.text : '')).join(''),
    isError: false,
  };
}

/** OpenAI sends one message a result; the turn they answer is one. */
function joinToolResults(turns: readonly Turn[]): Turn[] {
  const joined: Turn[] = [];
  for (const turn of turns) {
    const previous = joined.at(-1);
    const isResult = turn.parts[0]?.kind === 'tool-result';
    if (isResult && previous?.parts[0]?.kind === 'tool-result') {
      joined[joined.length - 1] = { role: 'user', parts: [...previous.parts, ...turn.parts] };
    } else joined.push(turn);
  }
  return joined;
}

function parseContent(content: unknown, path: string): Part[] {
  if (typeof content === 'string') return [{ kind: 'text', text: content }];
  return requireArray(content, path).map((part, index) => parsePart(part, `${path}[${index}]`));
}

function parsePart(value: unknown, path: string): Part {
  const part = requireObject(value, path);
  const type = requireString(part['type'], `${path}.type`);
  switch (type) {
    case 'text':
      return { kind: 'text', text: requireString(part['text'], `${path}.text`) };
    case 'refusal':
      return { kind: 'text', text: requireString(part['refusal'], `${path}.refusal`) };
    case 'image_url': {
      const image = requireObject(part['image_url'], `${path}.image_url`);
      return { kind: 'image', ...parseUrl(requireString(image['url'], `${path}.image_url.url`)) };
    }
    case 'file': {
      const file = requireObject(part['file'], `${path}.file`);
      const source =
        optionalString(file['file_data'], `${path}.file.file_data`) ??
        optionalString(file['file_id'], `${path}.file.file_id`) ??
        '';
      return {
        kind: 'document',
        ...parseUrl(source),
        label: optionalString(file['filename'], `${path}.file.filename`) ?? 'file',
      };
    }
    case 'input_audio': {
      const audio = requireObject(part['input_audio'], `${path}.input_audio`);
      return {
        kind: 'document',
        label: 'audio',
        ...measureBase64(requireString(audio['data'], `${path}.input_audio.data`)),
      };
    }
    default:
      throw new RequestFault(
        400,
        `Invalid value: '${type}'. Supported values are: 'text', 'image_url', 'input_audio', 'refusal' and 'file'.`,
        {
          param: `${path}.type`,
          code: 'invalid_value',
        },
      );
  }
}

/** Nothing is fetched: a plain URL is only named. */
function parseUrl(url: string): { label: string; digest: string; byteCount: number } {
  const data = /^data:([^;,]*)(?:;[^,]*)?,/.exec(url.slice(0, 256));
  if (data === null) return { label: url.slice(0, 100), digest: digestOf(url), byteCount: 0 };
  return { label: data[1] ?? '', ...measureBase64(url.slice(data[0].length)) };
}

function parseTool(value: unknown, path: string): ToolDefinition {
  const tool = requireObject(value, path);
  const definition = requireObject(tool[tool['type'] === 'custom' ? 'custom' : 'function'], `${path}.function`);
  return {
    name: requireString(definition['name'], `${path}.function.name`),
    description: optionalString(definition['description'], `${path}.function.description`) ?? '',
    schema: optionalObject(definition['parameters'], `${path}.function.parameters`) ?? {},
  };
}

function parseToolChoice(choice: unknown): ToolChoice {
  if (choice === undefined || choice === null || choice === 'auto') return { mode: 'auto' };
  if (choice === 'none' || choice === 'required') return { mode: choice };
  const fields = requireObject(choice, 'tool_choice');
  if (fields['type'] === 'allowed_tools') {
    const allowed = requireObject(fields['allowed_tools'], 'tool_choice.allowed_tools');
    return { mode: allowed['mode'] === 'required' ? 'required' : 'auto' };
  }
  return {
    mode: 'named',
    name: requireString(requireObject(fields['function'], 'tool_choice.function')['name'], 'tool_choice.function.name'),
  };
}

function parseResponseFormat(value: unknown): JsonObject | undefined {
  const format = optionalObject(value, 'response_format');
  switch (format?.['type']) {
    case undefined:
    case 'text':
      return undefined;
    case 'json_object':
      return { type: 'object', properties: { answer: { type: 'string' } }, required: ['answer'] };
    case 'json_schema': {
      const definition = requireObject(format['json_schema'], 'response_format.json_schema');
      requireString(definition['name'], 'response_format.json_schema.name');
      return requireObject(definition['schema'], 'response_format.json_schema.schema');
    }
    default:
      throw new RequestFault(400, "response_format.type must be 'text', 'json_object' or 'json_schema'", {
        param: 'response_format.type',
      });
  }
}

function parseStop(stop: unknown): string[] {
  if (typeof stop === 'string') return [stop];
  return optionalArray(stop, 'stop').map((each, index) => requireString(each, `stop[${index}]`));
}

/** Whether the caller asked for usage at the end of a stream. */
export function wantsStreamUsage(body: unknown): boolean {
  const options = isJsonObject(body) ? body['stream_options'] : undefined;
  return isJsonObject(options) && options['include_usage'] === true;
}
