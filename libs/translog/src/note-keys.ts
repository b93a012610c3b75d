import { createPrivateKey, createPublicKey, hash, randomBytes, sign, verify, type KeyObject } from 'node:crypto';
import { findBase64, toBase64 } from './base64.js';

/** What is wrong with a note or a key. Codes, so that nobody decides by the text. */
export type NoteFault =
  | 'malformed_note'
  | 'malformed_key'
  | 'unknown_algorithm'
  | 'wrong_key_id'
  | 'ambiguous_key'
  | 'invalid_signature'
  | 'no_known_signature';

export class NoteError extends Error {
  override readonly name = 'NoteError';
  constructor(
    readonly code: NoteFault,
    message: string,
  ) {
    super(message);
  }
}

/** Signature type of Ed25519 (C2SP signed-note). */
const ED25519 = 0x01;
const KEY_BYTES = 32;
const KEY_ID_BYTES = 4;

/** DER around a raw Ed25519 key (RFC 8410): what node:crypto reads and writes. */
const SPKI_PREFIX = Buffer.from('302a300506032b6570032100', 'hex');
const PKCS8_PREFIX = Buffer.from('302e020100300506032b657004220420', 'hex');

/** Checks signatures of one key. */
export interface NoteVerifier {
  readonly name: string;
  /** First four bytes, big-endian, of SHA-256(name ‖ 0x0A ‖ 0x01 ‖ public key). */
  readonly keyId: number;
  /** `<name>+<key id>+<base64(0x01 ‖ public key)>`, as C2SP signed-note spells it. */
  readonly verifierKey: string;
  verify(message: string, signature: Uint8Array): boolean;
}

/** Makes signatures with one key, and checks them. */
export interface NoteSigner extends NoteVerifier {
  sign(message: string): Uint8Array;
}

/** Neither empty nor with spaces or a plus, so that it can stand in a signature line and in a key. */
export function isKeyName(name: string): boolean {
  return name !== '' && !/[\s+\p{White_Space}\p{Cc}\p{Cs}]/u.test(name);
}

/**
 * Reads a verifier key.
 *
 * @throws NoteError `malformed_key`, `unknown_algorithm`, or `wrong_key_id` where the id is not the hash of name and key.
 */
export function parseVerifierKey(text: string): NoteVerifier {
  const { name, keyId, material } = parseKeyText(text);
  const verifier = createVerifier(name, material);
  if (verifier.keyId !== keyId) throw new NoteError('wrong_key_id', `${name}: the key's id is not that of its bytes`);
  return verifier;
}

const SIGNER_PREFIX = 'PRIVATE+KEY+';

/**
 * Reads a signer key as golang.org/x/mod/sumdb/note writes it: `PRIVATE+KEY+<name>+<key id>+<base64(0x01 ‖ seed)>`.
 *
 * @throws NoteError as {@link parseVerifierKey}.
 */
export function parseSignerKey(text: string): NoteSigner {
  if (!text.startsWith(SIGNER_PREFIX)) throw new NoteError('malformed_key', 'not a signer key');
  const { name, keyId, material } = parseKeyText(text.slice(SIGNER_PREFIX.length));
  const signer = createSigner(name, material);
  if (signer.keyId !== keyId) throw new NoteError('wrong_key_id', `${name}: the key's id is not that of its bytes`);
  return signer;
}

/**
 * Makes a new key. The text is the secret: whoever has it signs in this name.
 *
 * @throws NoteError `malformed_key` for a name that no note can carry.
 */
export function generateSignerKey(name: string): string {
  const seed = randomBytes(KEY_BYTES);
  const { keyId } = createSigner(name, seed);
  return `${SIGNER_PREFIX}${name}+${formatKeyId(keyId)}+${toBase64(Buffer.concat([Buffer.of(ED25519), seed]))}`;
}

export const formatKeyId = (keyId: number): string => keyId.toString(16).padStart(2 * KEY_ID_BYTES, '0');

function parseKeyText(text: string): { name: string; keyId: number; material: Buffer } {
  const match = /^([^+]*)\+([0-9a-f]{8})\+(.*)$/s.exec(text);
  const [, name = '', id = '', encoded = ''] = match ?? [];
  const bytes = findBase64(encoded);
  if (!match || !isKeyName(name) || !bytes || bytes.length === 0) throw new NoteError('malformed_key', 'not a key');
  if (bytes[0] !== ED25519) throw new NoteError('unknown_algorithm', `${name}: not an Ed25519 key`);
  if (bytes.length !== 1 + KEY_BYTES) throw new NoteError('malformed_key', `${name}: a key of the wrong length`);
  return { name, keyId: Number.parseInt(id, 16), material: bytes.subarray(1) };
}

function createVerifier(name: string, publicKey: Uint8Array): NoteVerifier {
  const encoded = Buffer.concat([Buffer.of(ED25519), publicKey]);
  const keyId = hash('sha256', Buffer.concat([Buffer.from(`${name}\n`), encoded]), 'buffer').readUInt32BE(0);
  const key = createPublicKey({ key: Buffer.concat([SPKI_PREFIX, publicKey]), format: 'der', type: 'spki' });
  return {
    name,
    keyId,
    verifierKey: `${name}+${formatKeyId(keyId)}+${toBase64(encoded)}`,
    verify: (message, signature) => verify(null, Buffer.from(message), key, signature),
  };
}

function createSigner(name: string, seed: Uint8Array): NoteSigner {
  if (!isKeyName(name)) throw new NoteError('malformed_key', `not a key name: ${JSON.stringify(name)}`);
  const key = createPrivateKey({ key: Buffer.concat([PKCS8_PREFIX, seed]), format: 'der', type: 'pkcs8' });
  return {
    ...createVerifier(name, rawPublicKey(key)),
    sign: (message) => sign(null, Buffer.from(message), key),
  };
}

function rawPublicKey(privateKey: KeyObject): Buffer {
  return createPublicKey(privateKey).export({ format: 'der', type: 'spki' }).subarray(SPKI_PREFIX.length);
}
