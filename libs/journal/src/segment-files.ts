import { closeSync, constants, fdatasync, fsyncSync, ftruncateSync, openSync, writeSync } from 'node:fs';
import { mkdir, readdir, readFile, rename, rm, unlink, open } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

const syncData = promisify(fdatasync);
const NAME = /^(\d{8})-(\d{12})\.ndjson$/;

/** Name of a segment: its epoch and the sequence of its first line, so that a listing sorts by age. */
const segmentName = (epoch: number, first: number): string =>
  `${String(epoch).padStart(8, '0')}-${String(first).padStart(12, '0')}.ndjson`;

/** Segments of a folder, oldest first. */
export async function listSegments(folder: string): Promise<{ epoch: number; first: number }[]> {
  const names = (await readdir(folder)).map((name) => NAME.exec(name)).filter((match) => match !== null);
  return names.map((match) => ({ epoch: Number(match[1]), first: Number(match[2]) })).sort(byAge);
}

const byAge = (a: { epoch: number; first: number }, b: { epoch: number; first: number }) =>
  a.epoch - b.epoch || a.first - b.first;

/** The segment that is written to. Writes are synchronous: what returned survives the death of the process. */
export class SegmentWriter {
  private readonly fd: number;
  private size: number;
  private isTorn = false;
  private isDirty = false;
  private isClosed = false;

  constructor(folder: string, epoch: number, first: number) {
    this.fd = openSync(
      join(folder, segmentName(epoch, first)),
      constants.O_CREAT | constants.O_APPEND | constants.O_WRONLY,
      0o600,
    );
    this.size = 0;
    syncFolder(folder);
  }

  /** Writes all of `bytes` or nothing: what a failed write has left behind is cut off, at the latest before the next. Throws the system's error. */
  write(bytes: Buffer): void {
    if (this.isTorn) this.cutBack();
    let at = 0;
    try {
      while (at < bytes.length) at += writeSync(this.fd, bytes, at);
    } catch (error) {
      this.isTorn = true;
      this.tryCutBack();
      throw error;
    }
    this.size += bytes.length;
    this.isDirty = true;
  }

  /** `fdatasync`, where anything was written since the last one began. */
  async sync(): Promise<void> {
    if (!this.isDirty || this.isClosed) return;
    this.isDirty = false;
    try {
      await syncData(this.fd);
    } catch (error) {
      this.isDirty = true;
      throw error;
    }
  }

  close(): void {
    if (this.isClosed) return;
    this.isClosed = true;
    closeSync(this.fd);
  }

  private cutBack(): void {
    ftruncateSync(this.fd, this.size);
    this.isTorn = false;
  }

  private tryCutBack(): void {
    try {
      this.cutBack();
    } catch {
      // Tried again before the next write, whose error is reported.
    }
  }
}

/** Makes creations, renames and deletions in a folder durable. */
function syncFolder(folder: string): void {
  const fd = openSync(folder, constants.O_RDONLY);
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

/** Replaces a small file as a whole, durably. */
export async function replaceFile(folder: string, name: string, text: string): Promise<void> {
  const temporary = join(folder, `${name}.new`);
  const file = await open(temporary, 'w', 0o600);
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(temporary, join(folder, name));
  syncFolder(folder);
}

/** Text of a file, or undefined where it does not exist. */
export async function findFile(folder: string, name: string): Promise<string | undefined> {
  try {
    return await readFile(join(folder, name), 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

export async function createFolder(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
}

/** Bytes of a segment, or undefined where it was deleted. */
export async function findSegment(folder: string, epoch: number, first: number): Promise<Buffer | undefined> {
  try {
    return await readFile(join(folder, segmentName(epoch, first)));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

export async function deleteSegment(folder: string, epoch: number, first: number): Promise<void> {
  await unlink(join(folder, segmentName(epoch, first)));
}

export async function deleteFolder(folder: string): Promise<void> {
  await rm(folder, { recursive: true, force: true });
}

/** Whether the folder takes a few KiB and syncs them: throws the system's error where it does not. */
export async function probeFolder(folder: string): Promise<void> {
  const path = join(folder, 'probe');
  const file = await open(path, 'w', 0o600);
  try {
    await file.writeFile(Buffer.alloc(16 * 1024, 0x20));
    await file.datasync();
  } finally {
    await file.close();
    await rm(path, { force: true });
  }
}
