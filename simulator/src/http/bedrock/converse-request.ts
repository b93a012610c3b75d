import { signReasoning } from '../../domain/answer.js';
import type { CacheTtl, ModelRequest, Part, ToolChoice, ToolDefinition, Turn } from '../../domain/conversation.js';
import { isJsonObject, type JsonObject } from '../../domain/json.js';
import type { SimulatedModel, WireFormatName } from '../../domain/models.js';
import { RequestFault } from '../../domain/request-fault.js';
import {
  digestOf,
  measureBase64,
  optionalArray,
  optionalCount,
  optionalObject,
  optionalString,
  requireArray,
  requireObject,
  requireString,
} from '../fields.js';

export interface ConversePlace {
  readonly model: SimulatedModel;
  readonly format: WireFormatName;
  readonly stream: boolean;
}

/** @see https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html */
export function parseConverseBody(fields: JsonObject, place: ConversePlace): ModelRequest {
  const isClaude = place.model.owner === 'anthropic';
  const messages = optionalArray(fields['messages'], 'messages').map((each, index) =>
    parseMessage(each, `messages.${index}`, isClaude),
  );
  checkRoles(messages);
  const toolConfig = optionalObject(fields['toolConfig'], 'toolConfig');
  checkToolConfig(messages, toolConfig);
  const system = parseBlocks(optionalArray(fields['system'], 'system'), 'system', isClaude);
  const inference = optionalObject(fields['inferenceConfig'], 'inferenceConfig') ?? {};
  return {
    ...place,
    turns: [...(system.length === 0 ? [] : [{ role: 'system' as const, parts: system }]), ...messages],
    tools: parseTools(optionalArray(toolConfig?.['tools'], 'toolConfig.tools')),
    toolChoice: parseToolChoice(optionalObject(toolConfig?.['toolChoice'], 'toolConfig.toolChoice')),
    parallelTools: true,
    answerSchema: parseTextFormat(fields),
    wantsReasoning: wantsReasoning(fields, place.model.reasonsByDefault),
    maxOutputTokens: optionalCount(inference['maxTokens'] ?? inference['max_new_tokens'], 'inferenceConfig.maxTokens'),
    stopSequences: optionalArray(inference['stopSequences'], 'inferenceConfig.stopSequences').map((each, index) =>
      requireString(each, `inferenceConfig.stopSequences.${index}`),
    ),
  };
}

function checkRoles(messages: readonly Turn[]): void {
  if (messages.length === 0) throw new RequestFault(400, 'The messages field is required and must not be empty.');
  if (messages[0]?.role !== 'user') {
    throw new RequestFault(
      400,
      'A conversation must start with a user message. Try again with a conversation that starts with a user message.',
    );
  }
  if (messages.some((message, index) => index > 0 && message.role === messages[index - 1]?.role)) {
    throw new RequestFault(
      400,
      'A conversation must alternate between user and assistant roles. Make sure the conversation alternates between user and assistant roles and try again.',
    );
  }
}

function checkToolConfig(messages: readonly Turn[], toolConfig: JsonObject | undefined): void {
  const usesTools = messages.some((turn) =>
    turn.parts.some((part) => part.kind === 'tool-call' || part.kind === 'tool-result'),
  );
  if (usesTools && toolConfig === undefined) {
    throw new RequestFault(
      400,
      'The toolConfig field must be defined when using toolUse and toolResult content blocks.',
    );
  }
}

function wantsReasoning(fields: JsonObject, byDefault: boolean): boolean {
  const additional = optionalObject(fields['additionalModelRequestFields'], 'additionalModelRequestFields') ?? {};
  const config = additional['thinking'] ?? additional['reasoning_config'] ?? additional['reasoningConfig'];
  if (isJsonObject(config)) return config['type'] !== 'disabled';
  return byDefault || optionalObject(fields['outputConfig'], 'outputConfig')?.['effort'] !== undefined;
}

