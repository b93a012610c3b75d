import type { JournalLine } from '@weir/journal';

export const BATCH_EVENTS_MAX = 256;
export const BATCH_BYTES_MAX = 256 * 1024;

/** Lines of one epoch with consecutive sequences, as one JetStream message. Never changes once formed. */
export interface EventBatch {
  readonly epoch: number;
  readonly first: number;
  readonly last: number;
  /** `Nats-Msg-Id`: the stream drops a repeat of it within its window. */
  readonly messageId: string;
  /** The lines, each ending with a newline. */
  readonly payload: Buffer;
}

/** Collects lines and cuts them into batches. No I/O. */
export class BatchFormer {
  private lines: JournalLine[] = [];
  private waitingBytes = 0;

  constructor(private readonly producerId: string) {}

  get count(): number {
    return this.lines.length;
  }

  get bytes(): number {
    return this.waitingBytes;
  }

  /** Whether waiting longer would not make the next batch larger. */
  get isFull(): boolean {
    return this.lines.length >= BATCH_EVENTS_MAX || this.waitingBytes >= BATCH_BYTES_MAX;
  }

  add(line: JournalLine): void {
    this.lines.push(line);
    this.waitingBytes += line.line.length + 1;
  }

  /** The oldest lines that go into one message: at least one, however large; undefined where none waits. */
  take(): EventBatch | undefined {
    const first = this.lines[0];
    if (first === undefined) return undefined;
    let count = 0;
    let bytes = 0;
    for (const { epoch, sequence, line } of this.lines) {
      const follows = epoch === first.epoch && sequence === first.sequence + count;
      const fits = count < BATCH_EVENTS_MAX && bytes + line.length + 1 <= BATCH_BYTES_MAX;
      if (count > 0 && !(follows && fits)) break;
      count += 1;
      bytes += line.length + 1;
    }
    const taken = this.lines.slice(0, count);
    this.lines = this.lines.slice(count);
    this.waitingBytes -= bytes;
    return this.form(first, taken, bytes);
  }

  private form({ epoch, sequence: first }: JournalLine, lines: readonly JournalLine[], bytes: number): EventBatch {
    const payload = Buffer.allocUnsafe(bytes);
    let at = 0;
    for (const { line } of lines) {
      at += line.copy(payload, at);
      payload[at++] = 0x0a;
    }
    const last = first + lines.length - 1;
    return { epoch, first, last, messageId: `${this.producerId}:${epoch}:${first}-${last}`, payload };
  }
}
