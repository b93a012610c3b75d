import { Frontier, isSameHash, parseCheckpoint, parseNote, type Checkpoint, type NoteSigner } from '@weir/translog';

/** How far a partition's log has come, as Postgres holds it. */
export interface StoredHead {
  readonly size: number;
  /** As `Frontier.encode` wrote it. */
  readonly frontier: Uint8Array;
}

/** A log shows something else than what was signed of it before. Nothing of it is signed until somebody has looked. */
export class InconsistentLogError extends Error {
  override readonly name = 'InconsistentLogError';
}

/** One log of an installation: its keys' name, and the partition. */
export const originOf = (keyName: string, partition: number): string => `${keyName}/${partition}`;

/** Extension lines of Weir's checkpoints: when it was signed, and a new key, in the checkpoint that both the old and the new one sign. */
const TIME_LINE = 'time ';
const KEY_LINE = 'key ';

export interface NextCheckpointOptions {
  readonly origin: string;
  readonly head: StoredHead;
  /** The note signed before this one. */
  readonly previous: string | undefined;
  /** Milliseconds since the epoch. */
  readonly now: number;
  /** Lines to sign beside the time. */
  readonly extensions: readonly string[];
}

/**
 * What to sign of a log now.
 *
 * @throws InconsistentLogError where the log has become shorter than what was signed, or has another root at the same size: a log never
 * signs two checkpoints of which one is not the beginning of the other (C2SP tlog-checkpoint).
 */
export function nextCheckpoint({ origin, head, previous, now, extensions }: NextCheckpointOptions): Checkpoint {
  const root = Frontier.decode(head.size, head.frontier).root();
  if (previous !== undefined) {
    const signed = parseCheckpoint(parseNote(previous).text);
    if (head.size < signed.size) {
      throw new InconsistentLogError(
        `${origin} had ${signed.size} leaves when it was signed, and has ${head.size} now`,
      );
    }
    if (head.size === signed.size && !isSameHash(root, signed.root)) {
      throw new InconsistentLogError(`${origin} has another root at ${head.size} leaves than the one that was signed`);
    }
  }
  return { origin, size: head.size, root, extensions: [`${TIME_LINE}${new Date(now).toISOString()}`, ...extensions] };
}

export interface SigningKeys {
  readonly signers: readonly NoteSigner[];
  readonly extensions: readonly string[];
  /** The key that signs for the first time; undefined where it has signed before. */
  readonly added: NoteSigner | undefined;
}

/**
 * Which keys sign. The last one of the file does; at its first use the one before it signs too and names it, so that whoever trusts the old
 * key can trust the new one. `known` are the verifier keys that have signed before.
 */
export function chooseSigners(keys: readonly NoteSigner[], known: ReadonlySet<string>): SigningKeys {
  const current = keys.at(-1);
  if (!current) throw new RangeError('there is no key to sign with');
  if (known.has(current.verifierKey)) return { signers: [current], extensions: [], added: undefined };
  const before = keys.slice(0, -1).findLast(({ verifierKey }) => known.has(verifierKey));
  return before
    ? { signers: [before, current], extensions: [`${KEY_LINE}${current.verifierKey}`], added: current }
    : { signers: [current], extensions: [], added: current };
}
