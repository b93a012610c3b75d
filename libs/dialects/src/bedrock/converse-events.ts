import type { CallError, StreamEvent } from '@weir/call-model';
import type { TranslationContext } from '../dialect.js';
import { incompleteAnswer } from '../translation/answer-error.js';
import { objectOf, stringOf, type JsonObject } from '../translation/json.js';
import { mapConverseFinish } from './finish.js';
import { findConverseUsage } from './usage.js';

type OpenBlock = { kind: 'text' | 'tool-call' | 'reasoning'; block: number; signature: string; redacted: string };

/**
 * ConverseStream's events, by type and JSON payload → neutral events. Blocks may interleave and are told apart by contentBlockIndex; text and
 * reasoning have no start event, so their first delta starts them.
 */
export class ConverseEventReader {
  readonly #open = new Map<number, OpenBlock>();
  #nextBlock = 0;
  #hasFinish = false;
  #isClosed = false;

  constructor(private readonly context: TranslationContext = {}) {}

  get isClosed(): boolean {
    return this.#isClosed;
  }

  read(type: string, json: JsonObject): StreamEvent[] {
    if (this.#isClosed) return [];
    switch (type) {
      case 'messageStart':
        return [{ type: 'message-start', id: '', model: this.context.model ?? '' }];
      case 'contentBlockStart':
        return this.#readStart(json);
      case 'contentBlockDelta':
        return this.#readDelta(json);
      case 'contentBlockStop':
        return this.#readStop(Number(json['contentBlockIndex']));
      case 'messageStop':
        return this.#readMessageStop(json);
      case 'metadata': {
        const counted = findConverseUsage(json['usage'], json['serviceTier']);
        return counted ? [{ type: 'usage', ...counted }] : [];
      }
      default:
        return [];
    }
  }

  end(): StreamEvent[] {
    if (this.#isClosed) return [];
    if (!this.#hasFinish) return this.fail(incompleteAnswer());
    this.#isClosed = true;
    return [];
  }

  fail(error: CallError): StreamEvent[] {
    if (this.#isClosed) return [];
    this.#isClosed = true;
    return [{ type: 'error', error }];
  }

  #openBlock(index: number, kind: OpenBlock['kind']): OpenBlock {
    const open = { kind, block: this.#nextBlock++, signature: '', redacted: '' };
    this.#open.set(index, open);
    return open;
  }

  #readStart(json: JsonObject): StreamEvent[] {
    const toolUse = objectOf(objectOf(json['start'])['toolUse']);
    const name = stringOf(toolUse['name']);
    if (name === undefined) return [];
    const { block } = this.#openBlock(Number(json['contentBlockIndex']), 'tool-call');
    return [
      {
        type: 'tool-call-start',
        block,
        id: stringOf(toolUse['toolUseId']) ?? '',
        name: this.context.toolNames?.get(name) ?? name,
      },
    ];
  }

  #readDelta(json: JsonObject): StreamEvent[] {
    const index = Number(json['contentBlockIndex']);
    const delta = objectOf(json['delta']);
    const text = stringOf(delta['text']);
    if (text !== undefined) return this.#readText(index, text);
    if (delta['toolUse'] !== undefined) return this.#readInput(index, objectOf(delta['toolUse']));
    if (delta['reasoningContent'] !== undefined) return this.#readReasoning(index, objectOf(delta['reasoningContent']));
    return [];
  }

  #readText(index: number, text: string): StreamEvent[] {
    const open = this.#open.get(index);
    if (open) return text === '' ? [] : [{ type: 'text-delta', block: open.block, text }];
    const { block } = this.#openBlock(index, 'text');
    return [{ type: 'text-start', block }, ...(text === '' ? [] : [{ type: 'text-delta' as const, block, text }])];
  }

  #readInput(index: number, toolUse: JsonObject): StreamEvent[] {
    const open = this.#open.get(index);
    const fragment = stringOf(toolUse['input']);
    return open && fragment ? [{ type: 'tool-call-delta', block: open.block, fragment }] : [];
  }

  #readReasoning(index: number, content: JsonObject): StreamEvent[] {
    const events: StreamEvent[] = [];
    let open = this.#open.get(index);
    if (!open) {
      open = this.#openBlock(index, 'reasoning');
      events.push({ type: 'reasoning-start', block: open.block });
    }
    const text = stringOf(content['text']);
    if (text) events.push({ type: 'reasoning-delta', block: open.block, text });
    open.signature += stringOf(content['signature']) ?? '';
    open.redacted += base64Of(content['redactedContent']);
    return events;
  }

  #readStop(index: number): StreamEvent[] {
    const open = this.#open.get(index);
    if (!open) return [];
    this.#open.delete(index);
    const { block } = open;
    if (open.kind === 'text') return [{ type: 'text-end', block }];
    if (open.kind === 'tool-call') return [{ type: 'tool-call-end', block }];
    return [
      {
        type: 'reasoning-end',
        block,
        ...(open.signature === '' ? {} : { signature: open.signature }),
        ...(open.redacted === '' ? {} : { redacted: open.redacted }),
      },
    ];
  }

  #readMessageStop(json: JsonObject): StreamEvent[] {
    // Some models leave the last block's stop out.
    const events = [...this.#open.keys()].flatMap((index) => this.#readStop(index));
    if (this.#hasFinish) return events;
    this.#hasFinish = true;
    return [...events, { type: 'finish', reason: mapConverseFinish(stringOf(json['stopReason']) ?? 'end_turn') }];
  }
}

/** Base64 in JSON; bytes where the AWS SDK has decoded it. */
function base64Of(value: unknown): string {
  return value instanceof Uint8Array ? Buffer.from(value).toString('base64') : (stringOf(value) ?? '');
}
