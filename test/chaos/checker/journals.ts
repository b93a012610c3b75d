import { readFileSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** The end of one producer's epoch, as it stands on disk. */
export interface JournalEnd {
  readonly producerId: string;
  readonly epoch: number;
  readonly lastSequence: number;
}

const SEGMENT = /^(\d{8})-(\d{12})\.ndjson$/;

/** Where every epoch of every journal of a stack ends. What was released and deleted is not among it. */
export function readJournalEnds(home: string): JournalEnd[] {
  const root = join(home, 'journals');
  const folders = readdirSync(root, { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('producer.json'))
    .map((path) => join(root, dirname(path)));
  return folders.flatMap(readFolder);
}

function readFolder(folder: string): JournalEnd[] {
  const ends = new Map<number, number>();
  try {
    const { producerId } = JSON.parse(readFileSync(join(folder, 'producer.json'), 'utf8')) as { producerId: string };
    for (const name of readdirSync(folder).sort()) {
      const match = SEGMENT.exec(name);
      if (!match) continue;
      const epoch = Number(match[1]);
      const last = readLastSequence(join(folder, name));
      if (last !== undefined) ends.set(epoch, Math.max(last, ends.get(epoch) ?? 0));
    }
    return [...ends].map(([epoch, lastSequence]) => ({ producerId, epoch, lastSequence }));
  } catch (error) {
    // Released or adopted while we read: everything of it has landed.
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}

/** The sequence of the last whole line; a torn one was told to nobody. */
function readLastSequence(file: string): number | undefined {
  const text = readFileSync(file, 'utf8');
  const end = text.lastIndexOf('\n');
  if (end < 0) return undefined;
  const line = text.slice(text.lastIndexOf('\n', end - 1) + 1, end);
  return (JSON.parse(line.split('\t')[0] ?? '') as { sequence: number }).sequence;
}
