import { isUtf8 } from 'node:buffer';

export const EMPTY_BYTES = new Uint8Array(0);

export function encodeText(text: string): Uint8Array {
  return Buffer.from(text, 'utf8');
}

/** Invalid UTF-8 becomes U+FFFD; check with {@link isValidUtf8} where that matters. */
export function decodeText(bytes: Uint8Array): string {
  // Buffer's own decoder: several times faster than TextDecoder on the short texts of a stream.
  return viewAsBuffer(bytes).toString('utf8');
}

export function isValidUtf8(bytes: Uint8Array): boolean {
  return isUtf8(bytes);
}

/** A view of the same memory with Buffer's native search. */
export function viewAsBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** A copy of its own. Not `slice`, which shares memory where the bytes are a Buffer. */
export function copyBytes(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(bytes);
}

/** The parts one after the other. A single part is returned as it is, not copied. */
export function concatBytes(parts: readonly Uint8Array[]): Uint8Array {
  if (parts.length === 1 && parts[0] !== undefined) return parts[0];
  let length = 0;
  for (const part of parts) length += part.length;
  if (length === 0) return EMPTY_BYTES;
  // Pooled memory: every byte of it is written below.
  const joined = Buffer.allocUnsafe(length);
  let offset = 0;
  for (const part of parts) {
    joined.set(part, offset);
    offset += part.length;
  }
  return joined;
}
