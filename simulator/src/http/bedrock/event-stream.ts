import { crc32 } from 'node:zlib';

const stringHeader = 7;
const preludeBytes = 12;
const checksumBytes = 4;

/**
 * One message of `application/vnd.amazon.eventstream`: total length, headers' length, CRC of both, headers, payload,
 * CRC of everything before it; all integers big-endian.
 * @see https://smithy.io/2.0/aws/amazon-eventstream.html
 */
function encodeEventMessage(headers: Readonly<Record<string, string>>, payload: string): Uint8Array {
  const head = Buffer.concat(Object.entries(headers).map(([name, value]) => encodeHeader(name, value)));
  const body = Buffer.from(payload);
  const message = Buffer.alloc(preludeBytes + head.byteLength + body.byteLength + checksumBytes);
  message.writeUInt32BE(message.byteLength, 0);
  message.writeUInt32BE(head.byteLength, 4);
  message.writeUInt32BE(crc32(message.subarray(0, 8)), 8);
  head.copy(message, preludeBytes);
  body.copy(message, preludeBytes + head.byteLength);
  message.writeUInt32BE(crc32(message.subarray(0, -checksumBytes)), message.byteLength - checksumBytes);
  return message;
}

export function encodeEvent(type: string, payload: unknown): Uint8Array {
  return encodeEventMessage(
    { ':event-type': type, ':content-type': 'application/json', ':message-type': 'event' },
    JSON.stringify(payload),
  );
}

export function encodeException(type: string, message: string): Uint8Array {
  return encodeEventMessage(
    { ':exception-type': type, ':content-type': 'application/json', ':message-type': 'exception' },
    JSON.stringify({ message }),
  );
}

/** A well-formed event but for its last checksum. */
export function encodeCorruptEvent(): Uint8Array {
  const message = encodeEvent('contentBlockDelta', { delta: { text: 'corrupt' }, contentBlockIndex: 0 });
  const last = message.byteLength - 1;
  message[last] = (message[last] ?? 0) ^ 0xff;
  return message;
}

function encodeHeader(name: string, value: string): Buffer {
  const nameBytes = Buffer.from(name);
  const valueBytes = Buffer.from(value);
  const length = Buffer.alloc(2);
  length.writeUInt16BE(valueBytes.byteLength);
  return Buffer.concat([Buffer.of(nameBytes.byteLength), nameBytes, Buffer.of(stringHeader), length, valueBytes]);
}
