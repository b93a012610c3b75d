import type {
  Block,
  CacheBreakpoint,
  CallRequest,
  DocumentBlock,
  ImageBlock,
  ReasoningBlock,
  ToolResultBlock,
} from '@weir/call-model';
import type { TargetCapabilities } from '../dialect.js';
import { keepReasoning } from '../anthropic/write-messages.js';
import type { DropList } from '../translation/drop-list.js';
import type { JsonObject } from '../translation/json.js';
import { RequestFaultError } from '../translation/request-fault.js';
import { parseToolInput } from '../translation/tool-input.js';
import { CLAUDE_TOOL_ID, mapToolCallId, type ToolNameMap } from '../translation/tool-names.js';
import { mergeTurns } from '../translation/turns.js';
import { findDocumentFormat, findImageFormat, sanitizeDocumentName } from './media-format.js';

/** Converse wants words beside a document. */
const DOCUMENT_TEXT = 'See the attached document.';

/** Writes the messages of one Converse request; document names must be unique within it. */
export class ConverseMessageWriter {
  /** Every cache point written, in prompt order, so that the limit can be applied. */
  readonly cachePoints: JsonObject[] = [];
  readonly #documentNames = new Set<string>();

  constructor(
    private readonly target: TargetCapabilities,
    private readonly names: ToolNameMap,
    private readonly dropped: DropList,
  ) {}

  writeMessages(request: CallRequest): JsonObject[] {
    const isSignedAccepted = this.target.signedReasoning ?? this.target.reasoning === 'thinking';
    const carried = request.messages.map((message) => ({
      ...message,
      content: message.content.filter(
        (block) => block.type !== 'reasoning' || keepReasoning(block, isSignedAccepted, this.dropped),
      ),
    }));
    return mergeTurns(carried, { keepSystem: false }, this.dropped).map((turn) => ({
      role: turn.role,
      content: this.#withDocumentText(turn.content).flatMap((block) => this.#writeBlock(block)),
    }));
  }

  /** Converse marks the end of a cached prefix with a block of its own. */
  cachePointOf(block: { readonly cache?: CacheBreakpoint | undefined }): JsonObject[] {
    if (!block.cache) return [];
    if (this.target.cacheBreakpoints === false) {
      this.dropped.add('cache_control', 'not_accepted_by_model');
      return [];
    }
    const point = { cachePoint: block.cache.ttl === '1h' ? { type: 'default', ttl: '1h' } : { type: 'default' } };
    this.cachePoints.push(point);
    return [point];
  }

  #withDocumentText(content: readonly Block[]): readonly Block[] {
    const hasDocument = content.some((block) => block.type === 'document');
    if (!hasDocument || content.some((block) => block.type === 'text')) return content;
    this.dropped.add('messages.document', 'text_added');
    return [...content, { type: 'text', text: DOCUMENT_TEXT }];
  }

  #writeBlock(block: Block): JsonObject[] {
    if (block.type === 'reasoning') return [writeReasoning(block)];
    return [this.#writeContent(block), ...this.cachePointOf(block)];
  }

  #writeContent(block: Exclude<Block, ReasoningBlock>): JsonObject {
    switch (block.type) {
      case 'text':
        return { text: block.text };
      case 'image':
        return this.#writeImage(block);
      case 'document':
        return this.#writeDocument(block);
      case 'tool-call':
        return {
          toolUse: {
            toolUseId: mapToolCallId(block.id, CLAUDE_TOOL_ID),
            name: this.names.toUpstream(block.name),
            input: parseToolInput(block.input, this.dropped),
          },
        };
      case 'tool-result':
        return this.#writeToolResult(block);
    }
  }

  #writeImage(block: ImageBlock): JsonObject {
    const { source } = block;
    if (source.kind !== 'base64') {
      throw new RequestFaultError(
        'messages',
        'The model takes images only as data, not by URL or file id; send a data: URL.',
      );
    }
    const format = findImageFormat(source.mediaType);
    if (format === undefined) {
      throw new RequestFaultError(
        'messages',
        `The model takes images as png, jpeg, gif or webp, not ${source.mediaType}.`,
      );
    }
    return { image: { format, source: { bytes: source.data } } };
  }

  #writeDocument(block: DocumentBlock): JsonObject {
    const { source } = block;
    const name = this.#uniqueName(sanitizeDocumentName(block.name ?? 'document'));
    if (source.kind === 'text') {
      return { document: { format: 'txt', name, source: { bytes: Buffer.from(source.text).toString('base64') } } };
    }
    if (source.kind !== 'base64') {
      throw new RequestFaultError(
        'messages',
        'The model takes documents only as data, not by URL or file id; send the document itself.',
      );
    }
    const format = findDocumentFormat(source.mediaType);
    if (format === undefined)
      throw new RequestFaultError('messages', `The model does not take documents of type ${source.mediaType}.`);
    return { document: { format, name, source: { bytes: source.data } } };
  }

  #uniqueName(name: string): string {
    let unique = name;
    for (let count = 2; this.#documentNames.has(unique); count += 1) unique = `${name} (${count})`;
    this.#documentNames.add(unique);
    return unique;
  }

  #writeToolResult(block: ToolResultBlock): JsonObject {
    const content = block.content
      .filter((part) => part.type !== 'text' || part.text.trim() !== '')
      .map((part) => this.#writeContent(part));
    return {
      toolResult: {
        toolUseId: mapToolCallId(block.toolCallId, CLAUDE_TOOL_ID),
        content: content.length === 0 ? [{ text: '(no output)' }] : content,
        ...(block.isError ? { status: 'error' } : {}),
      },
    };
  }
}

/** Only blocks that `keepReasoning` let through come here: signed or sealed ones. */
export function writeReasoning(block: ReasoningBlock): JsonObject {
  if (block.redacted !== undefined) return { reasoningContent: { redactedContent: block.redacted } };
  const signed = block.signature === undefined ? {} : { signature: block.signature };
  return { reasoningContent: { reasoningText: { text: block.text, ...signed } } };
}
