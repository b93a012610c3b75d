import { crc32 } from 'node:zlib';
import { concatBytes, copyBytes, encodeText, EMPTY_BYTES, viewAsBuffer } from './bytes.js';

/*
 * application/vnd.amazon.eventstream:
 *   total length u32 · headers length u32 · CRC32 of those 8 bytes · headers · payload · CRC32 of all before it
 *   header: name length u8 · name · value type u8 · value (type 7: length u16 · UTF-8)
 * https://docs.aws.amazon.com/transcribe/latest/dg/event-stream.html
 */
const PRELUDE_BYTES = 12;
const TRAILER_BYTES = 4;
/** Amazon's own limit is 16 MiB payload and 128 KiB headers. */
const EVENT_STREAM_MESSAGE_BYTES_MAX = 16 * 1024 * 1024 + 128 * 1024 + PRELUDE_BYTES + TRAILER_BYTES;

/** The bytes are no event stream: wrong checksum, impossible length, unknown header type. The stream cannot be read further. */
export class EventStreamFormatError extends Error {
  override readonly name = 'EventStreamFormatError';
}

export interface EventStreamMessage {
  /** String-valued headers by name (`:message-type`, `:event-type`, …); other types are skipped. */
  readonly headers: Readonly<Record<string, string>>;
  /** A view of the input where the message arrived whole. */
  readonly payload: Uint8Array;
}

/** Cuts and checks an event stream, whatever the boundaries of the chunks. */
export class EventStreamDecoder {
  #parts: Uint8Array[] = [];
  #length = 0;
  #needed = PRELUDE_BYTES;

  /** Every message completed by these bytes. @throws EventStreamFormatError */
  push(bytes: Uint8Array): EventStreamMessage[] {
    this.#parts.push(bytes);
    this.#length += bytes.length;
    // Joined only when there is enough, so that a message in many small pieces is copied once.
    if (this.#length < this.#needed) {
      this.#parts[this.#parts.length - 1] = copyBytes(bytes);
      return [];
    }
    let data = concatBytes(this.#parts);
    const messages: EventStreamMessage[] = [];
    for (;;) {
      this.#needed = data.length < PRELUDE_BYTES ? PRELUDE_BYTES : readTotalLength(data);
      if (data.length < this.#needed) break;
      messages.push(readMessage(data.subarray(0, this.#needed)));
      data = data.subarray(this.#needed);
    }
    this.#parts = data.length === 0 ? [] : [copyBytes(data)];
    this.#length = data.length;
    return messages;
  }

  /** Bytes of a message that has not ended. */
  get pendingBytes(): number {
    return this.#length;
  }
}

function readTotalLength(data: Uint8Array): number {
  const view = viewAsBuffer(data);
  const total = view.readUInt32BE(0);
  const headers = view.readUInt32BE(4);
  if (crc32(data.subarray(0, 8)) !== view.readUInt32BE(8))
    throw new EventStreamFormatError('prelude checksum does not match');
  if (total > EVENT_STREAM_MESSAGE_BYTES_MAX || total < PRELUDE_BYTES + headers + TRAILER_BYTES) {
    throw new EventStreamFormatError(`impossible message length ${total}`);
  }
  return total;
}

function readMessage(data: Uint8Array): EventStreamMessage {
  const view = viewAsBuffer(data);
  const end = data.length - TRAILER_BYTES;
  if (crc32(data.subarray(0, end)) !== view.readUInt32BE(end))
    throw new EventStreamFormatError('message checksum does not match');
  const payloadStart = PRELUDE_BYTES + view.readUInt32BE(4);
  return {
    headers: readHeaders(view, PRELUDE_BYTES, payloadStart),
    payload: data.subarray(payloadStart, end),
  };
}

const BYTES_TYPE = 6;
const STRING_TYPE = 7;
/** Bytes of a value by header type; types 6 and 7 state their own length. */
const VALUE_BYTES: Readonly<Record<number, number>> = { 0: 0, 1: 0, 2: 1, 3: 2, 4: 4, 5: 8, 8: 8, 9: 16 };

function readHeaders(view: Buffer, start: number, end: number): Record<string, string> {
  const headers: Record<string, string> = {};
  let offset = start;
  while (offset < end) {
    const nameEnd = offset + 1 + (view[offset] ?? 0);
    const type = view[nameEnd] ?? -1;
    const isSized = type === STRING_TYPE || type === BYTES_TYPE;
    const valueStart = nameEnd + (isSized ? 3 : 1);
    if (valueStart > end) throw new EventStreamFormatError('header longer than its message');
    const length = isSized ? view.readUInt16BE(nameEnd + 1) : VALUE_BYTES[type];
    if (length === undefined) throw new EventStreamFormatError(`unknown header type ${type}`);
    if (valueStart + length > end) throw new EventStreamFormatError('header longer than its message');
    if (type === STRING_TYPE) {
      headers[view.toString('utf8', offset + 1, nameEnd)] = view.toString('utf8', valueStart, valueStart + length);
    }
    offset = valueStart + length;
  }
  return headers;
}

/** One message with string headers and correct checksums. */
export function writeEventStreamMessage(
  headers: Readonly<Record<string, string>>,
  payload: Uint8Array = EMPTY_BYTES,
): Uint8Array {
  const headerBytes = concatBytes(Object.entries(headers).map(([name, value]) => writeStringHeader(name, value)));
  const message = new Uint8Array(PRELUDE_BYTES + headerBytes.length + payload.length + TRAILER_BYTES);
  const view = viewAsBuffer(message);
  view.writeUInt32BE(message.length, 0);
  view.writeUInt32BE(headerBytes.length, 4);
  view.writeUInt32BE(crc32(message.subarray(0, 8)), 8);
  message.set(headerBytes, PRELUDE_BYTES);
  message.set(payload, PRELUDE_BYTES + headerBytes.length);
  const end = message.length - TRAILER_BYTES;
  view.writeUInt32BE(crc32(message.subarray(0, end)), end);
  return message;
}

function writeStringHeader(name: string, value: string): Uint8Array {
  const nameBytes = encodeText(name);
  const valueBytes = encodeText(value);
  const header = Buffer.alloc(1 + nameBytes.length + 1 + 2 + valueBytes.length);
  header.writeUInt8(nameBytes.length, 0);
  header.set(nameBytes, 1);
  header.writeUInt8(STRING_TYPE, 1 + nameBytes.length);
  header.writeUInt16BE(valueBytes.length, 2 + nameBytes.length);
  header.set(valueBytes, 4 + nameBytes.length);
  return header;
}
