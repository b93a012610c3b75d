import { EMPTY_USAGE, type StreamEvent, type Usage } from '@weir/call-model';
import type { TranslationContext } from '../dialect.js';
import type { JsonObject } from '../translation/json.js';
import { CLAUDE_TOOL_ID, mapToolCallId } from '../translation/tool-names.js';
import { writeErrorObject } from './error.js';
import { mapFinishToAnthropic } from './finish.js';
import { messageIdOf } from './response.js';
import { writeAnthropicUsage } from './usage.js';

type BlockEvent = Extract<StreamEvent, { block: number }>;

/**
 * Neutral events → Anthropic's stream events, as objects with a `type`. Blocks are strictly sequential there, so while one is open the
 * events of others wait, and message_delta waits for usage that may come after the finish.
 */
export class AnthropicEventWriter {
  /** Waiting blocks in the order they were started, each with its events. The first one, if `#open` is set, is the open one. */
  readonly #waiting = new Map<number, BlockEvent[]>();
  #open: number | undefined;
  #index = 0;
  #usage: Usage | undefined;
  #finish: Extract<StreamEvent, { type: 'finish' }> | undefined;
  #isStarted = false;
  /** The open block's start has been written; reasoning waits for its first text to know its type. */
  #isOpenWritten = false;
  #isClosed = false;

  constructor(private readonly context: TranslationContext = {}) {}

  write(event: StreamEvent): JsonObject[] {
    if (this.#isClosed) return [];
    switch (event.type) {
      case 'message-start':
        return this.#isStarted ? [] : this.#start(event.id, event.model);
      case 'usage':
        this.#usage = event.usage;
        return [];
      case 'finish':
        this.#finish = event;
        return [];
      case 'error':
        this.#isClosed = true;
        return [writeErrorObject({ ...event.error, code: event.error.type, requestId: this.context.requestId ?? '' })];
      default:
        return [...this.#ensureStarted(), ...this.#writeBlock(event)];
    }
  }

  /** What waited, message_delta and message_stop. Nothing after an error, or where the answer never finished. */
  end(): JsonObject[] {
    if (this.#isClosed) return [];
    this.#isClosed = true;
    if (!this.#finish) return [];
    const usage = this.#usage;
    return [
      ...this.#ensureStarted(),
      ...this.#closeAll(),
      {
        type: 'message_delta',
        delta: {
          stop_reason: mapFinishToAnthropic(this.#finish.reason),
          stop_sequence: this.#finish.stopSequence ?? null,
        },
        usage: usage ? writeAnthropicUsage(usage) : { output_tokens: 0 },
      },
      { type: 'message_stop' },
    ];
  }

  #ensureStarted(): JsonObject[] {
    return this.#isStarted ? [] : this.#start('', '');
  }

  #start(id: string, model: string): JsonObject[] {
    this.#isStarted = true;
    const message = {
      id: messageIdOf(id),
      type: 'message',
      role: 'assistant',
      model: this.context.model ?? model,
      content: [],
      stop_reason: null,
      stop_sequence: null,
      usage: writeAnthropicUsage(this.#usage ?? EMPTY_USAGE),
    };
    return [{ type: 'message_start', message }];
  }

  #writeBlock(event: BlockEvent): JsonObject[] {
    if (event.block !== this.#open && this.#open !== undefined) {
      const events = this.#waiting.get(event.block);
      if (events) events.push(event);
      else this.#waiting.set(event.block, [event]);
      return [];
    }
    this.#open = event.block;
    const written = this.#writeOpen(event);
    if (!isEnd(event)) return written;
    this.#open = undefined;
    return [...written, ...this.#writeWaiting()];
  }

  /** Lets the next waiting block catch up; it stays open unless it has ended already. */
  #writeWaiting(): JsonObject[] {
    const next = this.#waiting.entries().next();
    if (next.done) return [];
    const [block, events] = next.value;
    this.#waiting.delete(block);
    return events.flatMap((event) => this.#writeBlock(event));
  }

  #closeAll(): JsonObject[] {
    const written: JsonObject[] = [];
    while (this.#open !== undefined || this.#waiting.size > 0) {
      if (this.#open !== undefined) {
        // The upstream never ended this block; the client needs its end all the same.
        if (this.#isOpenWritten) written.push(this.#blockStop());
        this.#open = undefined;
      }
      written.push(...this.#writeWaiting());
    }
    return written;
  }

  #writeOpen(event: BlockEvent): JsonObject[] {
    switch (event.type) {
      case 'text-start':
        return [this.#blockStart({ type: 'text', text: '', citations: null })];
      case 'tool-call-start':
        return [
          this.#blockStart({
            type: 'tool_use',
            id: mapToolCallId(event.id, CLAUDE_TOOL_ID),
            name: event.name,
            input: {},
          }),
        ];
      case 'reasoning-start':
        // What kind of block it is shows at its first text or at its end: a sealed one has another type.
        return [];
      case 'text-delta':
        return [this.#delta({ type: 'text_delta', text: event.text })];
      case 'tool-call-delta':
        return [this.#delta({ type: 'input_json_delta', partial_json: event.fragment })];
      case 'reasoning-delta':
        return [...this.#ensureThinking(), this.#delta({ type: 'thinking_delta', thinking: event.text })];
      case 'reasoning-end':
        return this.#endReasoning(event);
      case 'text-end':
      case 'tool-call-end':
        return [this.#blockStop()];
    }
  }

  #ensureThinking(): JsonObject[] {
    if (this.#isOpenWritten) return [];
    return [this.#blockStart({ type: 'thinking', thinking: '', signature: '' })];
  }

  #endReasoning(event: Extract<StreamEvent, { type: 'reasoning-end' }>): JsonObject[] {
    const written: JsonObject[] = [];
    if (this.#isOpenWritten || event.redacted === undefined) {
      written.push(...this.#ensureThinking());
      if (event.signature !== undefined)
        written.push(this.#delta({ type: 'signature_delta', signature: event.signature }));
    } else {
      written.push(this.#blockStart({ type: 'redacted_thinking', data: event.redacted }));
    }
    return [...written, this.#blockStop()];
  }

  #blockStart(block: JsonObject): JsonObject {
    this.#isOpenWritten = true;
    return { type: 'content_block_start', index: this.#index, content_block: block };
  }

  #delta(delta: JsonObject): JsonObject {
    return { type: 'content_block_delta', index: this.#index, delta };
  }

  #blockStop(): JsonObject {
    this.#isOpenWritten = false;
    return { type: 'content_block_stop', index: this.#index++ };
  }
}

function isEnd(event: BlockEvent): boolean {
  return event.type === 'text-end' || event.type === 'tool-call-end' || event.type === 'reasoning-end';
}
