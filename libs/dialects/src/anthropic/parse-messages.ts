import type {
  Block,
  CacheBreakpoint,
  CallMessage,
  MediaSource,
  ReasoningBlock,
  ToolResultBlock,
} from '@weir/call-model';
import type { z } from 'zod';
import type { DropList } from '../translation/drop-list.js';
import { isBase64 } from '../translation/media.js';
import { parseWith, RequestFaultError } from '../translation/request-fault.js';
import { BLOCK_SCHEMAS, type CacheControl, type WireMessage, type WireSource } from './request-schema.js';

export function parseMessages(messages: readonly WireMessage[], dropped: DropList): CallMessage[] {
  return messages.map((message, index) => ({
    role: message.role,
    content: parseContent(message.content, `messages[${index}].content`, dropped),
  }));
}

export function cacheOf(control: CacheControl): { cache?: CacheBreakpoint } {
  return control ? { cache: { ttl: control.ttl ?? '5m' } } : {};
}

type LooseBlock = { readonly type: string };

function parseContent(content: string | readonly LooseBlock[], path: string, dropped: DropList): Block[] {
  if (typeof content === 'string') return [{ type: 'text', text: content }];
  return content.flatMap((block, index) => {
    const parsed = parseBlock(block, `${path}[${index}]`, dropped);
    return parsed ? [parsed] : [];
  });
}

type BlockSchemas = typeof BLOCK_SCHEMAS;
type WireBlock = { [K in keyof BlockSchemas]: z.infer<BlockSchemas[K]> }[keyof BlockSchemas];

function parseBlock(block: LooseBlock, path: string, dropped: DropList): Block | undefined {
  if (!Object.hasOwn(BLOCK_SCHEMAS, block.type)) {
    dropped.add(`messages.content.${block.type}`, 'not_carried');
    return undefined;
  }
  const schema: z.ZodType<WireBlock> = BLOCK_SCHEMAS[block.type as keyof BlockSchemas];
  const wire = atPath(path, () => parseWith(schema, block));
  switch (wire.type) {
    case 'text':
      if (wire['citations'] != null) dropped.add('messages.content.citations', 'not_carried');
      return { type: 'text', text: wire.text, ...cacheOf(wire.cache_control) };
    case 'image':
      return { type: 'image', source: parseSource(wire.source, `${path}.source`), ...cacheOf(wire.cache_control) };
    case 'document':
      return {
        type: 'document',
        source: parseSource(wire.source, `${path}.source`),
        ...(wire.title != null ? { name: wire.title } : {}),
        ...cacheOf(wire.cache_control),
      };
    case 'tool_use':
      return {
        type: 'tool-call',
        id: wire.id,
        name: wire.name,
        input: JSON.stringify(wire.input),
        ...cacheOf(wire.cache_control),
      };
    case 'tool_result':
      return parseToolResult(wire, path, dropped);
    case 'thinking':
      return parseThinking(wire.thinking, wire.signature);
    case 'redacted_thinking':
      return { type: 'reasoning', text: '', redacted: wire.data, origin: 'claude' };
  }
}

/** An empty signature is what Weir itself writes for another model's reasoning: it is unsigned. */
function parseThinking(text: string, signature: string | null | undefined): ReasoningBlock {
  return signature
    ? { type: 'reasoning', text, signature, origin: 'claude' }
    : { type: 'reasoning', text, origin: 'open' };
}

function parseToolResult(wire: z.infer<BlockSchemas['tool_result']>, path: string, dropped: DropList): ToolResultBlock {
  const content = parseContent(wire.content ?? [], `${path}.content`, dropped).flatMap((block) =>
    block.type === 'text' || block.type === 'image' || block.type === 'document' ? [block] : [],
  );
  return {
    type: 'tool-result',
    toolCallId: wire.tool_use_id,
    content,
    ...(wire.is_error ? { isError: true } : {}),
    ...cacheOf(wire.cache_control),
  };
}

function parseSource(source: WireSource, path: string): MediaSource {
  switch (source.type) {
    case 'base64':
      if (!isBase64(source.data)) throw new RequestFaultError(`${path}.data`, `${path}.data: must be base64`);
      return { kind: 'base64', mediaType: source.media_type, data: source.data };
    case 'url':
      return { kind: 'url', url: source.url };
    case 'file':
      return { kind: 'file', id: source.file_id };
    case 'text':
      return { kind: 'text', text: source.data };
    case 'content':
      throw new RequestFaultError(
        path,
        `${path}: a document made of content blocks cannot be translated; send text or base64`,
      );
  }
}

/** Faults inside a block name its place in the request. */
function atPath<T>(path: string, run: () => T): T {
  try {
    return run();
  } catch (error) {
    if (!(error instanceof RequestFaultError)) throw error;
    const param = error.param === null ? path : `${path}.${error.param}`;
    throw new RequestFaultError(param, `${path}${error.param === null ? ': ' : '.'}${error.message}`);
  }
}
