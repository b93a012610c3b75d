import type { CallError, StreamEvent } from '@weir/call-model';
import type { TranslationContext } from '../dialect.js';
import { incompleteAnswer, malformedAnswer } from '../translation/answer-error.js';
import { findJsonObject, objectOf, stringOf, type JsonObject } from '../translation/json.js';
import { findAnthropicError } from './error.js';
import { mapAnthropicFinish } from './finish.js';
import { AnthropicUsage } from './usage.js';

type OpenBlock =
  | { kind: 'text'; block: number }
  | { kind: 'tool-call'; block: number }
  | { kind: 'reasoning'; block: number; signature: string; redacted: string | undefined };

/**
 * Anthropic's stream events (whatever framing they came in) → neutral events. Unknown events, deltas and block types are ignored, as the
 * API's versioning policy asks of clients.
 */
export class AnthropicEventReader {
  readonly #open = new Map<number, OpenBlock>();
  readonly #usage = new AnthropicUsage();
  #nextBlock = 0;
  #hasFinish = false;
  #isClosed = false;

  constructor(private readonly context: TranslationContext = {}) {}

  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** One event's JSON text. Malformed text becomes an `error` event. */
  read(data: string): StreamEvent[] {
    if (this.#isClosed) return [];
    const json = findJsonObject(data);
    if (!json) return this.fail(malformedAnswer('The provider sent a stream event that is not valid JSON.'));
    switch (json['type']) {
      case 'message_start':
        return this.#readStart(objectOf(json['message']));
      case 'content_block_start':
        return this.#readBlockStart(json);
      case 'content_block_delta':
        return this.#readDelta(json);
      case 'content_block_stop':
        return this.#readBlockStop(json);
      case 'message_delta':
        return this.#readMessageDelta(json);
      case 'message_stop':
        return this.end();
      case 'error':
        return this.fail(findAnthropicError(json) ?? malformedAnswer('The provider reported an error.'));
      default:
        return [];
    }
  }

  /** The stream has ended, by `message_stop` or by the connection. */
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

  #readStart(message: JsonObject): StreamEvent[] {
    const start: StreamEvent = {
      type: 'message-start',
      id: stringOf(message['id']) ?? '',
      model: this.context.model ?? stringOf(message['model']) ?? '',
    };
    return [start, ...this.#readUsage(message['usage'])];
  }

  #readUsage(value: unknown): StreamEvent[] {
    if (!this.#usage.add(value)) return [];
    const { usage, mismatch } = this.#usage;
    return usage ? [{ type: 'usage', usage, ...(mismatch === undefined ? {} : { mismatch }) }] : [];
  }

  #readBlockStart(json: JsonObject): StreamEvent[] {
    const index = Number(json['index']);
    const content = objectOf(json['content_block']);
    const block = this.#nextBlock;
    switch (content['type']) {
      case 'text': {
        this.#keep(index, { kind: 'text', block });
        const text = stringOf(content['text']);
        return [{ type: 'text-start', block }, ...(text ? [{ type: 'text-delta' as const, block, text }] : [])];
      }
      case 'tool_use': {
        this.#keep(index, { kind: 'tool-call', block });
        const name = stringOf(content['name']) ?? '';
        const start: StreamEvent = {
          type: 'tool-call-start',
          block,
          id: stringOf(content['id']) ?? '',
          name: this.context.toolNames?.get(name) ?? name,
        };
        // Some compatible servers give the whole input here instead of in deltas.
        const input = objectOf(content['input']);
        return Object.keys(input).length === 0
          ? [start]
          : [start, { type: 'tool-call-delta', block, fragment: JSON.stringify(input) }];
      }
      case 'thinking': {
        this.#keep(index, {
          kind: 'reasoning',
          block,
          signature: stringOf(content['signature']) ?? '',
          redacted: undefined,
        });
        const text = stringOf(content['thinking']);
        return [
          { type: 'reasoning-start', block },
          ...(text ? [{ type: 'reasoning-delta' as const, block, text }] : []),
        ];
      }
      case 'redacted_thinking':
        this.#keep(index, { kind: 'reasoning', block, signature: '', redacted: stringOf(content['data']) ?? '' });
        return [{ type: 'reasoning-start', block }];
      default:
        return [];
    }
  }

  #keep(index: number, block: OpenBlock): void {
    this.#nextBlock += 1;
    this.#open.set(index, block);
  }

  #readDelta(json: JsonObject): StreamEvent[] {
    const open = this.#open.get(Number(json['index']));
    const delta = objectOf(json['delta']);
    if (!open) return [];
    const { block } = open;
    switch (delta['type']) {
      case 'text_delta':
        return [{ type: 'text-delta', block, text: stringOf(delta['text']) ?? '' }];
      case 'input_json_delta': {
        const fragment = stringOf(delta['partial_json']);
        return fragment ? [{ type: 'tool-call-delta', block, fragment }] : [];
      }
      case 'thinking_delta': {
        const text = stringOf(delta['thinking']);
        return text ? [{ type: 'reasoning-delta', block, text }] : [];
      }
      case 'signature_delta':
        if (open.kind === 'reasoning') open.signature += stringOf(delta['signature']) ?? '';
        return [];
      default:
        return [];
    }
  }

  #readBlockStop(json: JsonObject): StreamEvent[] {
    const index = Number(json['index']);
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
        ...(open.redacted === undefined ? {} : { redacted: open.redacted }),
      },
    ];
  }

  #readMessageDelta(json: JsonObject): StreamEvent[] {
    const events = this.#readUsage(json['usage']);
    const delta = objectOf(json['delta']);
    const reason = stringOf(delta['stop_reason']);
    if (reason === undefined || this.#hasFinish) return events;
    this.#hasFinish = true;
    const stopSequence = stringOf(delta['stop_sequence']);
    events.push({
      type: 'finish',
      reason: mapAnthropicFinish(reason),
      ...(stopSequence === undefined ? {} : { stopSequence }),
    });
    return events;
  }
}
