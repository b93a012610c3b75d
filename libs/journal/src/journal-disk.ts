import { lockFolder, type FolderLock } from './journal-lock.js';
import {
  createFolder,
  deleteFolder,
  deleteSegment,
  findFile,
  findSegment,
  listSegments,
  probeFolder,
  replaceFile,
  SegmentWriter,
} from './segment-files.js';

/** The segment that is written to. */
export interface SegmentFile {
  /** Writes all of `bytes` or nothing; what returned survives the death of the process. Throws the system's error. */
  write(bytes: Buffer): void;
  /** Resolves when what was written before the call is on the disk. */
  sync(): Promise<void>;
  close(): void;
}

/** Where a journal lives: a folder of a file system, or, in a simulation of faults, what behaves like one. */
export interface JournalDisk {
  /** Makes the folder where it is missing. */
  create(): Promise<void>;
  /** Throws `JournalLockedError` where a live process holds the folder. */
  lock(): Promise<FolderLock>;
  /** Text of a small file, or undefined where it does not exist. */
  findFile(name: string): Promise<string | undefined>;
  /** Replaces a small file as a whole, durably. */
  replaceFile(name: string, text: string): Promise<void>;
  /** Segments, oldest first. */
  listSegments(): Promise<{ epoch: number; first: number }[]>;
  openSegment(epoch: number, first: number): SegmentFile;
  /** Bytes of a segment, or undefined where it was deleted. */
  findSegment(epoch: number, first: number): Promise<Buffer | undefined>;
  deleteSegment(epoch: number, first: number): Promise<void>;
  /** Throws the system's error where the folder takes nothing. */
  probe(): Promise<void>;
  /** Deletes the folder with all that is in it. */
  remove(): Promise<void>;
}

/** A folder of the file system. */
export const folderDisk = (folder: string): JournalDisk => ({
  create: () => createFolder(folder),
  lock: () => lockFolder(folder),
  findFile: (name) => findFile(folder, name),
  replaceFile: (name, text) => replaceFile(folder, name, text),
  listSegments: () => listSegments(folder),
  openSegment: (epoch, first) => new SegmentWriter(folder, epoch, first),
  findSegment: (epoch, first) => findSegment(folder, epoch, first),
  deleteSegment: (epoch, first) => deleteSegment(folder, epoch, first),
  probe: () => probeFolder(folder),
  remove: () => deleteFolder(folder),
});
