import { createWriteStream } from 'node:fs';
import { once } from 'node:events';
import { finished } from 'node:stream/promises';
import type { WriteStream } from 'node:fs';
import type { ExportLine } from './export-format.js';
import { readDeadLetterHashes } from './dead-letter-reader.js';
import { readLeafPages, type LeafRow } from './log-reader.js';
import { readCheckpoints, readSnapshot, type StoredCheckpoint } from './log-store.js';
import { TableReader, placeKey, spansOf } from './table-reader.js';
import { EVENT_RULES } from './column-rules.js';
import type { StackAccess } from './stack-access.js';

export interface ExportCounts {
  readonly leaves: number;
  readonly checkpoints: number;
}

/** Writes the log with its leaves, checkpoints and public keys as NDJSON: all that `verify --offline` needs. Streams. */
export async function exportLog(access: StackAccess, file: string): Promise<ExportCounts> {
  const snapshot = await readSnapshot(access.store);
  const out = createWriteStream(file, { mode: 0o600 });
  const counts = { leaves: 0, checkpoints: 0 };
  const write = (line: ExportLine): Promise<void> => writeLine(out, line);
  await write({ kind: 'head', format: 'weir-audit-export', version: 1, exportedAt: new Date().toISOString() });
  for (const verifierKey of snapshot.verifierKeys) await write({ kind: 'key', verifierKey });
  for (const [partition, head] of snapshot.heads) {
    const checkpoints = readCheckpoints(access.store, { partition, last: snapshot.lastCheckpoint });
    let next = await takeNext(checkpoints);
    const writeCheckpoints = async (size: number): Promise<void> => {
      for (; next && next.size <= size; next = await takeNext(checkpoints)) {
        await write({ kind: 'checkpoint', partition, note: next.note });
        counts.checkpoints += 1;
      }
    };
    await writeCheckpoints(0);
    for await (const leaves of readLeafPages(access.warehouse, { partition, start: 0, end: head.size })) {
      const texts = await readLeaves(access, leaves);
      for (const { index, hash } of leaves) {
        await write({ kind: 'leaf', partition, index, hash, leaf: texts.get(index) ?? null });
        counts.leaves += 1;
        await writeCheckpoints(index + 1);
      }
    }
    // What states more than there is goes along, so that it is found.
    await writeCheckpoints(Infinity);
  }
  await write({ kind: 'end', ...counts });
  out.end();
  await finished(out);
  return counts;
}

/** The exact text of each leaf of a page, by its index; leaves whose text is gone have none. */
async function readLeaves(
  { warehouse }: StackAccess,
  leaves: readonly LeafRow[],
): Promise<ReadonlyMap<number, string>> {
  const events = new TableReader(warehouse, EVENT_RULES);
  const logged = leaves.filter(({ kind }) => kind !== 'dead_letter');
  const times = logged.map(({ time }) => time);
  const from = times.reduce((least, time) => Math.min(least, time), Infinity);
  const to = times.reduce((most, time) => Math.max(most, time), 0);
  const rows = await events.read({ spans: spansOf(logged), from: Math.min(from, to), to });
  const letters = await readDeadLetterHashes(
    warehouse,
    leaves.filter(({ kind }) => kind === 'dead_letter'),
  );
  return new Map(
    leaves.flatMap((leaf): [number, string][] => {
      const row = rows.get(placeKey(leaf))?.[0];
      const text = leaf.kind === 'dead_letter' ? letters.get(leaf.hash)?.leaf : row && events.cell(row, 'leaf');
      return text === undefined ? [] : [[leaf.index, text]];
    }),
  );
}

async function takeNext(
  checkpoints: AsyncGenerator<StoredCheckpoint, undefined>,
): Promise<StoredCheckpoint | undefined> {
  return (await checkpoints.next()).value;
}

/** Waits where the disk is slower than the database. */
async function writeLine(out: WriteStream, line: ExportLine): Promise<void> {
  if (!out.write(`${JSON.stringify(line)}\n`)) await once(out, 'drain');
}
