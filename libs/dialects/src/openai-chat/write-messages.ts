import type {
  Block,
  CallMessage,
  CallRequest,
  ImageBlock,
  DocumentBlock,
  ReasoningBlock,
  ToolResultBlock,
} from '@weir/call-model';
import type { TargetCapabilities } from '../dialect.js';
import type { DropList } from '../translation/drop-list.js';
import type { JsonObject } from '../translation/json.js';
import { formatDataUrl } from '../translation/media.js';
import { RequestFaultError } from '../translation/request-fault.js';
import { CHAT_TOOL_ID, mapToolCallId, type ToolNameMap } from '../translation/tool-names.js';

/**
 * Neutral messages as Chat's: one system message from all system texts, one `tool` message per tool result.
 */
export function writeChatMessages(
  request: CallRequest,
  target: TargetCapabilities,
  names: ToolNameMap,
  dropped: DropList,
): JsonObject[] {
  const messages: JsonObject[] = [];
  if (request.system.length > 0) {
    messages.push({ role: 'system', content: request.system.map((block) => block.text).join('\n\n') });
  }
  for (const message of request.messages) messages.push(...writeMessage(message, target, names, dropped));
  return messages;
}

function writeMessage(
  message: CallMessage,
  target: TargetCapabilities,
  names: ToolNameMap,
  dropped: DropList,
): JsonObject[] {
  switch (message.role) {
    case 'system':
      return [{ role: 'system', content: joinTexts(message.content) }];
    case 'assistant':
      return [writeAssistant(message.content, target, names, dropped)];
    case 'user':
      return writeUser(message.content, dropped);
  }
}

function writeUser(content: readonly Block[], dropped: DropList): JsonObject[] {
  const messages: JsonObject[] = [];
  const parts: JsonObject[] = [];
  for (const block of content) {
    if (block.type === 'tool-result') messages.push(writeToolResult(block, dropped));
    else parts.push(...writeUserPart(block, dropped));
  }
  const [first] = parts;
  if (first === undefined) return messages;
  const isPlain = parts.length === 1 && first['type'] === 'text';
  messages.push({ role: 'user', content: isPlain ? first['text'] : parts });
  return messages;
}

function writeUserPart(block: Block, dropped: DropList): JsonObject[] {
  switch (block.type) {
    case 'text':
      return [{ type: 'text', text: block.text }];
    case 'image':
      return [writeImage(block)];
    case 'document':
      return [writeDocument(block)];
    default:
      dropped.add(`messages.content.${block.type}`, 'not_allowed_in_user_turn');
      return [];
  }
}

function writeImage(block: ImageBlock): JsonObject {
  const { source } = block;
  if (source.kind === 'file')
    throw new RequestFaultError(
      'messages',
      'An image given by file id cannot be used with this model; send the image itself.',
    );
  if (source.kind === 'text') throw new RequestFaultError('messages', 'An image cannot be given as text.');
  const url = source.kind === 'url' ? source.url : formatDataUrl(source.mediaType, source.data);
  return { type: 'image_url', image_url: block.detail === undefined ? { url } : { url, detail: block.detail } };
}

function writeDocument(block: DocumentBlock): JsonObject {
  const { source } = block;
  switch (source.kind) {
    case 'text':
      return { type: 'text', text: block.name === undefined ? source.text : `${block.name}:\n${source.text}` };
    case 'base64':
      return {
        type: 'file',
        file: { filename: block.name ?? 'document', file_data: formatDataUrl(source.mediaType, source.data) },
      };
    case 'url':
      throw new RequestFaultError(
        'messages',
        'A document given by URL cannot be used with this model; send the document itself.',
      );
    case 'file':
      throw new RequestFaultError(
        'messages',
        'A document given by file id cannot be used with this model; send the document itself.',
      );
  }
}

function writeToolResult(block: ToolResultBlock, dropped: DropList): JsonObject {
  if (block.isError) dropped.add('tool_result.is_error', 'not_supported');
  const texts = block.content.map((part) => {
    if (part.type === 'text') return part.text;
    dropped.add(`tool_result.${part.type}`, 'not_supported');
    return `[${part.type} omitted]`;
  });
  return { role: 'tool', tool_call_id: mapToolCallId(block.toolCallId, CHAT_TOOL_ID), content: texts.join('\n') };
}

function writeAssistant(
  content: readonly Block[],
  target: TargetCapabilities,
  names: ToolNameMap,
  dropped: DropList,
): JsonObject {
  const text = joinTexts(content.filter((block) => block.type === 'text' && block.refusal === undefined));
  const refusal = joinTexts(content.filter((block) => block.type === 'text' && block.refusal === true));
  const calls = content.flatMap((block) => (block.type === 'tool-call' ? [block] : []));
  const message: JsonObject = {
    role: 'assistant',
    content: text === '' && (calls.length > 0 || refusal !== '') ? null : text,
  };
  if (refusal !== '') message['refusal'] = refusal;
  if (calls.length > 0) {
    message['tool_calls'] = calls.map((call) => ({
      id: mapToolCallId(call.id, CHAT_TOOL_ID),
      type: 'function',
      function: { name: names.toUpstream(call.name), arguments: call.input.trim() === '' ? '{}' : call.input },
    }));
  }
  const reasoning = content.flatMap((block) => (block.type === 'reasoning' ? [block] : []));
  Object.assign(message, writeReasoning(reasoning, calls.length > 0, target, dropped));
  return message;
}

/**
 * DeepSeek answers 400 on a tool turn without its `reasoning_content` and accepts an empty one; others do not know the field.
 */
function writeReasoning(
  blocks: readonly ReasoningBlock[],
  hasCalls: boolean,
  target: TargetCapabilities,
  dropped: DropList,
): JsonObject {
  const open = blocks.filter((block) => block.origin === 'open');
  if (open.length < blocks.length) dropped.add('reasoning', 'foreign_signature');
  if (target.reasoning !== 'thinking') {
    if (open.length > 0) dropped.add('reasoning', 'not_accepted_by_model');
    return {};
  }
  if (open.length === 0 && !hasCalls) return {};
  return { reasoning_content: open.map((block) => block.text).join('\n\n') };
}

function joinTexts(content: readonly Block[]): string {
  return content.map((block) => (block.type === 'text' ? block.text : '')).join('');
}
