/**
 * The simulator's tokeniser: four UTF-8 bytes are one token, rounded up per block. Real tokenisers differ;
 * what matters here is that anyone can recompute a count with a pocket calculator.
 */
export const bytesPerToken = 4;
export const tokensPerImage = 256;
export const tokensPerDocument = 512;
/** Role and separators of one message. */
export const tokensPerMessage = 4;
/** What primes the answer, once a request. */
export const tokensPerRequest = 3;

export function countTokensOfBytes(byteCount: number): number {
  return Math.ceil(byteCount / bytesPerToken);
}

export function countTokensOfText(text: string): number {
  return countTokensOfBytes(Buffer.byteLength(text));
}
