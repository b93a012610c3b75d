import { Frontier, leafHash } from '@weir/translog';
import { AuditFault } from './audit-fault.js';
import { SequenceRanges, findGap } from './sequence-ranges.js';

/** What tells an event's place among its producer's. */
export interface LeafOrigin {
  readonly producerId: string;
  readonly epoch: number;
  readonly sequence: number;
}

export const epochKey = ({ producerId, epoch }: Pick<LeafOrigin, 'producerId' | 'epoch'>): string =>
  `${producerId}:${epoch}`;

/** Sequences of all producers as the logs have them. Memory grows with producers and epochs, not with events. */
export class SequenceBook {
  private readonly epochs = new Map<string, SequenceRanges>();

  add(origin: LeafOrigin, place: Readonly<Record<string, string | number>>): void {
    this.addRun({ ...origin, last: origin.sequence }, () => place);
  }

  /** Adds sequences from that of the origin to `last`; `placeOf` tells where one of them is. @throws AuditFault for one that was there. */
  addRun(
    { last, ...origin }: LeafOrigin & { readonly last: number },
    placeOf: (sequence: number) => Readonly<Record<string, string | number>>,
  ): void {
    const key = epochKey(origin);
    let ranges = this.epochs.get(key);
    if (!ranges) this.epochs.set(key, (ranges = new SequenceRanges()));
    const repeated = ranges.addRange(origin.sequence, last);
    if (repeated === undefined) return;
    throw new AuditFault('sequence_repeated', `the log has ${key} sequence ${repeated} twice`, placeOf(repeated));
  }

  /** The same for a sequence that may be there already. */
  addOnce(origin: LeafOrigin): void {
    const key = epochKey(origin);
    const ranges = this.epochs.get(key) ?? new SequenceRanges();
    this.epochs.set(key, ranges);
    ranges.add(origin.sequence);
  }

  get size(): number {
    return this.epochs.size;
  }

  get(key: string): SequenceRanges | undefined {
    return this.epochs.get(key);
  }

  keys(): IterableIterator<string> {
    return this.epochs.keys();
  }

  /** @throws AuditFault where a producer's events have a gap: something was recorded that is not in the log. */
  checkGaps(): void {
    for (const [key, ranges] of this.epochs) {
      const gap = findGap(ranges.list());
      if (gap === undefined) continue;
      const [producer = '', epoch = ''] = key.split(':');
      throw new AuditFault('sequence_missing', `sequence ${gap} of ${key} is missing`, {
        producer,
        epoch,
        sequence: gap,
      });
    }
  }
}

/** Sequences of what could not be read. An event may have a leaf of its own and dead letters beside it. */
export class DeadSequences {
  private readonly seen = new Map<string, LeafOrigin>();

  add(leaf: LeafOrigin): void {
    this.seen.set(`${leaf.producerId}:${leaf.epoch}:${leaf.sequence}`, leaf);
  }

  addTo(book: SequenceBook): void {
    for (const leaf of this.seen.values()) book.addOnce(leaf);
  }
}

/** Whose sequence the leaf of a dead letter closes; undefined where it is none, or nothing told whose it was. */
export function findDeadOrigin(leaf: string): LeafOrigin | undefined {
  const letter = findJson(leaf);
  if (typeof letter !== 'object' || letter === null || 'eventId' in letter) return undefined;
  const { producerId, epoch, sequence } = letter as Record<string, unknown>;
  if (typeof producerId !== 'string' || typeof epoch !== 'number' || typeof sequence !== 'number') return undefined;
  return { producerId, epoch, sequence };
}

/** What an event's head says; undefined where the text is no event. */
export function findOrigin(
  leaf: string,
): (LeafOrigin & { readonly type: string; readonly eventId: string }) | undefined {
  const event = findJson(leaf);
  if (typeof event !== 'object' || event === null) return undefined;
  const { producerId, epoch, sequence, type, eventId } = event as Record<string, unknown>;
  if (typeof producerId !== 'string' || typeof epoch !== 'number' || typeof sequence !== 'number') return undefined;
  if (typeof type !== 'string' || typeof eventId !== 'string') return undefined;
  return { producerId, epoch, sequence, type, eventId };
}

export function findJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

/** Appends a leaf hash given in hex. */
export function appendHex(log: Frontier, hash: string): void {
  log.append(Buffer.from(hash, 'hex'));
}

export const hexHash = (leaf: string): string => Buffer.from(leafHash(leaf)).toString('hex');
