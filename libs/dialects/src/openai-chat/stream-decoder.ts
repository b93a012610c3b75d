import type { CallError, StreamEvent } from '@weir/call-model';
import type { StreamDecoder, TranslationContext } from '../dialect.js';
import { parseSseFrame, SseFrameSplitter } from '../framing/sse.js';
import { incompleteAnswer, malformedAnswer, unreadableStream } from '../translation/answer-error.js';
import { arrayOf, findJsonObject, objectOf, stringOf, type JsonObject } from '../translation/json.js';
import { findChatStreamError } from './error.js';
import { mapChatFinish } from './finish.js';
import { parseReasoning } from './parse-messages.js';
import { findChatUsage } from './usage.js';

type Prose = { kind: 'text' | 'refusal' | 'reasoning'; block: number };

/** chat.completion.chunk frames → neutral events. Only choice 0 counts: more are never asked for in a translation. */
export class ChatStreamDecoder implements StreamDecoder {
  readonly #splitter = new SseFrameSplitter();
  readonly #tools = new Map<number, number>();
  #prose: Prose | undefined;
  #nextBlock = 0;
  #isStarted = false;
  #hasRefusal = false;
  #finish: string | undefined;
  #isClosed = false;

  constructor(private readonly context: TranslationContext = {}) {}

  push(bytes: Uint8Array): StreamEvent[] {
    if (this.#isClosed) return [];
    const events: StreamEvent[] = [];
    try {
      for (const frame of this.#splitter.push(bytes)) {
        this.#readFrame(frame, events);
      }
    } catch (error) {
      this.#fail(unreadableStream(error), events);
    }
    return events;
  }

  end(): StreamEvent[] {
    if (this.#isClosed) return [];
    const events: StreamEvent[] = [];
    // A provider that ends without [DONE] but with a finish reason has said everything.
    if (this.#finish === undefined) this.#fail(incompleteAnswer(), events);
    this.#isClosed = true;
    return events;
  }

  #readFrame(frame: Uint8Array, events: StreamEvent[]): void {
    if (this.#isClosed) return;
    const event = parseSseFrame(frame);
    if (event === undefined) return;
    const data = event.data.trim();
    if (data === '[DONE]') {
      events.push(...this.end());
      return;
    }
    if (data === '') return;
    const chunk = findJsonObject(data);
    if (!chunk) {
      this.#fail(malformedAnswer('The provider sent a stream frame that is not valid JSON.'), events);
      return;
    }
    const error = findChatStreamError(chunk);
    if (error) this.#fail(error, events);
    else this.#readChunk(chunk, events);
  }

  #readChunk(chunk: JsonObject, events: StreamEvent[]): void {
    if (!this.#isStarted) {
      this.#isStarted = true;
      events.push({
        type: 'message-start',
        id: stringOf(chunk['id']) ?? '',
        model: this.context.model ?? stringOf(chunk['model']) ?? '',
      });
    }
    for (const item of arrayOf(chunk['choices'])) {
      const choice = objectOf(item);
      if ((choice['index'] ?? 0) !== 0) continue;
      this.#readDelta(objectOf(choice['delta']), events);
      const finish = stringOf(choice['finish_reason']);
      if (finish !== undefined && this.#finish === undefined) this.#readFinish(finish, events);
    }
    const usage = findChatUsage(chunk['usage'], chunk['service_tier']);
    if (usage) events.push({ type: 'usage', ...usage });
  }

  #readDelta(delta: JsonObject, events: StreamEvent[]): void {
    if (this.#finish !== undefined) return;
    const reasoning = stringOf(delta['reasoning_content']) ?? stringOf(delta['reasoning']);
    if (reasoning) this.#readProse('reasoning', reasoning, events);
    this.#readDetails(delta, events);
    const text = stringOf(delta['content']);
    if (text) this.#readProse('text', text, events);
    const refusal = stringOf(delta['refusal']);
    if (refusal) this.#readProse('refusal', refusal, events);
    for (const call of arrayOf(delta['tool_calls'])) this.#readToolCall(objectOf(call), events);
  }

  /** A signed or redacted block comes whole, after the text that `reasoning_content` already carried. */
  #readDetails(delta: JsonObject, events: StreamEvent[]): void {
    const details = arrayOf(delta['reasoning_details']).map((item) => ({
      ...objectOf(item),
      type: stringOf(objectOf(item)['type']) ?? '',
    }));
    for (const block of parseReasoning({ reasoning_details: details })) {
      if (block.origin !== 'claude') continue;
      if (this.#prose?.kind !== 'reasoning' || block.redacted !== undefined) this.#openProse('reasoning', events);
      this.#closeProse(events, block);
    }
  }

  #readProse(kind: Prose['kind'], text: string, events: StreamEvent[]): void {
    if (this.#prose?.kind !== kind) this.#openProse(kind, events);
    const block = this.#prose?.block ?? 0;
    events.push(kind === 'reasoning' ? { type: 'reasoning-delta', block, text } : { type: 'text-delta', block, text });
  }

  #openProse(kind: Prose['kind'], events: StreamEvent[]): void {
    this.#closeProse(events);
    const block = this.#nextBlock++;
    this.#prose = { kind, block };
    if (kind === 'reasoning') events.push({ type: 'reasoning-start', block });
    else if (kind === 'text') events.push({ type: 'text-start', block });
    else {
      this.#hasRefusal = true;
      events.push({ type: 'text-start', block, refusal: true });
    }
  }

  #closeProse(
    events: StreamEvent[],
    sealed: { signature?: string | undefined; redacted?: string | undefined } = {},
  ): void {
    if (!this.#prose) return;
    const { kind, block } = this.#prose;
    this.#prose = undefined;
    if (kind !== 'reasoning') {
      events.push({ type: 'text-end', block });
      return;
    }
    events.push({
      type: 'reasoning-end',
      block,
      ...(sealed.signature === undefined ? {} : { signature: sealed.signature }),
      ...(sealed.redacted === undefined ? {} : { redacted: sealed.redacted }),
    });
  }

  /** Calls are told apart by index and may interleave, so none ends before the answer does. */
  #readToolCall(call: JsonObject, events: StreamEvent[]): void {
    const called = objectOf(call['function']);
    const index = typeof call['index'] === 'number' ? call['index'] : this.#indexWithout(call);
    let block = this.#tools.get(index);
    if (block === undefined) {
      this.#closeProse(events);
      block = this.#nextBlock++;
      this.#tools.set(index, block);
      const name = stringOf(called['name']) ?? '';
      const id = stringOf(call['id']) ?? `call_${block}`;
      events.push({ type: 'tool-call-start', block, id, name: this.context.toolNames?.get(name) ?? name });
    }
    const fragment = stringOf(called['arguments']);
    if (fragment) events.push({ type: 'tool-call-delta', block, fragment });
  }

  /** Some compatible servers leave the index out: a new id is a new call, anything else belongs to the last one. */
  #indexWithout(call: JsonObject): number {
    return stringOf(call['id']) ? this.#tools.size : Math.max(0, this.#tools.size - 1);
  }

  #readFinish(finish: string, events: StreamEvent[]): void {
    this.#finish = finish;
    this.#closeProse(events);
    for (const block of this.#tools.values()) events.push({ type: 'tool-call-end', block });
    const reason = mapChatFinish(finish);
    events.push({ type: 'finish', reason: this.#hasRefusal && reason === 'stop' ? 'refusal' : reason });
  }

  #fail(error: CallError, events: StreamEvent[]): void {
    this.#isClosed = true;
    events.push({ type: 'error', error });
  }
}
