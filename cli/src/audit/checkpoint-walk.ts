import {
  NoteError,
  formatKeyId,
  isSameHash,
  openNote,
  parseCheckpoint,
  parseVerifierKey,
  type Frontier,
  type NoteVerifier,
} from '@weir/translog';
import { AuditFault } from './audit-fault.js';

/** The line by which a checkpoint that the old and the new key sign names the new one (services/audit). */
const KEY_LINE = 'key ';

/** Keys that are believed: those to begin with, and each that a believed one has named. */
export class TrustedKeys {
  private readonly keys = new Map<string, NoteVerifier>();
  /** Those that checkpoints have named. */
  readonly named: string[] = [];

  /** @throws NoteError for what is no verifier key. */
  constructor(verifierKeys: readonly string[]) {
    for (const key of verifierKeys) this.keys.set(key, parseVerifierKey(key));
  }

  list(): readonly NoteVerifier[] {
    return [...this.keys.values()];
  }

  add(verifierKey: string): void {
    if (this.keys.has(verifierKey)) return;
    this.keys.set(verifierKey, parseVerifierKey(verifierKey));
    this.named.push(verifierKey);
  }
}

interface OpenedCheckpoint {
  readonly size: number;
  readonly root: Uint8Array;
}

/**
 * Checks the checkpoints of one partition while its log is read leaf by leaf: each must be signed by a believed key, and its root must be
 * that of the leaves up to its size. Since all are checked against the same leaves, each is the beginning of the next.
 */
export class CheckpointWalk {
  private waiting: OpenedCheckpoint | undefined;
  private origin: string | undefined;
  private count = 0;
  /** Size of the last checkpoint that holds; undefined where there is none. */
  lastSize: number | undefined;

  constructor(
    private readonly partition: number,
    private readonly notes: AsyncIterator<string>,
    private readonly keys: TrustedKeys,
  ) {}

  get checked(): number {
    return this.count;
  }

  /** Whether a checkpoint stands at this size, or before it: then {@link pass} is due. */
  isDue(size: number): boolean {
    return this.waiting !== undefined && this.waiting.size <= size;
  }

  /** Takes the next checkpoint up, at the start and where there was none before. */
  async start(): Promise<void> {
    await this.advance();
  }

  /**
   * Checks every checkpoint of the log's size.
   *
   * @throws AuditFault.
   */
  async pass(log: Frontier): Promise<void> {
    for (let next = this.waiting; next && next.size <= log.size; next = await this.advance()) {
      const place = { partition: this.partition, checkpoint: this.count, size: next.size };
      if (next.size < log.size) {
        throw new AuditFault(
          'checkpoint_invalid',
          `a checkpoint of ${next.size} leaves follows one of ${log.size}`,
          place,
        );
      }
      if (!isSameHash(next.root, log.root())) {
        throw new AuditFault('root_differs', `the leaves up to ${next.size} have another root than was signed`, place);
      }
      this.lastSize = next.size;
    }
  }

  /**
   * The log is at its end.
   *
   * @throws AuditFault where a checkpoint states more leaves than there are.
   */
  finish(size: number): void {
    if (!this.waiting) return;
    throw new AuditFault(
      'checkpoint_ahead',
      `a checkpoint states ${this.waiting.size} leaves, and the log has ${size}: its tail is gone`,
      { partition: this.partition, size },
    );
  }

  private async advance(): Promise<OpenedCheckpoint | undefined> {
    const next = await this.notes.next();
    if (next.done === true) return (this.waiting = undefined);
    this.count += 1;
    return (this.waiting = this.open(next.value));
  }

  private open(note: string): OpenedCheckpoint {
    const place = { partition: this.partition, checkpoint: this.count };
    try {
      const { text, signedBy } = openNote(note, this.keys.list());
      const { origin, size, root, extensions } = parseCheckpoint(text);
      const name = signedBy[0]?.name ?? '';
      this.origin ??= `${name}/${this.partition}`;
      if (origin !== this.origin) {
        throw new AuditFault('checkpoint_invalid', `the checkpoint is of ${origin}, not of ${this.origin}`, place);
      }
      for (const line of extensions) if (line.startsWith(KEY_LINE)) this.keys.add(line.slice(KEY_LINE.length));
      return { size, root };
    } catch (error) {
      if (!(error instanceof NoteError)) throw error;
      const known = this.keys.list().map(({ keyId }) => formatKeyId(keyId));
      if (error.code === 'no_known_signature') {
        throw new AuditFault('key_unknown', `no believed key (${known.join(', ')}) has signed the checkpoint`, place);
      }
      throw new AuditFault('checkpoint_invalid', error.message, place);
    }
  }
}
