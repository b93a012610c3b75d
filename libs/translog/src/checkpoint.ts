import { findBase64, findDecimal, toBase64 } from './base64.js';
import { HASH_BYTES, type Hash } from './hash.js';
import { NoteError, type NoteSigner, type NoteVerifier } from './note-keys.js';
import { openNote, signNote } from './signed-note.js';

/** What a log says of itself at one moment. */
export interface Checkpoint {
  /** Which log: unique, and never used for another. */
  readonly origin: string;
  /** Number of leaves. */
  readonly size: number;
  readonly root: Hash;
  /** Lines of the log's own after the root, opaque to everybody else. */
  readonly extensions: readonly string[];
}

/** The text of a checkpoint (https://c2sp.org/tlog-checkpoint). */
export function formatCheckpoint({ origin, size, root, extensions }: Checkpoint): string {
  return [origin, String(size), toBase64(root), ...extensions].map((line) => `${line}\n`).join('');
}

/**
 * Reads a checkpoint's text.
 *
 * @throws NoteError `malformed_note`.
 */
export function parseCheckpoint(text: string): Checkpoint {
  const lines = text.split('\n');
  if (lines.pop() !== '' || lines.includes('')) throw malformed('an empty line, or one without its end');
  const [origin, sizeText = '', rootText = '', ...extensions] = lines;
  const size = findDecimal(sizeText);
  const root = findBase64(rootText);
  if (origin === undefined || size === undefined) throw malformed('no origin, or no size');
  if (root?.length !== HASH_BYTES) throw malformed('no root of 32 bytes');
  return { origin, size, root, extensions };
}

/** A checkpoint as a signed note, with a signature of each key. */
export function signCheckpoint(checkpoint: Checkpoint, signers: readonly NoteSigner[]): string {
  return signNote(formatCheckpoint(checkpoint), signers);
}

/**
 * Reads a signed checkpoint of one log.
 *
 * @throws NoteError as `openNote`, and `malformed_note` where it is of another log.
 */
export function openCheckpoint(
  note: string | Uint8Array,
  origin: string,
  verifiers: readonly NoteVerifier[],
): Checkpoint {
  const checkpoint = parseCheckpoint(openNote(note, verifiers).text);
  if (checkpoint.origin !== origin) throw malformed(`it is of ${checkpoint.origin}, not of ${origin}`);
  return checkpoint;
}

const malformed = (why: string): NoteError => new NoteError('malformed_note', `not a checkpoint: ${why}`);
