import { writeFileSync } from 'node:fs';
import {
  NoteError,
  RangeRoots,
  TlogProofError,
  formatProof,
  inclusionRanges,
  openProof,
  parseVerifierKey,
  type ProvenLeaf,
} from '@weir/translog';
import { findLeafOfEvent, readLeafPages } from './log-reader.js';
import { findCheckpointOf } from './log-store.js';
import type { StackAccess } from './stack-access.js';

/** Nothing can be proved, and why. */
export class ProofRefusal extends Error {
  override readonly name = 'ProofRefusal';
}

/**
 * Writes a proof that an event is in the log (C2SP tlog-proof, the exact leaf in its `extra` line). It reads the leaf hashes of the event's
 * partition once, up to the newest checkpoint.
 *
 * @throws ProofRefusal where the event is not in the log, is not covered by a checkpoint yet, or its leaf is gone.
 */
export async function proveEvent({ warehouse, store }: StackAccess, eventId: string, file: string): Promise<void> {
  const place = await findLeafOfEvent(warehouse, eventId);
  if (!place) throw new ProofRefusal(`The log has no event ${eventId}. It may not have landed yet.`);
  const checkpoint = await findCheckpointOf(store, place);
  if (!checkpoint)
    throw new ProofRefusal('No checkpoint covers the event yet; one is signed at least every 60 seconds.');
  const rows = await warehouse.query<{ leaf: string }>(
    `SELECT leaf FROM ${warehouse.database}.events WHERE event_id = {event: UUID} LIMIT 1`,
    { event: eventId },
  );
  const [row] = rows;
  if (!row)
    throw new ProofRefusal(`The event ${eventId} is in the log, but its own text is gone from the table events.`);
  const roots = new RangeRoots(inclusionRanges(place.index, checkpoint.size));
  for await (const leaves of readLeafPages(warehouse, { partition: place.partition, start: 0, end: checkpoint.size })) {
    for (const { hash } of leaves) roots.push(Buffer.from(hash, 'hex'));
  }
  const proof = {
    index: place.index,
    hashes: roots.proof(),
    checkpoint: checkpoint.note,
    extra: Buffer.from(row.leaf),
  };
  writeFileSync(file, formatProof(proof));
}

export type ProofVerdict =
  | { readonly ok: true; readonly proven: ProvenLeaf }
  | { readonly ok: false; readonly code: string; readonly message: string };

/**
 * Checks a proof with nothing but the public key of the log.
 *
 * @throws NoteError where the key is none.
 */
export function checkProof(text: string, publicKey: string): ProofVerdict {
  const verifier = parseVerifierKey(publicKey);
  try {
    return { ok: true, proven: openProof(text, [verifier]) };
  } catch (error) {
    if (!(error instanceof TlogProofError || error instanceof NoteError)) throw error;
    return { ok: false, code: error.code, message: error.message };
  }
}
