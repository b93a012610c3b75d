import { isUtf8 } from 'node:buffer';
import { findBase64, toBase64 } from './base64.js';
import { NoteError, formatKeyId, isKeyName, type NoteSigner, type NoteVerifier } from './note-keys.js';

/** One signature line of a note. */
export interface NoteSignature {
  readonly name: string;
  readonly keyId: number;
  readonly signature: Uint8Array;
}

export interface SignedNote {
  /** What is signed: lines, the last newline included. */
  readonly text: string;
  readonly signatures: readonly NoteSignature[];
}

export interface OpenedNote {
  readonly text: string;
  /** Keys whose signatures were checked and hold, each once. */
  readonly signedBy: readonly NoteVerifier[];
  /** Signatures of keys that are not known here; nothing is known about them. */
  readonly unknown: readonly NoteSignature[];
}

const EM_DASH = '—';
const KEY_ID_BYTES = 4;
/** As golang.org/x/mod/sumdb/note; C2SP asks for at least 16. */
const SIGNATURES_MAX = 100;

/**
 * Signs a text: a C2SP signed note (https://c2sp.org/signed-note) with a signature of each key, in the order given.
 *
 * @throws NoteError `malformed_note` where the text does not end in a newline or holds control characters.
 */
export function signNote(text: string, signers: readonly NoteSigner[]): string {
  if (!isNoteText(text)) throw new NoteError('malformed_note', 'a note is lines of text, each with its newline');
  const lines = signers.map((signer) => {
    const id = Buffer.alloc(KEY_ID_BYTES);
    id.writeUInt32BE(signer.keyId);
    return `${EM_DASH} ${signer.name} ${toBase64(Buffer.concat([id, signer.sign(text)]))}\n`;
  });
  return `${text}\n${lines.join('')}`;
}

/**
 * Takes a note apart, without checking any signature.
 *
 * @throws NoteError `malformed_note`.
 */
export function parseNote(note: string | Uint8Array): SignedNote {
  const message = typeof note === 'string' ? note : decode(note);
  const split = message.lastIndexOf('\n\n');
  const text = message.slice(0, split + 1);
  if (split < 0 || !isNoteText(text) || !isNoteText(message)) throw malformed('it is no text followed by signatures');
  const lines = message.slice(split + 2).split('\n');
  // What follows the last newline.
  if (lines.pop() !== '' || lines.length === 0) throw malformed('it has no whole line of signature');
  if (lines.length > SIGNATURES_MAX) throw malformed(`it has over ${SIGNATURES_MAX} signatures`);
  return { text, signatures: lines.map(parseSignature) };
}

/**
 * Checks a note against the keys that are known. Signatures of other keys are passed over, as the format demands: so keys can be
 * rotated, and witnesses can add their own.
 *
 * @throws NoteError `malformed_note`; `invalid_signature` where one of a known key does not hold; `no_known_signature`;
 * `ambiguous_key` where two known keys have the signature's name and id.
 */
export function openNote(note: string | Uint8Array, verifiers: readonly NoteVerifier[]): OpenedNote {
  const { text, signatures } = parseNote(note);
  const signedBy = new Set<NoteVerifier>();
  const unknown: NoteSignature[] = [];
  for (const signature of signatures) {
    const known = verifiers.filter(({ name, keyId }) => name === signature.name && keyId === signature.keyId);
    const label = `${signature.name}+${formatKeyId(signature.keyId)}`;
    if (known.length > 1) throw new NoteError('ambiguous_key', `two keys are ${label}`);
    const [verifier] = known;
    if (!verifier) unknown.push(signature);
    else if (signedBy.has(verifier)) continue;
    else if (verifier.verify(text, signature.signature)) signedBy.add(verifier);
    else throw new NoteError('invalid_signature', `the signature of ${label} does not hold`);
  }
  if (signedBy.size === 0) throw new NoteError('no_known_signature', 'no key that is known here has signed the note');
  return { text, signedBy: [...signedBy], unknown };
}

function parseSignature(line: string): NoteSignature {
  const [dash, name = '', encoded = '', ...rest] = line.split(' ');
  const bytes = findBase64(encoded);
  if (dash !== EM_DASH || rest.length > 0 || !isKeyName(name) || !bytes || bytes.length <= KEY_ID_BYTES) {
    throw malformed('a line is no signature');
  }
  return { name, keyId: bytes.readUInt32BE(0), signature: bytes.subarray(KEY_ID_BYTES) };
}

function decode(bytes: Uint8Array): string {
  if (!isUtf8(bytes)) throw malformed('it is not UTF-8');
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8');
}

/** Well-formed, without control characters but newlines, and ending in one. */
// eslint-disable-next-line no-control-regex -- control characters are what it looks for
const isNoteText = (text: string): boolean => text.endsWith('\n') && !/[\u0000-\u0009\u000b-\u001f]|\p{Cs}/u.test(text);

const malformed = (why: string): NoteError => new NoteError('malformed_note', `not a signed note: ${why}`);
