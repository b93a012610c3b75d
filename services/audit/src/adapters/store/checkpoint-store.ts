import type { Query } from '@weir/store';
import type { SignedCheckpoint } from '../files/checkpoint-folder.js';

/** The note signed last of a partition. */
export async function findLastNote(query: Query, partition: number): Promise<string | undefined> {
  const [row] = await query('SELECT note FROM log_checkpoints WHERE partition = $1 ORDER BY number DESC LIMIT 1', [
    partition,
  ]);
  return row && String(row['note']);
}

/** Verifier keys that have signed before. */
export async function readVerifierKeys(query: Query): Promise<ReadonlySet<string>> {
  const rows = await query('SELECT verifier_key FROM log_keys');
  return new Set(rows.map((row) => String(row['verifier_key'])));
}

/** Stores a key that has signed for the first time. A repeat changes nothing. */
export async function saveVerifierKey(query: Query, verifierKey: string, firstSignedAt: number): Promise<void> {
  await query('INSERT INTO log_keys (verifier_key, first_signed_at) VALUES ($1, $2) ON CONFLICT DO NOTHING', [
    verifierKey,
    new Date(firstSignedAt),
  ]);
}

/** Stores checkpoints. One that is there already is left as it is. */
export async function saveCheckpoints(query: Query, checkpoints: readonly SignedCheckpoint[]): Promise<void> {
  for (const { partition, signedAt, size, note } of checkpoints) {
    await query(
      'INSERT INTO log_checkpoints (partition, signed_at, size, note) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING',
      [partition, new Date(signedAt), size, note],
    );
  }
}
