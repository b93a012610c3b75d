import type { Block, CacheBreakpoint, CallMessage, ReasoningBlock, TextBlock } from '@weir/call-model';
import type { DropList } from '../translation/drop-list.js';
import { isBase64, parseMediaUrl } from '../translation/media.js';
import { RequestFaultError } from '../translation/request-fault.js';
import type { ChatAssistantMessage, ChatMessage, UserPart } from './request-schema.js';

export interface ParsedConversation {
  readonly system: TextBlock[];
  readonly messages: CallMessage[];
}

/** Leading system and developer messages are hoisted; later ones stay where they are, as `system` messages. */
export function parseConversation(messages: readonly ChatMessage[], dropped: DropList): ParsedConversation {
  const system: TextBlock[] = [];
  const conversation: CallMessage[] = [];
  messages.forEach((message, index) => {
    if ((message.role === 'system' || message.role === 'developer') && conversation.length === 0) {
      system.push(...parseTexts(message.content));
    } else {
      conversation.push(parseMessage(message, `messages[${index}]`, dropped));
    }
  });
  return { system, messages: conversation };
}

function parseMessage(message: ChatMessage, path: string, dropped: DropList): CallMessage {
  switch (message.role) {
    case 'system':
    case 'developer':
      return { role: 'system', content: parseTexts(message.content) };
    case 'user':
      return { role: 'user', content: parseUserContent(message.content, `${path}.content`, dropped) };
    case 'assistant':
      return { role: 'assistant', content: parseAssistant(message, path, dropped) };
    case 'tool':
      return {
        role: 'user',
        content: [
          {
            type: 'tool-result',
            toolCallId: message.tool_call_id,
            content: parseUserContent(message.content, `${path}.content`, dropped).filter(isResultContent),
          },
        ],
      };
  }
}

function isResultContent(block: Block): block is Extract<Block, { type: 'text' | 'image' | 'document' }> {
  return block.type === 'text' || block.type === 'image' || block.type === 'document';
}

type TextContent = string | readonly { text: string; cache_control?: CacheControl }[];
type CacheControl = { ttl?: '5m' | '1h' | null | undefined } | null | undefined;

function parseTexts(content: TextContent): TextBlock[] {
  if (typeof content === 'string') return [{ type: 'text', text: content }];
  return content.map((part) => ({ type: 'text', text: part.text, ...cacheOf(part.cache_control) }));
}

export function cacheOf(control: CacheControl): { cache?: CacheBreakpoint } {
  return control ? { cache: { ttl: control.ttl ?? '5m' } } : {};
}

function parseUserContent(content: string | readonly UserPart[], path: string, dropped: DropList): Block[] {
  if (typeof content === 'string') return [{ type: 'text', text: content }];
  return content.flatMap((part, index) => parseUserPart(part, `${path}[${index}]`, dropped));
}

function parseUserPart(part: UserPart, path: string, dropped: DropList): Block[] {
  switch (part.type) {
    case 'text':
      return [{ type: 'text', text: part.text, ...cacheOf(part.cache_control) }];
    case 'image_url': {
      const { url, detail } = part.image_url;
      return [
        {
          type: 'image',
          source: parseMediaUrl(url, `${path}.image_url.url`),
          ...(detail != null ? { detail } : {}),
          ...cacheOf(part.cache_control),
        },
      ];
    }
    case 'file':
      return [parseFile(part, path)];
    case 'input_audio':
      dropped.add('messages.content.input_audio', 'not_carried');
      return [];
  }
}

function parseFile(part: Extract<UserPart, { type: 'file' }>, path: string): Block {
  const { file_data: data, file_id: id, filename } = part.file;
  const named = { ...(filename != null ? { name: filename } : {}), ...cacheOf(part.cache_control) };
  if (data != null) {
    // OpenAI takes a data URL here and, for PDF, plain base64 as well.
    const source = data.startsWith('data:')
      ? parseMediaUrl(data, `${path}.file.file_data`)
      : { kind: 'base64' as const, mediaType: 'application/pdf', data };
    if (source.kind !== 'base64' || !isBase64(source.data)) {
      throw new RequestFaultError(`${path}.file.file_data`, `${path}.file.file_data: must be a data: URL or base64`);
    }
    return { type: 'document', source, ...named };
  }
  if (id != null) return { type: 'document', source: { kind: 'file', id }, ...named };
  throw new RequestFaultError(`${path}.file`, `${path}.file: needs file_data or file_id`);
}

function parseAssistant(message: ChatAssistantMessage, path: string, dropped: DropList): Block[] {
  const blocks: Block[] = parseReasoning(message);
  const { content } = message;
  if (typeof content === 'string') {
    if (content !== '') blocks.push({ type: 'text', text: content });
  } else {
    for (const part of content ?? []) {
      blocks.push(
        part.type === 'refusal'
          ? { type: 'text', text: part.refusal, refusal: true }
          : { type: 'text', text: part.text, ...cacheOf(part.cache_control) },
      );
    }
  }
  if (message.refusal) blocks.push({ type: 'text', text: message.refusal, refusal: true });
  (message.tool_calls ?? []).forEach((call, index) => {
    if (call.function === undefined) {
      if (call.type == null || call.type === 'function') {
        const param = `${path}.tool_calls[${index}].function`;
        throw new RequestFaultError(param, `${param}: this field is required`);
      }
      dropped.add(`tool_calls.${call.type}`, 'not_carried');
      return;
    }
    blocks.push({ type: 'tool-call', id: call.id, name: call.function.name, input: call.function.arguments });
  });
  return blocks;
}

/** `reasoning_details` hold what must come back unchanged; without them `reasoning_content` is plain, unsigned text. */
export function parseReasoning(
  message: Pick<ChatAssistantMessage, 'reasoning_content' | 'reasoning_details'>,
): ReasoningBlock[] {
  const blocks: ReasoningBlock[] = [];
  for (const detail of message.reasoning_details ?? []) {
    const block = parseReasoningDetail(detail);
    if (block) blocks.push(block);
  }
  if (blocks.length === 0 && message.reasoning_content) {
    blocks.push({ type: 'reasoning', text: message.reasoning_content, origin: 'open' });
  }
  return blocks;
}

type ReasoningDetail = NonNullable<ChatAssistantMessage['reasoning_details']>[number];

function parseReasoningDetail(detail: ReasoningDetail): ReasoningBlock | undefined {
  const isClaude = detail.format?.startsWith('anthropic-claude') === true;
  if (detail.type === 'reasoning.encrypted') {
    return isClaude && detail.data
      ? { type: 'reasoning', text: '', redacted: detail.data, origin: 'claude' }
      : undefined;
  }
  if (detail.type !== 'reasoning.text') return undefined;
  const text = detail.text ?? '';
  return isClaude && detail.signature
    ? { type: 'reasoning', text, signature: detail.signature, origin: 'claude' }
    : { type: 'reasoning', text, origin: 'open' };
}
