import { findSequence, isCarried, splitLines } from './event-line.js';
import type { JournalDisk } from './journal-disk.js';
import type { JournalLedger, LedgerSegment, Position } from './journal-ledger.js';
import type { JournalLine } from './journal-options.js';

/** Lines that are not released, oldest first, up to what is written at the first `next`. One segment at a time is in memory. */
export async function* readUnreleased(
  disk: Pick<JournalDisk, 'findSegment'>,
  ledger: JournalLedger,
  from: Position | undefined,
): AsyncGenerator<JournalLine> {
  const segments = ledger.segmentsFrom(from).map((segment) => ({ ...segment }));
  for (const segment of segments) {
    // Deleted meanwhile: then all of it has landed.
    const bytes = (await disk.findSegment(segment.epoch, segment.first)) ?? Buffer.alloc(0);
    for (const line of readLines(bytes, segment)) {
      if (isWanted(line, ledger, from)) yield line;
    }
  }
}

function* readLines(bytes: Buffer, { epoch, last }: LedgerSegment): Generator<JournalLine> {
  for (const line of splitLines(bytes)) {
    const sequence = isCarried(line) ? undefined : findSequence(line);
    if (sequence !== undefined && sequence <= last) yield { epoch, sequence, line };
  }
}

function isWanted({ epoch, sequence }: JournalLine, ledger: JournalLedger, from: Position | undefined): boolean {
  if (ledger.isReleased(epoch, sequence)) return false;
  return from === undefined || epoch !== from.epoch || sequence >= from.sequence;
}
