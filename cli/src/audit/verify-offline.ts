import { Frontier } from '@weir/translog';
import { AuditFault } from './audit-fault.js';
import { buildReport, noCounts, type AuditReport } from './audit-report.js';
import { CheckpointWalk, TrustedKeys } from './checkpoint-walk.js';
import { readExport, type ExportLine } from './export-format.js';
import { SequenceBook, appendHex, findDeadOrigin, findOrigin, hexHash, type LeafOrigin } from './leaf-log.js';

/** One partition while its lines are read. */
interface OpenPartition {
  readonly partition: number;
  readonly log: Frontier;
  readonly walk: CheckpointWalk;
  readonly inbox: Inbox;
}

/**
 * Verifies an export with nothing but itself and, where given, a public key. Without a key those of the file are believed, which proves only
 * that the file agrees with itself.
 */
export async function verifyOffline(file: string, publicKey: string | undefined): Promise<AuditReport> {
  const startedAt = performance.now();
  const counts = noCounts();
  const notes = [
    'offline: columns, charges and the tail in Postgres are not in the file; leaves are verified up to each last checkpoint',
  ];
  const run = new OfflineRun(counts, notes, publicKey);
  try {
    for await (const line of readExport(file)) await run.read(line);
    await run.finish();
    return buildReport({ counts, notes, startedAt });
  } catch (error) {
    if (!(error instanceof AuditFault)) throw error;
    return buildReport({ counts, notes, startedAt, fault: error });
  }
}

class OfflineRun {
  private readonly fileKeys: string[] = [];
  private keys: TrustedKeys | undefined;
  private open: OpenPartition | undefined;
  private readonly sequences = new SequenceBook();
  private readonly done = new Set<number>();
  private readonly closed = new Map<string, LeafOrigin>();
  private goneLeaves = 0;
  private isEnded = false;
  private lines = 0;

  constructor(
    private readonly counts: AuditReport['counts'],
    private readonly notes: string[],
    private readonly publicKey: string | undefined,
  ) {}

  async read(line: ExportLine): Promise<void> {
    this.lines += 1;
    if (this.isEnded || (this.lines === 1) !== (line.kind === 'head')) this.refuse('a line stands where it cannot');
    switch (line.kind) {
      case 'head':
        return;
      case 'key':
        this.fileKeys.push(line.verifierKey);
        return;
      case 'checkpoint':
        return this.readCheckpoint(line);
      case 'leaf':
        return this.readLeaf(line);
      case 'end':
        if (line.leaves !== this.counts.leaves || line.checkpoints !== this.counts.checkpoints) {
          this.refuse('the file has another number of leaves or checkpoints than it says');
        }
        this.isEnded = true;
    }
  }

  async finish(): Promise<void> {
    this.closePartition();
    if (!this.isEnded) this.refuse('the file has no end: it was cut off');
    // An event may have a leaf of its own and dead letters beside it.
    for (const origin of this.closed.values()) this.sequences.addOnce(origin);
    if (this.goneLeaves === 0) this.sequences.checkGaps();
    else this.notes.push(`the text of ${this.goneLeaves} leaves is gone, so sequences were not checked`);
    this.counts.producers = this.sequences.size;
  }

  private async readCheckpoint({ partition, note }: Extract<ExportLine, { kind: 'checkpoint' }>): Promise<void> {
    const { inbox, walk, log } = this.partition(partition);
    inbox.push(note);
    this.counts.checkpoints += 1;
    await walk.start();
    await walk.pass(log);
    // In an export a checkpoint stands right after the leaves it covers.
    walk.finish(log.size);
  }

  private readLeaf({ partition, index, hash, leaf }: Extract<ExportLine, { kind: 'leaf' }>): void {
    const { log } = this.partition(partition);
    const place = { partition, index, line: this.lines };
    if (index < log.size) throw new AuditFault('leaf_repeated', `leaf ${index} is there twice`, place);
    if (index > log.size) throw new AuditFault('leaf_missing', `leaf ${log.size} is missing`, place);
    if (leaf !== null && hexHash(leaf) !== hash) {
      throw new AuditFault('leaf_changed', `leaf ${index} is not the one that was logged`, place);
    }
    appendHex(log, hash);
    this.counts.leaves += 1;
    if (leaf === null) {
      this.goneLeaves += 1;
      return;
    }
    const origin = findOrigin(leaf);
    if (origin) {
      this.sequences.add(origin, place);
      this.counts.events += 1;
      return;
    }
    this.counts.deadLetters += 1;
    const closed = findDeadOrigin(leaf);
    if (closed) this.closed.set(`${closed.producerId}:${closed.epoch}:${closed.sequence}`, closed);
  }

  private partition(partition: number): OpenPartition {
    if (this.open?.partition === partition) return this.open;
    this.closePartition();
    if (this.done.has(partition)) this.refuse(`partition ${partition} is there twice`);
    this.done.add(partition);
    const inbox = new Inbox();
    const walk = new CheckpointWalk(partition, inbox, this.believedKeys());
    return (this.open = { partition, log: Frontier.empty(), walk, inbox });
  }

  private closePartition(): void {
    if (!this.open) return;
    const { partition, log, walk } = this.open;
    walk.finish(log.size);
    const signed = walk.lastSize ?? 0;
    if (signed < log.size)
      this.notes.push(`partition ${partition}: ${log.size - signed} leaves follow its last checkpoint`);
    this.open = undefined;
  }

  private believedKeys(): TrustedKeys {
    if (this.keys) return this.keys;
    if (this.publicKey === undefined)
      this.notes.push("the file's own first key is believed; give --key to believe yours alone");
    return (this.keys = new TrustedKeys([this.publicKey ?? this.fileKeys[0] ?? ''].filter((key) => key !== '')));
  }

  private refuse(message: string): never {
    throw new AuditFault('export_invalid', message, { line: this.lines });
  }
}

/** Notes as they are read: what the walk takes next is there before it asks. */
class Inbox implements AsyncIterator<string> {
  private readonly notes: string[] = [];

  push(note: string): void {
    this.notes.push(note);
  }

  next(): Promise<IteratorResult<string, undefined>> {
    const note = this.notes.shift();
    return Promise.resolve(note === undefined ? { done: true, value: undefined } : { done: false, value: note });
  }
}
