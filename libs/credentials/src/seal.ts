import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto';

const VERSION = 'v1';
const KEY_BYTES = 32;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const PURPOSE = 'weir provider credential v1';

/** A sealed text that cannot be opened: wrong master key, another owner, or altered bytes. */
export class UnsealError extends Error {
  override readonly name = 'UnsealError';
}

/** One key per purpose (HKDF-SHA256, RFC 5869), so that no two uses of the master key can be confused. */
function deriveKey(masterKey: string): Buffer {
  return Buffer.from(hkdfSync('sha256', masterKey, '', PURPOSE, KEY_BYTES));
}

/**
 * Encrypts with AES-256-GCM. `boundTo` names whom the secret belongs to (provider and origin): it is authenticated, so a sealed text moved
 * to another provider or origin does not open.
 */
export function seal(plaintext: string, masterKey: string, boundTo: string): string {
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv('aes-256-gcm', deriveKey(masterKey), nonce).setAAD(Buffer.from(boundTo, 'utf8'));
  const sealed = Buffer.concat([nonce, cipher.update(plaintext, 'utf8'), cipher.final(), cipher.getAuthTag()]);
  return `${VERSION}.${sealed.toString('base64url')}`;
}

/** Opens what {@link seal} made. Throws {@link UnsealError}. */
export function open(sealed: string, masterKey: string, boundTo: string): string {
  const [version, text] = sealed.split('.', 2);
  const bytes = Buffer.from(text ?? '', 'base64url');
  if (version !== VERSION || bytes.length < NONCE_BYTES + TAG_BYTES)
    throw new UnsealError('not a sealed credential of version 1');
  const decipher = createDecipheriv('aes-256-gcm', deriveKey(masterKey), bytes.subarray(0, NONCE_BYTES))
    .setAAD(Buffer.from(boundTo, 'utf8'))
    .setAuthTag(bytes.subarray(-TAG_BYTES));
  try {
    return decipher.update(bytes.subarray(NONCE_BYTES, -TAG_BYTES), undefined, 'utf8') + decipher.final('utf8');
  } catch (cause) {
    throw new UnsealError('the credential does not open with this master key for this provider and origin', { cause });
  }
}
