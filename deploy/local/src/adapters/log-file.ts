import { closeSync, copyFileSync, existsSync, openSync, readSync, statSync, truncateSync } from 'node:fs';

/** A log over this size is moved to `<file>.1`: one machine must not fill its disk with logs. */
const LOG_BYTES_MAX = 32 * 1024 * 1024;
const TAIL_BYTES = 16 * 1024;
const READ_BYTES = 256 * 1024;

/** Opens a log for appending. Children write to it directly: it outlives a supervisor that is killed. */
export function openLog(file: string): number {
  return openSync(file, 'a', 0o600);
}

/** The last lines of a log, for the person who asks why a process died. */
export function readTail(file: string, lines: number): string[] {
  if (!existsSync(file)) return [];
  const size = statSync(file).size;
  const text = readRange(file, Math.max(0, size - TAIL_BYTES), size);
  return text
    .split('\n')
    .filter((line) => line.trim() !== '')
    .slice(-lines);
}

/** Follows one log and reports its error lines; keeps the file under its bound. */
export class LogFollower {
  private position: number;

  constructor(
    private readonly file: string,
    private readonly report: (message: string) => void,
  ) {
    this.position = existsSync(file) ? statSync(file).size : 0;
  }

  /** Reads what was added since the last call. */
  poll(): void {
    if (!existsSync(this.file)) return;
    const size = statSync(this.file).size;
    if (size < this.position) this.position = 0;
    const from = Math.max(this.position, size - READ_BYTES);
    const text = readRange(this.file, from, size);
    const complete = text.lastIndexOf('\n') + 1;
    for (const line of text.slice(0, complete).split('\n')) {
      const message = findErrorMessage(line);
      if (message !== undefined) this.report(message);
    }
    this.position = from + Buffer.byteLength(text.slice(0, complete));
    if (size > LOG_BYTES_MAX) this.rotate();
  }

  // Copied and truncated, not renamed: the child keeps appending to the file it has open.
  private rotate(): void {
    copyFileSync(this.file, `${this.file}.1`);
    truncateSync(this.file, 0);
    this.position = 0;
  }
}

/** The message of a line that reports an error; undefined for every other. Services write JSON lines, parts plain text. */
export function findErrorMessage(line: string): string | undefined {
  if (line.startsWith('{')) return findJsonError(line);
  const plain = /(?:^|\s|\[)(?:ERR|FTL|FATAL:|PANIC:)\]?\s+(.*)$/.exec(line);
  return plain?.[1];
}

function findJsonError(line: string): string | undefined {
  try {
    const entry = JSON.parse(line) as Record<string, unknown>;
    const level = entry['level'];
    const isError = typeof level === 'number' ? level >= 50 : level === 'error' || level === 'fatal';
    if (!isError) return undefined;
    const message = entry['message'] ?? entry['msg'];
    return typeof message === 'string' ? message : line.slice(0, 300);
  } catch {
    return undefined;
  }
}

function readRange(file: string, from: number, to: number): string {
  const descriptor = openSync(file, 'r');
  try {
    const buffer = Buffer.alloc(to - from);
    const count = readSync(descriptor, buffer, 0, buffer.length, from);
    return buffer.toString('utf8', 0, count);
  } finally {
    closeSync(descriptor);
  }
}
