/**
 * Bytes of standard base64 with its padding (RFC 4648 §4), or undefined where the text is anything else: `Buffer.from` alone passes over
 * what it does not know.
 */
export function findBase64(text: string): Buffer | undefined {
  const bytes = Buffer.from(text, 'base64');
  return bytes.toString('base64') === text ? bytes : undefined;
}

export const toBase64 = (bytes: Uint8Array): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64');

/** A whole number in decimal without leading zeroes, or undefined. */
export function findDecimal(text: string): number | undefined {
  if (!/^(?:0|[1-9]\d{0,15})$/.test(text)) return undefined;
  const value = Number(text);
  return Number.isSafeInteger(value) ? value : undefined;
}
