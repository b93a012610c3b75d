import type {
  Block,
  CacheBreakpoint,
  CallMessage,
  CallRequest,
  MediaSource,
  ReasoningRequest,
  ResponseFormat,
  TextBlock,
  ToolChoice,
  ToolDefinition,
} from '@weir/call-model';
import type { ParsedRequest, RequestContext } from '../dialect.js';
import { DropList } from '../translation/drop-list.js';
import { findJsonObject, objectOf } from '../translation/json.js';
import { catchRequestFault, parseWith, readJsonBody, RequestFaultError } from '../translation/request-fault.js';
import {
  CONVERSE_REQUEST_FIELDS,
  ConverseRequest,
  type ConverseBlock,
  type ConverseDocument,
  type ConverseImage,
} from './converse-request-schema.js';
import { mediaTypeOfDocument, mediaTypeOfImage } from './media-format.js';

/** Converse body → neutral call; model and streaming are in the path and come in the context. */
export function parseConverseRequest(body: Uint8Array, context: RequestContext = {}): ParsedRequest {
  return catchRequestFault<ParsedRequest>(() => {
    const wire = parseWith(ConverseRequest, readJsonBody(body));
    const dropped = new DropList();
    for (const [field, value] of Object.entries(wire)) {
      if (!CONVERSE_REQUEST_FIELDS.has(field) && value !== null) dropped.add(field, 'not_carried');
    }
    const request: CallRequest = {
      model: context.model ?? '',
      system: parseSystem(wire),
      messages: wire.messages.map((message, index) => parseMessage(message, `messages[${index}].content`, dropped)),
      ...parseTools(wire, dropped),
      ...parseInference(wire),
      ...parseOutput(wire, dropped),
      stream: context.stream === true,
      ...(wire.requestMetadata ? { metadata: wire.requestMetadata } : {}),
    };
    return { ok: true, request, dropped: dropped.codes };
  });
}

type CachePoint = { ttl?: '5m' | '1h' | null | undefined };

function breakpointOf(point: CachePoint): CacheBreakpoint {
  return { ttl: point.ttl ?? '5m' };
}

function parseSystem(wire: ConverseRequest): TextBlock[] {
  const system: TextBlock[] = [];
  for (const block of wire.system ?? []) {
    const last = system.at(-1);
    if (block.text !== undefined) system.push({ type: 'text', text: block.text });
    else if (block.cachePoint && last) last.cache = breakpointOf(block.cachePoint);
  }
  return system;
}

function parseMessage(message: ConverseRequest['messages'][number], path: string, dropped: DropList): CallMessage {
  const content: Block[] = [];
  message.content.forEach((wire, index) => {
    const last = content.at(-1);
    if (wire.cachePoint) {
      if (last && last.type !== 'reasoning') last.cache = breakpointOf(wire.cachePoint);
      return;
    }
    const block = parseBlock(wire, `${path}[${index}]`);
    if (block) content.push(block);
    else dropped.add(`messages.content.${Object.keys(wire)[0] ?? 'empty'}`, 'not_carried');
  });
  return { role: message.role, content };
}

function parseBlock(wire: ConverseBlock, path: string): Block | undefined {
  if (wire.text !== undefined) return { type: 'text', text: wire.text };
  if (wire.image) return parseImage(wire.image, path);
  if (wire.document) return parseDocument(wire.document, path);
  if (wire.toolUse) {
    return {
      type: 'tool-call',
      id: wire.toolUse.toolUseId,
      name: wire.toolUse.name,
      input: JSON.stringify(wire.toolUse.input ?? {}),
    };
  }
  if (wire.toolResult) return parseToolResult(wire.toolResult, path);
  return wire.reasoningContent ? parseReasoning(wire.reasoningContent) : undefined;
}

function parseReasoning(content: NonNullable<ConverseBlock['reasoningContent']>): Block | undefined {
  if (content.redactedContent !== undefined)
    return { type: 'reasoning', text: '', redacted: content.redactedContent, origin: 'claude' };
  if (!content.reasoningText) return undefined;
  const { text, signature } = content.reasoningText;
  return signature
    ? { type: 'reasoning', text, signature, origin: 'claude' }
    : { type: 'reasoning', text, origin: 'open' };
}

function parseToolResult(result: NonNullable<ConverseBlock['toolResult']>, path: string): Block {
  return {
    type: 'tool-result',
    toolCallId: result.toolUseId,
    content: result.content.flatMap((part, index): Extract<Block, { type: 'tool-result' }>['content'] => {
      if (part.text !== undefined) return [{ type: 'text', text: part.text }];
      if (part.image) return [parseImage(part.image, `${path}.toolResult.content[${index}]`)];
      if (part.document) return [parseDocument(part.document, `${path}.toolResult.content[${index}]`)];
      return part.json === undefined ? [] : [{ type: 'text', text: JSON.stringify(part.json) }];
    }),
    ...(result.status === 'error' ? { isError: true } : {}),
  };
}

