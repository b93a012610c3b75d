import { findBase64, findDecimal, toBase64 } from './base64.js';
import { parseCheckpoint, type Checkpoint } from './checkpoint.js';
import { HASH_BYTES, leafHash, type Hash } from './hash.js';
import { type NoteVerifier } from './note-keys.js';
import { isIncluded } from './proofs.js';
import { openNote } from './signed-note.js';

/** A proof that stands alone: that data is in a log, as the log's signature says. */
export interface TlogProof {
  /** Zero-based place of the leaf. */
  readonly index: number;
  /** From the leaf's sibling up to the root's child. */
  readonly hashes: readonly Hash[];
  /** The signed note, verbatim. */
  readonly checkpoint: string;
  /** What is needed to form the leaf: in Weir, the leaf itself. Not trusted until the proof holds for it. */
  readonly extra: Uint8Array | null;
}

const HEADER = 'c2sp.org/tlog-proof@v1';
/** A tree of 2^53 leaves has no longer proof. */
const HASHES_MAX = 64;

export class TlogProofError extends Error {
  override readonly name = 'TlogProofError';
  constructor(
    readonly code: 'malformed_proof' | 'not_included',
    message: string,
  ) {
    super(message);
  }
}

/** The text of a proof file (https://c2sp.org/tlog-proof). */
export function formatProof({ index, hashes, checkpoint, extra }: TlogProof): string {
  const head = [HEADER, ...(extra ? [`extra ${toBase64(extra)}`] : []), `index ${index}`, ...hashes.map(toBase64)];
  return `${head.join('\n')}\n\n${checkpoint}`;
}

/**
 * Reads a proof file, without checking anything it claims.
 *
 * @throws TlogProofError `malformed_proof`.
 */
export function parseProof(text: string): TlogProof {
  const split = text.indexOf('\n\n');
  const [header, ...lines] = text.slice(0, Math.max(0, split)).split('\n');
  if (header !== HEADER) throw malformed(`it does not begin with ${HEADER}`);
  const extra =
    lines[0]?.startsWith('extra ') === true ? findBase64(lines.shift()?.slice('extra '.length) ?? '') : null;
  if (extra === undefined) throw malformed('its extra data is not base64');
  const indexLine = lines.shift() ?? '';
  const index = indexLine.startsWith('index ') ? findDecimal(indexLine.slice('index '.length)) : undefined;
  if (index === undefined) throw malformed('it has no index');
  if (lines.length > HASHES_MAX) throw malformed(`it has over ${HASHES_MAX} hashes`);
  const hashes = lines.map((line) => {
    const hash = findBase64(line);
    if (hash?.length !== HASH_BYTES) throw malformed('a line is no hash');
    return hash;
  });
  return { index, hashes, checkpoint: text.slice(split + 2), extra };
}

export interface ProvenLeaf {
  readonly leaf: Uint8Array;
  readonly index: number;
  readonly checkpoint: Checkpoint;
  readonly signedBy: readonly NoteVerifier[];
}

/**
 * Checks a proof file that carries its leaf, with nothing but public keys.
 *
 * @throws TlogProofError `malformed_proof`, or `not_included`; NoteError where the checkpoint or its signatures do not hold.
 */
export function openProof(text: string, verifiers: readonly NoteVerifier[]): ProvenLeaf {
  const { index, hashes, checkpoint: note, extra } = parseProof(text);
  if (extra === null) throw malformed('it does not carry its leaf');
  const opened = openNote(note, verifiers);
  const checkpoint = parseCheckpoint(opened.text);
  const { size, root } = checkpoint;
  if (!isIncluded({ index, size, leafHash: leafHash(extra), proof: hashes, root })) {
    throw new TlogProofError('not_included', `the leaf is not number ${index} of the tree that was signed`);
  }
  return { leaf: extra, index, checkpoint, signedBy: opened.signedBy };
}

const malformed = (why: string): TlogProofError => new TlogProofError('malformed_proof', `not a proof: ${why}`);
