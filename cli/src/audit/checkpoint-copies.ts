import { createReadStream, existsSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { DataSource } from '@weir/store';
import { AuditFault } from './audit-fault.js';
import { findJson } from './leaf-log.js';
import { readStoredNotes } from './log-store.js';
import { settles } from './settles.js';

const AT_ONCE = 1_000;

export interface CopyOptions {
  readonly store: DataSource;
  readonly folder: string;
  readonly partitions: readonly number[];
  readonly settleMs: number;
}

/**
 * Compares the copies of checkpoints in the folder with those in Postgres: audit writes the folder first, so what it has, Postgres has too.
 * A folder on a disk that cannot be written twice thereby guards the database.
 *
 * @throws AuditFault where Postgres lacks one.
 */
export async function findUnstoredCheckpoint({ store, folder, partitions, settleMs }: CopyOptions): Promise<void> {
  for (const partition of partitions) {
    const file = join(folder, `checkpoints-${partition}.ndjson`);
    if (!existsSync(file)) continue;
    let notes: string[] = [];
    let line = 0;
    const check = async (): Promise<void> => {
      let missing = -1;
      // The folder is written a moment before Postgres.
      const isSettled = async (): Promise<boolean> => {
        const stored = await readStoredNotes(store, { partition, notes });
        missing = notes.findIndex((note) => !stored.has(note));
        return missing < 0;
      };
      if (await settles(isSettled, settleMs)) return;
      throw new AuditFault('checkpoint_missing', 'Postgres lacks a checkpoint that the folder has', {
        file,
        line: line - notes.length + missing + 1,
        partition,
      });
    };
    // A line without its newline is being written, or was cut off by a crash and never counted.
    for await (const text of createInterface({ input: createReadStream(file), crlfDelay: Infinity })) {
      const copy = findJson(text);
      if (typeof copy !== 'object' || copy === null) continue;
      line += 1;
      notes.push(String((copy as { note?: unknown }).note));
      if (notes.length < AT_ONCE) continue;
      await check();
      notes = [];
    }
    await check();
  }
}
