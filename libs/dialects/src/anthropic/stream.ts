import type { StreamEvent } from '@weir/call-model';
import type { StreamDecoder, StreamEncoder, TranslationContext } from '../dialect.js';
import { concatBytes } from '../framing/bytes.js';
import { parseSseFrame, SseFrameSplitter, writeSseFrame } from '../framing/sse.js';
import { unreadableStream } from '../translation/answer-error.js';
import type { JsonObject } from '../translation/json.js';
import { AnthropicEventReader } from './event-reader.js';
import { AnthropicEventWriter } from './event-writer.js';

export class AnthropicStreamDecoder implements StreamDecoder {
  readonly #splitter = new SseFrameSplitter();
  readonly #reader: AnthropicEventReader;

  constructor(context: TranslationContext = {}) {
    this.#reader = new AnthropicEventReader(context);
  }

  push(bytes: Uint8Array): StreamEvent[] {
    if (this.#reader.isClosed) return [];
    const events: StreamEvent[] = [];
    try {
      for (const frame of this.#splitter.push(bytes)) {
        const event = parseSseFrame(frame);
        // The JSON names its own type; the `event:` line repeats it.
        if (event && event.data.trim() !== '') events.push(...this.#reader.read(event.data));
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

export class AnthropicStreamEncoder implements StreamEncoder {
  readonly #writer: AnthropicEventWriter;

  constructor(context: TranslationContext = {}) {
    this.#writer = new AnthropicEventWriter(context);
  }

  encode(event: StreamEvent): Uint8Array {
    return writeFrames(this.#writer.write(event));
  }

  end(): Uint8Array {
    return writeFrames(this.#writer.end());
  }
}

function writeFrames(events: readonly JsonObject[]): Uint8Array {
  return concatBytes(events.map((event) => writeSseFrame(JSON.stringify(event), String(event['type']))));
}
