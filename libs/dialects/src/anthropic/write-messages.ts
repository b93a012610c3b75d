import type {
  Block,
  CacheBreakpoint,
  CallRequest,
  MediaSource,
  ReasoningBlock,
  ToolResultBlock,
} from '@weir/call-model';
import type { TargetCapabilities } from '../dialect.js';
import type { DropList } from '../translation/drop-list.js';
import type { JsonObject } from '../translation/json.js';
import { RequestFaultError } from '../translation/request-fault.js';
import { parseToolInput } from '../translation/tool-input.js';
import { CLAUDE_TOOL_ID, mapToolCallId, type ToolNameMap } from '../translation/tool-names.js';
import { mergeTurns } from '../translation/turns.js';

/** The most breakpoints Anthropic takes in one request; the last ones cover the longest prefixes. */
const CACHE_BREAKPOINTS_MAX = 4;

export function writeMessages(
  request: CallRequest,
  target: TargetCapabilities,
  names: ToolNameMap,
  dropped: DropList,
): JsonObject[] {
  const rules = { keepSystem: target.systemMidConversation === true };
  const isSignedAccepted = target.signedReasoning !== false;
  const carried = request.messages.map((message) => ({
    ...message,
    content: message.content.filter(
      (block) => block.type !== 'reasoning' || keepReasoning(block, isSignedAccepted, dropped),
    ),
  }));
  return mergeTurns(carried, rules, dropped).map((turn) => ({
    role: turn.role,
    content: turn.content.map((block) => writeBlock(block, names, dropped)),
  }));
}

/** Only what Claude itself signed or sealed may go back to it; nothing is ever signed by us. */
export function keepReasoning(block: ReasoningBlock, isSignedAccepted: boolean, dropped: DropList): boolean {
  const isSealed = block.signature !== undefined || block.redacted !== undefined;
  if (block.origin === 'claude' && isSealed && isSignedAccepted) return true;
  dropped.add('reasoning', isSealed && block.origin === 'claude' ? 'foreign_signature' : 'unsigned');
  return false;
}

function writeBlock(block: Block, names: ToolNameMap, dropped: DropList): JsonObject {
  switch (block.type) {
    case 'text':
      return { type: 'text', text: block.text, ...cacheControlOf(block) };
    case 'image':
      return { type: 'image', source: writeSource(block.source, 'image'), ...cacheControlOf(block) };
    case 'document':
      return {
        type: 'document',
        source: writeSource(block.source, 'document'),
        ...(block.name === undefined ? {} : { title: block.name }),
        ...cacheControlOf(block),
      };
    case 'tool-call':
      return {
        type: 'tool_use',
        id: mapToolCallId(block.id, CLAUDE_TOOL_ID),
        name: names.toUpstream(block.name),
        input: parseToolInput(block.input, dropped),
        ...cacheControlOf(block),
      };
    case 'tool-result':
      return writeToolResult(block, names, dropped);
    case 'reasoning':
      return writeThinking(block);
  }
}

/** Also for answers: a block without a signature gets an empty one, which is how it is known again as unsigned. */
export function writeThinking(block: ReasoningBlock): JsonObject {
  if (block.redacted !== undefined) return { type: 'redacted_thinking', data: block.redacted };
  return { type: 'thinking', thinking: block.text, signature: block.signature ?? '' };
}

function writeToolResult(block: ToolResultBlock, names: ToolNameMap, dropped: DropList): JsonObject {
  const content = block.content.filter((part) => part.type !== 'text' || part.text.trim() !== '');
  return {
    type: 'tool_result',
    tool_use_id: mapToolCallId(block.toolCallId, CLAUDE_TOOL_ID),
    ...(content.length === 0 ? {} : { content: content.map((part) => writeBlock(part, names, dropped)) }),
    ...(block.isError ? { is_error: true } : {}),
    ...cacheControlOf(block),
  };
}

function writeSource(source: MediaSource, kind: 'image' | 'document'): JsonObject {
  switch (source.kind) {
    case 'base64':
      return { type: 'base64', media_type: source.mediaType, data: source.data };
    case 'url':
      return { type: 'url', url: source.url };
    case 'text':
      return { type: 'text', media_type: 'text/plain', data: source.text };
    case 'file':
      throw new RequestFaultError(
        'messages',
        `A file id of another provider cannot be used with this model; send the ${kind} itself.`,
      );
  }
}

export function cacheControlOf(block: { readonly cache?: CacheBreakpoint | undefined }): JsonObject {
  if (!block.cache) return {};
  return { cache_control: block.cache.ttl === '1h' ? { type: 'ephemeral', ttl: '1h' } : { type: 'ephemeral' } };
}

/** Removes the first breakpoints beyond the limit; `holders` are the written objects in prompt order. */
export function limitBreakpoints(holders: readonly JsonObject[], field: string, dropped: DropList): void {
  const marked = holders.filter((holder) => field in holder);
  for (const holder of marked.slice(0, Math.max(0, marked.length - CACHE_BREAKPOINTS_MAX))) {
    Reflect.deleteProperty(holder, field);
    dropped.add('cache_control', 'more_than_4');
  }
}
