import { createHmac, randomBytes } from 'node:crypto';
import { crc32 } from 'node:zlib';

const PREFIX = 'sk-weir-';
const ID_BYTES = 6;
const SECRET_BYTES = 24;
const CHECKSUM_CHARACTERS = 6;
const PATTERN = /^sk-weir-([0-9a-f]{12})-([A-Za-z0-9]{32})([0-9a-z]{6})$/;
const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';

/** A Weir key as text, shown to its owner once and stored only as {@link hmacKey}. */
export interface NewKey {
  readonly id: string;
  readonly key: string;
}

function checksum(text: string): string {
  return crc32(text)
    .toString(36)
    .padStart(CHECKSUM_CHARACTERS + 1, '0')
    .slice(-CHECKSUM_CHARACTERS);
}

/** Letters and digits without bias: bytes that would favour some letters are drawn again. */
function randomLetters(count: number): string {
  let letters = '';
  while (letters.length < count) {
    for (const byte of randomBytes(SECRET_BYTES)) {
      if (byte < 248 && letters.length < count) letters += ALPHABET.charAt(byte % ALPHABET.length);
    }
  }
  return letters;
}

/**
 * A new key `sk-weir-<id>-<secret><checksum>`: 48 bits of id, 190 bits of secret, and a CRC-32 of all before it in base 36, by which scanners
 * of leaked secrets tell a real key from a look-alike.
 */
export function createKey(): NewKey {
  const id = randomBytes(ID_BYTES).toString('hex');
  const unchecked = `${PREFIX}${id}-${randomLetters(32)}`;
  return { id, key: unchecked + checksum(unchecked) };
}

/** The id of a text that has a key's form and a right checksum, else undefined. Says nothing of whether the key exists. */
export function parseKey(text: string): { id: string } | undefined {
  const match = PATTERN.exec(text);
  const id = match?.[1];
  if (id === undefined) return undefined;
  return checksum(text.slice(0, -CHECKSUM_CHARACTERS)) === text.slice(-CHECKSUM_CHARACTERS) ? { id } : undefined;
}

/** HMAC-SHA256 of the whole key under the installation's pepper, base64url: what is stored, and what keys are found by. */
export function hmacKey(key: string, pepper: string): string {
  return createHmac('sha256', pepper).update(key, 'utf8').digest('base64url');
}
