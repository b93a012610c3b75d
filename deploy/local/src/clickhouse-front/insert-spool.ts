import { randomUUID } from 'node:crypto';
import { mkdirSync, rmSync } from 'node:fs';
import { unlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { quoteString } from './statement.js';

/** Smaller rows are worth no file. */
const SPOOLED_BYTES_MIN = 64 * 1024;

/** An insert whose rows follow it: table and columns, then settings and format. Any other spelling goes the engine's own way. */
const INSERT =
  /^(\s*INSERT\s+INTO\s+(?:TABLE\s+)?[\w.`]+\s*(?:\([\w\s,`]*\))?)(\s*(?:SETTINGS\s[^()]*?\s)?\s*FORMAT\s+\w+)\s*$/i;

/**
 * Hands the rows of an insert to the engine as a file. The engine takes rows beside their statement too, but copies and scans them
 * as a part of its text, which for a landing batch costs more than the insert itself (50 against 23 µs for four events).
 */
export class InsertSpool {
  /** What a killed process left in the folder is removed. */
  constructor(private readonly directory: string) {
    rmSync(directory, { recursive: true, force: true });
    mkdirSync(directory, { recursive: true, mode: 0o700 });
  }

  /** The statement in two parts, for {@link run}; undefined where it is no insert of rows that are worth a file. */
  find(query: string, body: Buffer): readonly [target: string, rest: string] | undefined {
    if (body.length < SPOOLED_BYTES_MIN) return undefined;
    const [, target, rest] = INSERT.exec(query) ?? [];
    return target === undefined || rest === undefined ? undefined : [target, rest];
  }

  /** Calls `insert` with a statement that reads the rows from a file, which exists for as long as that takes. */
  async run<Result>(
    [target, rest]: readonly [target: string, rest: string],
    body: Buffer,
    insert: (statement: string) => Promise<Result>,
  ): Promise<Result> {
    const path = join(this.directory, randomUUID());
    try {
      await writeFile(path, body, { mode: 0o600 });
      return await insert(`${target} FROM INFILE ${quoteString(path)}${rest}`);
    } finally {
      await unlink(path).catch(ignoreMissing);
    }
  }
}

/** It was not even created. */
function ignoreMissing(error: NodeJS.ErrnoException): void {
  if (error.code !== 'ENOENT') throw error;
}
