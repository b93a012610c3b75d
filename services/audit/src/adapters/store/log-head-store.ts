import type { Query } from '@weir/store';
import type { Frontier } from '@weir/translog';
import type { StoredHead } from '../../domain/next-checkpoint.js';

/** The head of a partition's log; an empty log where nothing has landed. */
export async function readHead(query: Query, partition: number): Promise<StoredHead> {
  const [row] = await query('SELECT size, frontier FROM log_heads WHERE partition = $1', [partition]);
  if (!row) return { size: 0, frontier: new Uint8Array() };
  return { size: Number(row['size']), frontier: row['frontier'] as Buffer };
}

/** Moves the head. A log only grows: one that is longer than this stays as it is, and the caller's transaction fails. */
export async function saveHead(query: Query, partition: number, head: Frontier): Promise<void> {
  const moved = await query(
    `INSERT INTO log_heads AS h (partition, size, frontier) VALUES ($1, $2, $3)
     ON CONFLICT (partition) DO UPDATE SET size = excluded.size, frontier = excluded.frontier, updated_at = now()
       WHERE h.size <= excluded.size
     RETURNING size`,
    [partition, head.size, head.encode()],
  );
  if (moved.length === 0)
    throw new Error(`the log of partition ${partition} is longer than the ${head.size} leaves to save`);
}
