import { decodeText, viewAsBuffer } from '../framing/bytes.js';
import { parseSseFrame } from '../framing/sse.js';
import { needle, type FrameReader, type Observation } from '../passthrough/observation.js';
import { malformedAnswer } from '../translation/answer-error.js';
import { findJsonObject, objectOf, stringOf, type JsonObject } from '../translation/json.js';
import { findAnthropicError } from './error.js';
import { mapAnthropicFinish } from './finish.js';
import { AnthropicUsage } from './usage.js';

const CONTENT_BLOCK = needle('content_block_');
const CONTENT_BLOCK_DELTA = needle('content_block_delta');
const TOOL_USE = needle('tool_use');
const MESSAGE = needle('message_');
const ERROR = needle('"error"');

/** Reads the events of an Anthropic stream that tell something; deltas are recognised by their bytes and not parsed. */
export class AnthropicEventObserver {
  readonly #usage = new AnthropicUsage();

  /** One event's JSON, or a frame that holds it. `decode` is called only where the JSON has to be read. */
  observe(bytes: Buffer, decode: () => string | undefined, seen: Observation): void {
    if (bytes.includes(CONTENT_BLOCK)) {
      seen.hasFirstToken ||= bytes.includes(CONTENT_BLOCK_DELTA) || bytes.includes(TOOL_USE);
      return;
    }
    if (!bytes.includes(MESSAGE) && !bytes.includes(ERROR)) return;
    const data = decode();
    if (data === undefined || data.trim() === '') return;
    const json = findJsonObject(data);
    if (json) this.#read(json, seen);
    else seen.error = malformedAnswer('The provider sent a stream event that is not valid JSON.');
  }

  #read(json: JsonObject, seen: Observation): void {
    switch (json['type']) {
      case 'message_start': {
        const message = objectOf(json['message']);
        seen.id = stringOf(message['id']) ?? null;
        seen.model = stringOf(message['model']) ?? null;
        this.#count(message['usage'], seen);
        return;
      }
      case 'message_delta': {
        this.#count(json['usage'], seen);
        const reason = stringOf(objectOf(json['delta'])['stop_reason']);
        if (reason !== undefined) seen.finish = mapAnthropicFinish(reason);
        return;
      }
      case 'message_stop':
        seen.isComplete = true;
        return;
      case 'error':
        seen.error = findAnthropicError(json) ?? null;
        return;
      default:
        return;
    }
  }

  #count(value: unknown, seen: Observation): void {
    if (!this.#usage.add(value)) return;
    seen.usage = this.#usage.usage ?? null;
    seen.usageMismatch = this.#usage.mismatch ?? null;
  }
}

export class AnthropicFrameReader implements FrameReader {
  readonly #observer = new AnthropicEventObserver();

  read(frame: Buffer, seen: Observation): void {
    this.#observer.observe(frame, () => parseSseFrame(frame)?.data, seen);
  }
}

/** The same for events that came in another framing, as bare JSON bytes. */
export function observeEventBytes(observer: AnthropicEventObserver, bytes: Uint8Array, seen: Observation): void {
  observer.observe(viewAsBuffer(bytes), () => decodeText(bytes), seen);
}