function parseMessage(value: unknown, path: string, isClaude: boolean): Turn {
  const message = requireObject(value, path);
  const role = requireString(message['role'], `${path}.role`);
  if (role !== 'user' && role !== 'assistant') throw new RequestFault(400, `${path}.role: must be user or assistant`);
  const parts = parseBlocks(requireArray(message['content'], `${path}.content`), `${path}.content`, isClaude);
  if (parts.length === 0)
    throw new RequestFault(
      400,
      `The content field in the Message object at ${path} is empty. Add a ContentBlock object to the content field and try again.`,
    );
  return { role, parts };
}

/** A cache point marks what stands before it. */
function parseBlocks(values: readonly unknown[], path: string, isClaude: boolean): Part[] {
  const parts: Part[] = [];
  values.forEach((value, index) => {
    const block = requireObject(value, `${path}.${index}`);
    const previous = parts.at(-1);
    if (block['cachePoint'] === undefined) parts.push(parseBlock(block, `${path}.${index}`, isClaude));
    else if (previous !== undefined)
      parts[parts.length - 1] = {
        ...previous,
        cache: parseCachePoint(block['cachePoint'], `${path}.${index}.cachePoint`),
      };
  });
  return parts;
}

function parseCachePoint(value: unknown, path: string): CacheTtl {
  const point = requireObject(value, path);
  const ttl = optionalString(point['ttl'], `${path}.ttl`) ?? '5m';
  if (point['type'] !== 'default' || (ttl !== '5m' && ttl !== '1h')) {
    throw new RequestFault(400, `${path}: type must be default and ttl 5m or 1h`);
  }
  return ttl;
}

function parseBlock(block: JsonObject, path: string, isClaude: boolean): Part {
  const kinds = Object.keys(block);
  const kind = kinds[0];
  if (kinds.length !== 1 || kind === undefined)
    throw new RequestFault(400, `${path}: a ContentBlock has exactly one member, got ${kinds.length}`);
  switch (kind) {
    case 'text':
      return { kind: 'text', text: parseText(block['text'], `${path}.text`) };
    case 'image':
    case 'document':
      return { kind, ...parseMedia(requireObject(block[kind], `${path}.${kind}`), `${path}.${kind}`) };
    case 'toolUse':
      return parseToolUse(requireObject(block['toolUse'], `${path}.toolUse`), `${path}.toolUse`);
    case 'toolResult':
      return parseToolResult(requireObject(block['toolResult'], `${path}.toolResult`), `${path}.toolResult`);
    case 'reasoningContent':
      return parseReasoning(
        requireObject(block['reasoningContent'], `${path}.reasoningContent`),
        `${path}.reasoningContent`,
        isClaude,
      );
    default:
      return { kind: 'document', label: kind, digest: digestOf(JSON.stringify(block)), byteCount: 0 };
  }
}

function parseText(value: unknown, path: string): string {
  const text = requireString(value, path);
  if (text.trim() === '')
    throw new RequestFault(
      400,
      `The text field in the ContentBlock object at ${path} is blank. Add text to the text field, and try again.`,
    );
  return text;
}

function parseMedia(media: JsonObject, path: string): { label: string; digest: string; byteCount: number } {
  const source = requireObject(media['source'], `${path}.source`);
  const format = optionalString(media['format'], `${path}.format`) ?? 'unknown';
  const name = optionalString(media['name'], `${path}.name`);
  const label = name === undefined ? format : `${name}.${format}`;
  const bytes = source['bytes'];
  if (bytes !== undefined) return { label, ...measureBase64(requireString(bytes, `${path}.source.bytes`)) };
  return { label, digest: digestOf(JSON.stringify(source)), byteCount: 0 };
}

function parseToolUse(use: JsonObject, path: string): Part {
  return {
    kind: 'tool-call',
    id: requireString(use['toolUseId'], `${path}.toolUseId`),
    name: requireString(use['name'], `${path}.name`),
    arguments: JSON.stringify(requireObject(use['input'], `${path}.input`)),
  };
}

