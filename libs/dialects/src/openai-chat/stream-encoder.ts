import type { FinishReason, StreamEvent, Usage } from '@weir/call-model';
import type { StreamEncoder, TranslationContext } from '../dialect.js';
import { concatBytes, EMPTY_BYTES } from '../framing/bytes.js';
import { writeSseFrame } from '../framing/sse.js';
import type { JsonObject } from '../translation/json.js';
import { CHAT_TOOL_ID, mapToolCallId } from '../translation/tool-names.js';
import { renderChatStreamError } from './error.js';
import { mapFinishToChat } from './finish.js';
import { chatIdOf, writeReasoningDetail } from './response.js';
import { writeChatUsage } from './usage.js';

/**
 * Neutral events → chat.completion.chunk frames. The choice is always 0; tool calls have a counter of their own, dense from 0, whatever
 * the blocks' numbers; id and name are sent once, then only fragments of arguments.
 */
export class ChatStreamEncoder implements StreamEncoder {
  readonly #tools = new Map<number, { index: number; isEmpty: boolean }>();
  readonly #refusals = new Set<number>();
  readonly #reasoning = new Map<number, { index: number; text: string }>();
  readonly #created: number;
  #id = 'chatcmpl-';
  #model = '';
  #isStarted = false;
  #usage: Usage | undefined;
  #finish: FinishReason | undefined;
  #isClosed = false;

  constructor(private readonly context: TranslationContext = {}) {
    this.#created = context.createdAtSeconds ?? Math.floor(Date.now() / 1000);
  }

  encode(event: StreamEvent): Uint8Array {
    if (this.#isClosed) return EMPTY_BYTES;
    switch (event.type) {
      case 'message-start':
        this.#id = chatIdOf(event.id);
        this.#model = this.context.model ?? event.model;
        return this.#start();
      case 'text-start':
        if (event.refusal) this.#refusals.add(event.block);
        return EMPTY_BYTES;
      case 'text-delta':
        return this.#delta(this.#refusals.has(event.block) ? { refusal: event.text } : { content: event.text });
      case 'tool-call-start':
      case 'tool-call-delta':
      case 'tool-call-end':
        return this.#toolCall(event);
      case 'reasoning-start':
      case 'reasoning-delta':
      case 'reasoning-end':
        return this.#reason(event);
      case 'usage':
        this.#usage = event.usage;
        return EMPTY_BYTES;
      case 'finish':
        this.#finish = event.reason;
        return this.#chunk({}, mapFinishToChat(event.reason));
      case 'error':
        this.#isClosed = true;
        return renderChatStreamError({
          ...event.error,
          code: event.error.code ?? event.error.type,
          requestId: this.context.requestId ?? '',
        });
      case 'text-end':
        return EMPTY_BYTES;
    }
  }

  end(): Uint8Array {
    if (this.#isClosed) return EMPTY_BYTES;
    this.#isClosed = true;
    const frames: Uint8Array[] = [];
    if (this.context.streamUsage === true && this.#usage) {
      frames.push(
        writeSseFrame(JSON.stringify({ ...this.#envelope(), choices: [], usage: writeChatUsage(this.#usage) })),
      );
    }
    if (this.#finish !== undefined) frames.push(writeSseFrame('[DONE]'));
    return concatBytes(frames);
  }

  #start(): Uint8Array {
    this.#isStarted = true;
    return this.#chunk({ role: 'assistant', content: '' }, null);
  }

  #toolCall(
    event: Extract<StreamEvent, { type: 'tool-call-start' | 'tool-call-delta' | 'tool-call-end' }>,
  ): Uint8Array {
    if (event.type === 'tool-call-start') {
      const index = this.#tools.size;
      this.#tools.set(event.block, { index, isEmpty: true });
      const id = mapToolCallId(event.id, CHAT_TOOL_ID);
      return this.#delta({
        tool_calls: [{ index, id, type: 'function', function: { name: event.name, arguments: '' } }],
      });
    }
    const call = this.#tools.get(event.block);
    if (!call) return EMPTY_BYTES;
    // A call without input still has to end as valid JSON.
    const fragment = event.type === 'tool-call-delta' ? event.fragment : call.isEmpty ? '{}' : '';
    if (fragment === '') return EMPTY_BYTES;
    call.isEmpty = false;
    return this.#delta({ tool_calls: [{ index: call.index, function: { arguments: fragment } }] });
  }

  #reason(event: Extract<StreamEvent, { type: 'reasoning-start' | 'reasoning-delta' | 'reasoning-end' }>): Uint8Array {
    if (event.type === 'reasoning-start') {
      this.#reasoning.set(event.block, { index: this.#reasoning.size, text: '' });
      return EMPTY_BYTES;
    }
    const block = this.#reasoning.get(event.block);
    if (!block) return EMPTY_BYTES;
    if (event.type === 'reasoning-delta') {
      block.text += event.text;
      return this.#delta({ reasoning_content: event.text });
    }
    const details = writeReasoningDetail(
      { text: block.text, signature: event.signature, redacted: event.redacted },
      block.index,
    );
    block.text = '';
    return details.length === 0 ? EMPTY_BYTES : this.#delta({ reasoning_details: details });
  }

  #delta(delta: JsonObject): Uint8Array {
    return this.#chunk(delta, null);
  }

  #chunk(delta: JsonObject, finish: string | null): Uint8Array {
    const isFirst = !this.#isStarted;
    const start = isFirst ? this.#start() : EMPTY_BYTES;
    const choice = { index: 0, delta, logprobs: null, finish_reason: finish };
    const usage = this.context.streamUsage === true ? { usage: null } : {};
    const frame = writeSseFrame(JSON.stringify({ ...this.#envelope(), choices: [choice], ...usage }));
    return isFirst ? concatBytes([start, frame]) : frame;
  }

  #envelope(): JsonObject {
    return { id: this.#id, object: 'chat.completion.chunk', created: this.#created, model: this.#model };
  }
}
