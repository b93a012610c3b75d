import type { CallError, StreamEvent } from '@weir/call-model';
import type { ObservedUsage, StreamDecoder, StreamEncoder, StreamPassthrough, TranslationContext } from '../dialect.js';
import { AnthropicEventReader } from '../anthropic/event-reader.js';
import { AnthropicEventWriter } from '../anthropic/event-writer.js';
import { AnthropicEventObserver, observeEventBytes } from '../anthropic/frame-reader.js';
import { concatBytes, decodeText, encodeText, EMPTY_BYTES, viewAsBuffer } from '../framing/bytes.js';
import { EventStreamDecoder, writeEventStreamMessage, type EventStreamMessage } from '../framing/event-stream.js';
import { needle, Observation } from '../passthrough/observation.js';
import { unreadableStream } from '../translation/answer-error.js';
import { encodeJson, findJsonObject, stringOf, type JsonObject } from '../translation/json.js';
import { findEventError, renderBedrockStreamError } from './error.js';

/*
 * InvokeModelWithResponseStream: event-stream messages of type `chunk` with payload {"bytes": base64 of the model's own event}.
 * https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_InvokeModelWithResponseStream.html
 */

/** The model's own event in a message; undefined for a message that holds none. */
function findInnerBytes(message: EventStreamMessage): Uint8Array | undefined {
  if (message.headers[':event-type'] !== 'chunk') return undefined;
  const bytes =
    sliceBytesField(viewAsBuffer(message.payload)) ?? stringOf(findJsonObject(decodeText(message.payload))?.['bytes']);
  if (bytes === undefined) throw new Error('a chunk without bytes');
  return Buffer.from(bytes, 'base64');
}

const BYTES_FIELD = needle('{"bytes":"');
const QUOTE = 0x22;

/** The field as AWS writes it, in front; base64 has nothing to unescape. Anything else is parsed. */
function sliceBytesField(payload: Buffer): string | undefined {
  if (!BYTES_FIELD.equals(payload.subarray(0, BYTES_FIELD.length))) return undefined;
  const end = payload.indexOf(QUOTE, BYTES_FIELD.length);
  if (end < 0 || payload.at(-1) !== BRACE_CLOSE) return undefined;
  const bytes = payload.toString('latin1', BYTES_FIELD.length, end);
  return bytes.includes('\\') ? undefined : bytes;
}

const BRACE_CLOSE = 0x7d;

export class InvokeStreamDecoder implements StreamDecoder {
  readonly #framing = new EventStreamDecoder();
  readonly #reader: AnthropicEventReader;

  constructor(context: TranslationContext = {}) {
    this.#reader = new AnthropicEventReader(context);
  }

  push(bytes: Uint8Array): StreamEvent[] {
    if (this.#reader.isClosed) return [];
    const events: StreamEvent[] = [];
    try {
      for (const message of this.#framing.push(bytes)) {
        const error = findEventError(message);
        const inner = error ? undefined : findInnerBytes(message);
        if (error) events.push(...this.#reader.fail(error));
        else if (inner) events.push(...this.#reader.read(decodeText(inner)));
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

export class InvokeStreamEncoder implements StreamEncoder {
  readonly #writer: AnthropicEventWriter;

  constructor(private readonly context: TranslationContext = {}) {
    this.#writer = new AnthropicEventWriter(context);
  }

  encode(event: StreamEvent): Uint8Array {
    if (event.type === 'error') {
      return this.#writer.write(event).length === 0
        ? EMPTY_BYTES
        : renderBedrockStreamError({ ...event.error, code: event.error.type, requestId: this.context.requestId ?? '' });
    }
    return writeChunks(this.#writer.write(event));
  }

  end(): Uint8Array {
    return writeChunks(this.#writer.end());
  }
}

function writeChunks(events: readonly JsonObject[]): Uint8Array {
  return concatBytes(
    events.map((event) =>
      writeEventStreamMessage(
        { ':event-type': 'chunk', ':content-type': 'application/json', ':message-type': 'event' },
        encodeJson({ bytes: Buffer.from(JSON.stringify(event)).toString('base64') }),
      ),
    ),
  );
}

const EVENT_PREFIX = encodeText('event: ');
const DATA_PREFIX = encodeText('\ndata: ');
const FRAME_END = encodeText('\n\n');

/**
 * InvokeModel's stream as the SSE an Anthropic client expects: each event's own JSON bytes, unchanged, with the two lines around them, and its usage
 * read alongside. Bedrock sends no pings; the caller adds them.
 */
export class InvokeToSse implements StreamPassthrough {
  readonly #framing = new EventStreamDecoder();
  readonly #observer = new AnthropicEventObserver();
  readonly #seen = new Observation();

  push(bytes: Uint8Array): Uint8Array {
    if (this.#seen.error) return EMPTY_BYTES;
    const parts: Uint8Array[] = [];
    try {
      for (const message of this.#framing.push(bytes)) {
        const error = findEventError(message);
        if (error) this.#seen.error = error;
        else this.#forward(message, parts);
        if (this.#seen.error) break;
      }
    } catch (error) {
      this.#seen.error = unreadableStream(error);
    }
    return parts.length === 0 ? EMPTY_BYTES : concatBytes(parts);
  }

  #forward(message: EventStreamMessage, parts: Uint8Array[]): void {
    const inner = findInnerBytes(message);
    if (!inner) return;
    observeEventBytes(this.#observer, inner, this.#seen);
    if (this.#seen.error) return;
    parts.push(EVENT_PREFIX, encodeText(findEventType(inner)), DATA_PREFIX, inner, FRAME_END);
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

/** Anthropic writes `type` first; anything else is parsed. */
const LEADING_TYPE = /^\{"type":"([a-z_]+)"/;

function findEventType(inner: Uint8Array): string {
  const leading = LEADING_TYPE.exec(decodeText(inner.subarray(0, 64)))?.[1];
  const type = leading ?? stringOf(findJsonObject(decodeText(inner))?.['type']);
  if (type === undefined) throw new Error('an event without a type');
  return type;
}