function parseImage(image: ConverseImage, path: string): Extract<Block, { type: 'image' }> {
  return {
    type: 'image',
    source: parseBlob(image.source.bytes, mediaTypeOfImage(image.format), `${path}.image.source`),
  };
}

function parseDocument(document: ConverseDocument, path: string): Extract<Block, { type: 'document' }> {
  const { bytes, text } = document.source;
  const source: MediaSource =
    text === undefined
      ? parseBlob(bytes, mediaTypeOfDocument(document.format), `${path}.document.source`)
      : { kind: 'text', text };
  return { type: 'document', source, ...(document.name === undefined ? {} : { name: document.name }) };
}

function parseBlob(bytes: string | undefined, mediaType: string, path: string): MediaSource {
  if (bytes === undefined)
    throw new RequestFaultError(path, `${path}: only bytes can be translated, not a location in S3`);
  return { kind: 'base64', mediaType, data: bytes };
}

function parseTools(wire: ConverseRequest, dropped: DropList): Pick<CallRequest, 'tools' | 'toolChoice'> {
  const tools: ToolDefinition[] = [];
  for (const tool of wire.toolConfig?.tools ?? []) {
    const last = tools.at(-1);
    if (tool.toolSpec) {
      const { name, description, inputSchema, strict } = tool.toolSpec;
      tools.push({
        name,
        inputSchema: inputSchema.json,
        ...(description == null ? {} : { description }),
        ...(strict == null ? {} : { strict }),
      });
    } else if (tool.cachePoint && last) last.cache = breakpointOf(tool.cachePoint);
    else dropped.add(`tools.${Object.keys(tool)[0] ?? 'empty'}`, 'not_carried');
  }
  const toolChoice = parseToolChoice(wire);
  return { tools, ...(toolChoice ? { toolChoice } : {}) };
}

function parseToolChoice(wire: ConverseRequest): ToolChoice | undefined {
  const choice = wire.toolConfig?.toolChoice;
  if (choice?.tool) return { mode: 'tool', name: choice.tool.name };
  if (choice?.any) return { mode: 'required' };
  return choice?.auto ? { mode: 'auto' } : undefined;
}

function parseInference(wire: ConverseRequest): Pick<CallRequest, 'maxOutputTokens' | 'sampling' | 'stop'> {
  const { maxTokens, temperature, topP, stopSequences } = wire.inferenceConfig ?? {};
  const topK = wire.additionalModelRequestFields?.['top_k'];
  return {
    ...(maxTokens == null ? {} : { maxOutputTokens: maxTokens }),
    sampling: {
      ...(temperature == null ? {} : { temperature }),
      ...(topP == null ? {} : { topP }),
      ...(typeof topK === 'number' ? { topK } : {}),
    },
    stop: stopSequences ?? [],
  };
}

function parseOutput(wire: ConverseRequest, dropped: DropList): Pick<CallRequest, 'responseFormat' | 'reasoning'> {
  const fields = wire.additionalModelRequestFields ?? {};
  for (const field of Object.keys(fields)) {
    if (field !== 'thinking' && field !== 'top_k') dropped.add(`additionalModelRequestFields.${field}`, 'not_carried');
  }
  const reasoning = parseReasoningRequest(objectOf(fields['thinking']), wire.outputConfig?.effort ?? undefined);
  const responseFormat = parseResponseFormat(wire);
  return { ...(reasoning ? { reasoning } : {}), ...(responseFormat ? { responseFormat } : {}) };
}

function parseResponseFormat(wire: ConverseRequest): ResponseFormat | undefined {
  const format = wire.outputConfig?.textFormat?.structure.jsonSchema;
  if (!format) return undefined;
  const schema = findJsonObject(format.schema);
  if (!schema) {
    const param = 'outputConfig.textFormat.structure.jsonSchema.schema';
    throw new RequestFaultError(param, `${param}: must be a JSON object written as a string`);
  }
  return {
    type: 'json-schema',
    schema,
    ...(format.name == null ? {} : { name: format.name }),
    ...(format.description == null ? {} : { description: format.description }),
  };
}

function parseReasoningRequest(
  thinking: Record<string, unknown>,
  effort: string | undefined,
): ReasoningRequest | undefined {
  const withEffort = effort === undefined ? {} : { effort };
  const budget = thinking['budget_tokens'];
  switch (thinking['type']) {
    case 'enabled':
      return { mode: 'budget', ...(typeof budget === 'number' ? { budgetTokens: budget } : {}), ...withEffort };
    case 'adaptive':
      return { mode: 'adaptive', ...withEffort };
    case 'between_tools':
      return { mode: 'between-tools', ...withEffort };
    case 'disabled':
      return { mode: 'off', ...withEffort };
    default:
      return effort === undefined ? undefined : { mode: 'unspecified', effort };
  }
}
