import { FRAME, FRAME_HEADER_BYTES, type FrameType, type WholeFrame } from '@weir/contracts';

export interface DecodedFrame {
  readonly type: FrameType;
  readonly attempt: number;
  readonly sequence: number;
  /** A view of the message. */
  readonly payload: Buffer;
}

const TYPES: ReadonlySet<number> = new Set(Object.values(FRAME));
const isFrameType = (type: number): type is FrameType => TYPES.has(type);

export interface FrameHeader {
  readonly type: FrameType;
  readonly attempt: number;
  readonly sequence: number;
}

function writeHeader(target: Buffer, { type, attempt, sequence }: FrameHeader): void {
  target[0] = type;
  target[1] = attempt;
  target.writeUInt32BE(sequence, 2);
}

/** Layout: `type u8 · attempt u8 · sequence u32BE · payload`. Copies the payload, given in parts, once. */
export function encodeFrame(header: FrameHeader, parts: readonly Uint8Array[], payloadBytes: number): Buffer {
  const frame = Buffer.allocUnsafe(FRAME_HEADER_BYTES + payloadBytes);
  writeHeader(frame, header);
  let at = FRAME_HEADER_BYTES;
  for (const part of parts) {
    frame.set(part, at);
    at += part.length;
  }
  return frame;
}

export function encodeJsonFrame(header: FrameHeader, value: object): Buffer {
  const json = JSON.stringify(value);
  const frame = Buffer.allocUnsafe(FRAME_HEADER_BYTES + Buffer.byteLength(json));
  writeHeader(frame, header);
  frame.write(json, FRAME_HEADER_BYTES);
  return frame;
}

/** Payload: `u32BE n · n bytes of JSON · body`. */
export function encodeWholeFrame(header: FrameHeader, value: WholeFrame, body: Uint8Array): Buffer {
  const json = JSON.stringify(value);
  const jsonBytes = Buffer.byteLength(json);
  const frame = Buffer.allocUnsafe(FRAME_HEADER_BYTES + 4 + jsonBytes + body.length);
  writeHeader(frame, header);
  frame.writeUInt32BE(jsonBytes, FRAME_HEADER_BYTES);
  frame.write(json, FRAME_HEADER_BYTES + 4);
  frame.set(body, FRAME_HEADER_BYTES + 4 + jsonBytes);
  return frame;
}

/** Reads a frame; undefined where the bytes are none (too short, or a type this version does not know). */
export function decodeFrame(bytes: Buffer): DecodedFrame | undefined {
  if (bytes.length < FRAME_HEADER_BYTES) return undefined;
  const type = bytes.readUInt8(0);
  if (!isFrameType(type)) return undefined;
  return {
    type,
    attempt: bytes.readUInt8(1),
    sequence: bytes.readUInt32BE(2),
    payload: bytes.subarray(FRAME_HEADER_BYTES),
  };
}

/** Splits the payload of a `whole` frame; undefined where its length field lies. */
export function splitWhole(payload: Buffer): { json: string; body: Buffer } | undefined {
  if (payload.length < 4) return undefined;
  const bodyAt = 4 + payload.readUInt32BE(0);
  if (bodyAt > payload.length) return undefined;
  return { json: payload.toString('utf8', 4, bodyAt), body: payload.subarray(bodyAt) };
}