function parseToolResult(result: JsonObject, path: string): Part {
  const content = requireArray(result['content'], `${path}.content`).map((each, index) => {
    const block = requireObject(each, `${path}.content.${index}`);
    if (typeof block['text'] === 'string') return block['text'];
    return 'json' in block ? JSON.stringify(block['json']) : `[${Object.keys(block)[0] ?? 'empty'}]`;
  });
  return {
    kind: 'tool-result',
    callId: requireString(result['toolUseId'], `${path}.toolUseId`),
    text: content.join('\n'),
    isError: result['status'] === 'error',
  };
}

/** As the real Claude does, refuses reasoning that it did not write itself. */
function parseReasoning(content: JsonObject, path: string, isClaude: boolean): Part {
  if (content['redactedContent'] !== undefined)
    return { kind: 'reasoning', text: requireString(content['redactedContent'], `${path}.redactedContent`) };
  const reasoning = requireObject(content['reasoningText'], `${path}.reasoningText`);
  const text = requireString(reasoning['text'], `${path}.reasoningText.text`);
  if (isClaude && reasoning['signature'] !== signReasoning(text)) {
    throw new RequestFault(400, `${path}: Invalid \`signature\` in \`thinking\` block`);
  }
  return { kind: 'reasoning', text };
}

function parseTools(values: readonly unknown[]): ToolDefinition[] {
  const tools: ToolDefinition[] = [];
  values.forEach((value, index) => {
    const path = `toolConfig.tools.${index}`;
    const tool = requireObject(value, path);
    const previous = tools.at(-1);
    if (tool['toolSpec'] !== undefined)
      tools.push(parseToolSpec(requireObject(tool['toolSpec'], `${path}.toolSpec`), `${path}.toolSpec`));
    else if (tool['cachePoint'] !== undefined && previous !== undefined) {
      tools[tools.length - 1] = { ...previous, cache: parseCachePoint(tool['cachePoint'], `${path}.cachePoint`) };
    }
  });
  return tools;
}

function parseToolSpec(spec: JsonObject, path: string): ToolDefinition {
  const name = requireString(spec['name'], `${path}.name`);
  if (!/^[a-zA-Z0-9_-]{1,64}$/.test(name))
    throw new RequestFault(
      400,
      `${path}.name: must satisfy regular expression pattern: [a-zA-Z0-9_-]+ and have at most 64 characters`,
    );
  const inputSchema = requireObject(spec['inputSchema'], `${path}.inputSchema`);
  return {
    name,
    description: optionalString(spec['description'], `${path}.description`) ?? '',
    schema: requireObject(inputSchema['json'], `${path}.inputSchema.json`),
  };
}

function parseToolChoice(choice: JsonObject | undefined): ToolChoice {
  if (choice === undefined || choice['auto'] !== undefined) return { mode: 'auto' };
  if (choice['any'] !== undefined) return { mode: 'required' };
  const tool = requireObject(choice['tool'], 'toolConfig.toolChoice.tool');
  return { mode: 'named', name: requireString(tool['name'], 'toolConfig.toolChoice.tool.name') };
}

/** Converse carries the schema as a string of JSON. */
function parseTextFormat(fields: JsonObject): JsonObject | undefined {
  const config = optionalObject(fields['outputConfig'], 'outputConfig');
  const format = optionalObject(config?.['textFormat'], 'outputConfig.textFormat');
  if (format === undefined) return undefined;
  const path = 'outputConfig.textFormat.structure.jsonSchema';
  const structure = requireObject(format['structure'], 'outputConfig.textFormat.structure');
  const definition = requireObject(structure['jsonSchema'], path);
  const text = requireString(definition['schema'], `${path}.schema`);
  try {
    return requireObject(JSON.parse(text), `${path}.schema`);
  } catch (error) {
    if (error instanceof RequestFault) throw error;
    throw new RequestFault(400, `${path}.schema: must be a JSON schema as a string`);
  }
}
