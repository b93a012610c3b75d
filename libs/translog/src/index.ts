export { findBase64, toBase64 } from './base64.js';
export { canonicalJson } from './canonical-json.js';
export { formatCheckpoint, openCheckpoint, parseCheckpoint, signCheckpoint, type Checkpoint } from './checkpoint.js';
export { Frontier } from './frontier.js';
export { EMPTY_ROOT, HASH_BYTES, isSameHash, leafHash, nodeHash, type Hash } from './hash.js';
export {
  NoteError,
  formatKeyId,
  generateSignerKey,
  parseSignerKey,
  parseVerifierKey,
  type NoteFault,
  type NoteSigner,
  type NoteVerifier,
} from './note-keys.js';
export {
  RangeRoots,
  consistencyRanges,
  inclusionRanges,
  isConsistent,
  isIncluded,
  type ConsistencyClaim,
  type InclusionClaim,
  type LeafRange,
} from './proofs.js';
export { openNote, parseNote, signNote, type NoteSignature, type OpenedNote, type SignedNote } from './signed-note.js';
export { TlogProofError, formatProof, openProof, parseProof, type ProvenLeaf, type TlogProof } from './tlog-proof.js';
