/** What one line means for the ledger. */
export interface LedgerLine {
  readonly sequence: number;
  readonly line: Buffer;
  readonly opens: string | undefined;
  readonly closes: string | undefined;
}

export interface LedgerSegment {
  readonly epoch: number;
  /** Sequence of its first line; its name on disk. */
  readonly first: number;
  /** Sequence of its last line; `first - 1` while it has none. */
  last: number;
  bytes: number;
}

export interface ReleasePlan {
  /** Oldest segments, all of whose lines are released. */
  readonly deletable: readonly LedgerSegment[];
  /** Opening lines in them of what is still open: to be repeated in the current segment before they are deleted. */
  readonly carry: readonly { readonly key: string; readonly line: Buffer }[];
}

export interface Position {
  readonly epoch: number;
  readonly sequence: number;
}

export interface CarriedLine {
  readonly segment: LedgerSegment;
  readonly key: string;
  /** The opening line, without the prefix. */
  readonly line: Buffer;
  /** What it takes in the segment. */
  readonly bytes: number;
  /** It was read from the folder, not written just now. */
  readonly isRecovery: boolean;
}

interface OpenEntry {
  segment: LedgerSegment;
  readonly line: Buffer;
}

/**
 * What a journal's segments hold: which lines are released, what is open, what may be deleted. No I/O. Segments go oldest first
 * and without exception, for a later one may hold what closes an event of an earlier: deleted alone, that would look open again.
 * A call that stays open for long does not hold up its segment: its opening line is carried over.
 */
export class JournalLedger {
  private readonly segments: LedgerSegment[] = [];
  private readonly released = new Map<number, number>();
  private readonly open = new Map<string, OpenEntry>();
  private totalBytes = 0;

  get bytes(): number {
    return this.totalBytes;
  }

  get openCount(): number {
    return this.open.size;
  }

  /** The newest segment. */
  get current(): LedgerSegment | undefined {
    return this.segments.at(-1);
  }

  addSegment(epoch: number, first: number): LedgerSegment {
    const segment: LedgerSegment = { epoch, first, last: first - 1, bytes: 0 };
    this.segments.push(segment);
    return segment;
  }

  /** Lines were written to `segment`, in order; `bytes` are theirs, newlines included. */
  written(segment: LedgerSegment, lines: readonly LedgerLine[], bytes: number): void {
    segment.bytes += bytes;
    this.totalBytes += bytes;
    for (const { sequence, line, opens, closes } of lines) {
      segment.last = Math.max(segment.last, sequence);
      if (closes !== undefined) this.open.delete(closes);
      if (opens !== undefined) this.open.set(opens, { segment, line });
    }
  }

  /** An opening line was found, or written, in `segment` as a carried one. What has closed meanwhile stays closed. */
  carried({ segment, key, line, bytes, isRecovery }: CarriedLine): void {
    segment.bytes += bytes;
    this.totalBytes += bytes;
    const entry = this.open.get(key);
    if (entry !== undefined) entry.segment = segment;
    else if (isRecovery) this.open.set(key, { segment, line });
  }

  /** Opening lines of what is open, oldest first. */
  openLines(): Buffer[] {
    return [...this.open.values()].map(({ line }) => line);
  }

  release(epoch: number, through: number): void {
    if (through > (this.released.get(epoch) ?? 0)) this.released.set(epoch, through);
  }

  isReleased(epoch: number, sequence: number): boolean {
    return sequence <= (this.released.get(epoch) ?? 0);
  }

  /** What may be deleted now. The current segment never is: its name and lines say where the epoch ended. */
  plan(): ReleasePlan {
    const deletable: LedgerSegment[] = [];
    for (const segment of this.segments.slice(0, -1)) {
      if (!this.isReleased(segment.epoch, segment.last)) break;
      deletable.push(segment);
    }
    if (deletable.length === 0) return { deletable, carry: [] };
    const gone = new Set(deletable);
    const carry = [...this.open].filter(([, entry]) => gone.has(entry.segment));
    return { deletable, carry: carry.map(([key, { line }]) => ({ key, line })) };
  }

  /** A segment was deleted. */
  deleted(segment: LedgerSegment): void {
    const at = this.segments.indexOf(segment);
    if (at < 0) return;
    this.segments.splice(at, 1);
    this.totalBytes -= segment.bytes;
    if (!this.segments.some(({ epoch }) => epoch === segment.epoch)) this.released.delete(segment.epoch);
  }

  /** Where the newest epoch before `epoch` ended that has any line; null where there is none. */
  endBefore(epoch: number): { epoch: number; lastSequence: number } | null {
    for (const segment of [...this.segments].reverse()) {
      if (segment.epoch < epoch && segment.last > 0) return { epoch: segment.epoch, lastSequence: segment.last };
    }
    return null;
  }

  /** Epochs with lines that are not released, oldest first. */
  unreleased(): { epoch: number; first: number; last: number }[] {
    const ranges = new Map<number, { epoch: number; first: number; last: number }>();
    for (const { epoch, first, last } of this.segments) {
      const from = Math.max(first, (this.released.get(epoch) ?? 0) + 1);
      if (from > last) continue;
      const range = ranges.get(epoch);
      if (range === undefined) ranges.set(epoch, { epoch, first: from, last });
      else range.last = last;
    }
    return [...ranges.values()];
  }

  /** Segments with a line that is not released, from `from` on, oldest first. */
  segmentsFrom(from: Position | undefined): LedgerSegment[] {
    return this.segments.filter(
      ({ epoch, last }) =>
        !this.isReleased(epoch, last) &&
        (from === undefined || epoch > from.epoch || (epoch === from.epoch && last >= from.sequence)),
    );
  }
}
