import { EMPTY_USAGE, type CallError, type StreamEvent, type Usage } from '@weir/call-model';
import type { ObservedUsage, StreamDecoder, StreamEncoder, TranslationContext, UsageObserver } from '../dialect.js';
import { concatBytes, decodeText, EMPTY_BYTES } from '../framing/bytes.js';
import { EventStreamDecoder, writeEventStreamMessage } from '../framing/event-stream.js';
import { Observation } from '../passthrough/observation.js';
import { unreadableStream } from '../translation/answer-error.js';
import { encodeJson, findJsonObject, type JsonObject } from '../translation/json.js';
import { CLAUDE_TOOL_ID, mapToolCallId } from '../translation/tool-names.js';
import { ConverseEventReader } from './converse-events.js';
import { findEventError, renderBedrockStreamError } from './error.js';
import { mapFinishToConverse } from './finish.js';
import { writeConverseUsage } from './usage.js';

export class ConverseStreamDecoder implements StreamDecoder {
  readonly #framing = new EventStreamDecoder();
  readonly #reader: ConverseEventReader;

  constructor(context: TranslationContext = {}) {
    this.#reader = new ConverseEventReader(context);
  }

  push(bytes: Uint8Array): StreamEvent[] {
    if (this.#reader.isClosed) return [];
    const events: StreamEvent[] = [];
    try {
      for (const message of this.#framing.push(bytes)) {
        const error = findEventError(message);
        if (error) {
          events.push(...this.#reader.fail(error));
          continue;
        }
        const json = findJsonObject(decodeText(message.payload));
        if (!json) throw new Error('an event is not JSON');
        events.push(...this.#reader.read(message.headers[':event-type'] ?? '', json));
      }
    } catch (error) {
      events.push(...this.#reader.fail(unreadableStream(error)));
    }
    return events;
  }

  end(): StreamEvent[] {
    return this.#reader.end();
  }
}

/** Neutral events → ConverseStream messages. `metadata` is last and waits for usage. */
export class ConverseStreamEncoder implements StreamEncoder {
  #usage: Usage | undefined;
  #hasFinish = false;
  #isClosed = false;

  constructor(private readonly context: TranslationContext = {}) {}

  encode(event: StreamEvent): Uint8Array {
    if (this.#isClosed) return EMPTY_BYTES;
    switch (event.type) {
      case 'message-start':
        return writeEvent('messageStart', { role: 'assistant' });
      case 'tool-call-start': {
        const toolUse = { toolUseId: mapToolCallId(event.id, CLAUDE_TOOL_ID), name: event.name };
        return writeEvent('contentBlockStart', { start: { toolUse }, contentBlockIndex: event.block });
      }
      case 'text-delta':
        return writeDelta(event.block, { text: event.text });
      case 'tool-call-delta':
        return writeDelta(event.block, { toolUse: { input: event.fragment } });
      case 'reasoning-delta':
        return writeDelta(event.block, { reasoningContent: { text: event.text } });
      case 'reasoning-end':
        return concatBytes([...writeSeals(event), writeStop(event.block)]);
      case 'text-end':
      case 'tool-call-end':
        return writeStop(event.block);
      case 'usage':
        this.#usage = event.usage;
        return EMPTY_BYTES;
      case 'finish':
        this.#hasFinish = true;
        return writeEvent('messageStop', { stopReason: mapFinishToConverse(event.reason) });
      case 'error':
        this.#isClosed = true;
        return renderBedrockStreamError({
          ...event.error,
          code: event.error.type,
          requestId: this.context.requestId ?? '',
        });
      case 'text-start':
      case 'reasoning-start':
        return EMPTY_BYTES;
    }
  }

  end(): Uint8Array {
    if (this.#isClosed || !this.#hasFinish) return EMPTY_BYTES;
    this.#isClosed = true;
    return writeEvent('metadata', { usage: writeConverseUsage(this.#usage ?? EMPTY_USAGE), metrics: { latencyMs: 0 } });
  }
}

function writeSeals(event: Extract<StreamEvent, { type: 'reasoning-end' }>): Uint8Array[] {
  const seals: Uint8Array[] = [];
  if (event.signature !== undefined)
    seals.push(writeDelta(event.block, { reasoningContent: { signature: event.signature } }));
  if (event.redacted !== undefined)
    seals.push(writeDelta(event.block, { reasoningContent: { redactedContent: event.redacted } }));
  return seals;
}

function writeDelta(block: number, delta: JsonObject): Uint8Array {
  return writeEvent('contentBlockDelta', { delta, contentBlockIndex: block });
}

function writeStop(block: number): Uint8Array {
  return writeEvent('contentBlockStop', { contentBlockIndex: block });
}

function writeEvent(type: string, payload: JsonObject): Uint8Array {
  return writeEventStreamMessage(
    { ':event-type': type, ':content-type': 'application/json', ':message-type': 'event' },
    encodeJson(payload),
  );
}

/** Usage of a ConverseStream that passes through: checked framing, and only the events that tell something are parsed. */
export class ConverseStreamObserver implements UsageObserver {
  readonly #framing = new EventStreamDecoder();
  readonly #reader = new ConverseEventReader();
  readonly #seen = new Observation();

  push(bytes: Uint8Array): void {
    if (this.#seen.error) return;
    try {
      for (const message of this.#framing.push(bytes)) {
        this.#seen.error = findEventError(message) ?? null;
        if (this.#seen.error) return;
        this.#note(message.headers[':event-type'] ?? '', message.payload);
      }
    } catch (error) {
      this.#seen.error = unreadableStream(error);
    }
  }

  #note(type: string, payload: Uint8Array): void {
    if (type === 'contentBlockDelta') this.#seen.hasFirstToken = true;
    if (type !== 'messageStop' && type !== 'metadata') return;
    const json = findJsonObject(decodeText(payload));
    if (!json) throw new Error('an event is not JSON');
    for (const event of this.#reader.read(type, json)) {
      if (event.type === 'finish') this.#seen.finish = event.reason;
      if (event.type !== 'usage') continue;
      this.#seen.usage = event.usage;
      this.#seen.usageMismatch = event.mismatch ?? null;
    }
    if (this.#seen.finish !== null) this.#seen.isComplete = true;
  }

  get hasFirstToken(): boolean {
    return this.#seen.hasFirstToken;
  }

  get error(): CallError | null {
    return this.#seen.error;
  }

  result(): ObservedUsage {
    return this.#seen.result();
  }
}
