import { mkdir, open, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';

/** A checkpoint as it is kept beside the log: in Postgres, and in a folder that may be on another disk. */
export interface SignedCheckpoint {
  readonly partition: number;
  /** Milliseconds since the epoch; the same as the note's own line. */
  readonly signedAt: number;
  readonly size: number;
  readonly note: string;
}

const NEWLINE = 0x0a;
/** More than one line has; only the end of a file is looked at. */
const TAIL_BYTES = 64 * 1024;

const fileOf = (folder: string, partition: number): string => join(folder, `checkpoints-${partition}.ndjson`);

/**
 * Appends checkpoints to the folder, a file for each partition and a line for each checkpoint. On disk when it resolves. A line that a crash
 * cut off is taken away first: it was never counted.
 */
export async function appendCheckpoints(folder: string, checkpoints: readonly SignedCheckpoint[]): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  for (const { partition, signedAt, size, note } of checkpoints) {
    const file = await open(fileOf(folder, partition), 'a+', 0o600);
    try {
      await cutTornLine(file);
      const line = { partition, signedAt: new Date(signedAt).toISOString(), size, note };
      await file.appendFile(`${JSON.stringify(line)}\n`);
      await file.datasync();
    } finally {
      await file.close();
    }
  }
}

/** The last checkpoint of a partition in the folder; undefined where there is none. */
export async function findLastCheckpoint(folder: string, partition: number): Promise<SignedCheckpoint | undefined> {
  let file: FileHandle;
  try {
    file = await open(fileOf(folder, partition), 'r');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
  try {
    const { bytes } = await readTail(file);
    const end = bytes.lastIndexOf(NEWLINE);
    const line = bytes.subarray(bytes.lastIndexOf(NEWLINE, end - 1) + 1, Math.max(0, end)).toString('utf8');
    if (line === '') return undefined;
    const { signedAt, ...rest } = JSON.parse(line) as Omit<SignedCheckpoint, 'signedAt'> & { signedAt: string };
    return { ...rest, signedAt: Date.parse(signedAt) };
  } finally {
    await file.close();
  }
}

async function cutTornLine(file: FileHandle): Promise<void> {
  const { bytes, start } = await readTail(file);
  const end = bytes.lastIndexOf(NEWLINE) + 1;
  if (end < bytes.length) await file.truncate(start + end);
}

async function readTail(file: FileHandle): Promise<{ bytes: Buffer; start: number }> {
  const { size } = await file.stat();
  const start = Math.max(0, size - TAIL_BYTES);
  const bytes = Buffer.alloc(size - start);
  const { bytesRead } = await file.read(bytes, 0, bytes.length, start);
  return { bytes: bytes.subarray(0, bytesRead), start };
}
