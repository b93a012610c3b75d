import { Frontier, isSameHash } from '@weir/translog';
import { AuditFault } from './audit-fault.js';
import { buildReport, noCounts, type AuditReport } from './audit-report.js';
import { findUnstoredCheckpoint } from './checkpoint-copies.js';
import { CheckpointWalk, TrustedKeys } from './checkpoint-walk.js';
import { ContentCheck, type RowCounter } from './content-check.js';
import { countLoggedDeadLetters } from './dead-letter-reader.js';
import { SequenceBook, appendHex } from './leaf-log.js';
import { countLeavesFrom, readLeafPages, readPartitions, type LeafRow } from './log-reader.js';
import { readCheckpoints, readHeads, readLanded, readSnapshot, type LogSnapshot } from './log-store.js';
import { intersect, isSameRanges, type Ranges } from './sequence-ranges.js';
import { settles } from './settles.js';
import type { StackAccess } from './stack-access.js';

export interface VerifyOptions {
  /** Rows of events recorded from here on, and before there, in milliseconds since the epoch. The log itself is always read whole. */
  readonly from: number | undefined;
  readonly to: number | undefined;
  /** Verifier key to believe instead of the first one Postgres names. */
  readonly publicKey: string | undefined;
  /** How long to wait, in milliseconds, for what a running stack is just landing. */
  readonly settleMs: number;
}

/** Verifies the record of a running stack, up to what had landed when it began. Ends at the first fault. */
export async function verifyOnline(access: StackAccess, options: VerifyOptions): Promise<AuditReport> {
  const startedAt = performance.now();
  const run = new OnlineRun(access, options);
  try {
    await run.verify();
    return buildReport({ counts: run.counts, notes: run.notes, startedAt });
  } catch (error) {
    if (!(error instanceof AuditFault)) throw error;
    return buildReport({ counts: run.counts, notes: run.notes, startedAt, fault: error });
  }
}

class OnlineRun {
  readonly counts = noCounts();
  readonly notes: string[] = [];
  private readonly sequences = new SequenceBook();

  constructor(
    private readonly access: StackAccess,
    private readonly options: VerifyOptions,
  ) {}

  async verify(): Promise<void> {
    const { store, warehouse, checkpoints } = this.access;
    const snapshot = await readSnapshot(store);
    const content = new ContentCheck({
      warehouse,
      counts: this.counts,
      charged: snapshot.charged,
      findPrice: (version) => snapshot.prices.get(version),
    });
    await content.checkColumns();
    const keys = this.believedKeys(snapshot);
    const partitions = new Set([...snapshot.heads.keys(), ...(await readPartitions(warehouse))]);
    for (const partition of [...partitions].sort((a, b) => a - b)) {
      await this.verifyPartition(partition, { snapshot, content, keys });
    }
    this.counts.producers = this.sequences.size;
    await this.checkSequences(snapshot, content);
    if (checkpoints === undefined)
      this.notes.push('connection.json names no folder of checkpoints: the copies were not compared');
    else
      await findUnstoredCheckpoint({
        store,
        folder: checkpoints,
        partitions: [...partitions],
        settleMs: this.options.settleMs,
      });
    if (this.isWhole) await this.checkNothingElse(content, snapshot);
    else this.notes.push('rows of other times were not read, so rows that stand for no leaf were not looked for');
  }

  private get isWhole(): boolean {
    return this.options.from === undefined && this.options.to === undefined;
  }

  private believedKeys({ verifierKeys }: LogSnapshot): TrustedKeys {
    const { publicKey } = this.options;
    if (publicKey === undefined)
      this.notes.push('the first key Postgres names is believed; give --key to believe yours alone');
    return new TrustedKeys(publicKey === undefined ? verifierKeys.slice(0, 1) : [publicKey]);
  }

  private async verifyPartition(
    partition: number,
    {
      snapshot,
      content,
      keys,
    }: { readonly snapshot: LogSnapshot; readonly content: ContentCheck; readonly keys: TrustedKeys },
  ): Promise<void> {
    const { store, warehouse } = this.access;
    const head = snapshot.heads.get(partition) ?? Frontier.empty();
    const walk = new CheckpointWalk(
      partition,
      notesOf(readCheckpoints(store, { partition, last: snapshot.lastCheckpoint })),
      keys,
    );
    const log = Frontier.empty();
    await walk.start();
    await walk.pass(log);
    for await (const leaves of readLeafPages(warehouse, { partition, start: 0, end: head.size })) {
      await this.readLeaves(partition, leaves, { log, walk });
      await content.checkPage(
        partition,
        leaves.filter((leaf) => this.isAskedFor(leaf)),
      );
    }
    this.counts.checkpoints += walk.checked;
    walk.finish(log.size);
    if (!isSameHash(log.root(), head.root())) {
      throw new AuditFault('root_differs', `the head in Postgres has another root than its ${log.size} leaves`, {
        partition,
        size: log.size,
      });
    }
    await this.checkTail(partition);
  }

  private async readLeaves(
    partition: number,
    leaves: readonly LeafRow[],
    { log, walk }: { readonly log: Frontier; readonly walk: CheckpointWalk },
  ): Promise<void> {
    for (const leaf of leaves) {
      if (!/^[0-9a-f]{64}$/.test(leaf.hash)) {
        throw new AuditFault('leaf_changed', `leaf ${leaf.index} is no hash`, {
          table: 'log_leaves',
          column: 'leaf_hash',
          partition,
          index: leaf.index,
        });
      }
      appendHex(log, leaf.hash);
      this.counts.leaves += 1;
      if (leaf.kind !== 'dead_letter') this.sequences.add(leaf, { partition, index: leaf.index });
      else if (leaf.sequence > 0) this.deadSequences.add(leaf);
      if (walk.isDue(log.size)) await walk.pass(log);
    }
  }

  private readonly deadSequences = new DeadSequences();

  private isAskedFor({ time }: LeafRow): boolean {
    const { from = -Infinity, to = Infinity } = this.options;
    return time >= from && time < to;
  }

  /** Leaves beyond the head are of a batch that is landing now, or they were put there. */
  private async checkTail(partition: number): Promise<void> {
    const { store, warehouse } = this.access;
    const isSettled = async (): Promise<boolean> => {
      const size = (await readHeads(store)).get(partition)?.size ?? 0;
      return (await countLeavesFrom(warehouse, partition, size)) === 0;
    };
    if (await settles(isSettled, this.options.settleMs)) return;
    throw new AuditFault('leaf_beyond_head', 'the log has leaves beyond the head in Postgres', {
      table: 'log_leaves',
      partition,
    });
  }

  /** What is in the log is what Postgres says has landed, without a gap, to the end of each epoch. */
  private async checkSequences({ landed }: LogSnapshot, { epochEnds }: ContentCheck): Promise<void> {
    this.deadSequences.addTo(this.sequences);
    for (const key of new Set([...landed.keys(), ...this.sequences.keys()])) {
      await this.checkWatermark(key, landed.get(key) ?? []);
    }
    this.sequences.checkGaps();
    for (const [key, last] of epochEnds) {
      const end = this.verified(key).at(-1)?.[1] ?? 0;
      if (end >= last) continue;
      const place = { ...placeOf(key), sequence: end + 1 };
      throw new AuditFault('sequence_missing', `${key} ended at ${last}, and the log has it up to ${end}`, place);
    }
  }

  /** After a crash leaves may stand in the log whose events are about to be delivered again: until then the watermark is behind. */
  private async checkWatermark(key: string, landed: Ranges): Promise<void> {
    const logged = this.verified(key);
    if (isSameRanges(landed, logged)) return;
    const isSettled = async (): Promise<boolean> => {
      const now = (await readLanded(this.access.store, 'audit')).get(key) ?? [];
      return isSameRanges(intersect(landed, logged), landed) && isSameRanges(intersect(now, logged), logged);
    };
    if (await settles(isSettled, this.options.settleMs)) return;
    throw new AuditFault('watermark_differs', `the log of ${key} is not what Postgres says has landed`, placeOf(key));
  }

  /** Every row of every base table stands for a leaf: one that was put there has none. */
  private async checkNothingElse(content: ContentCheck, { charged }: LogSnapshot): Promise<void> {
    for (const reader of content.auditReaders) {
      await this.checkRowCounts(reader, content, { sink: 'audit', rangesOf: (key) => this.verified(key) });
    }
    for (const reader of content.billingReaders) {
      const rangesOf = (key: string): Ranges => intersect(this.verified(key), charged.get(key) ?? []);
      await this.checkRowCounts(reader, content, { sink: 'billing', rangesOf });
    }
    await this.checkDeadLetterCount();
  }

  private verified(key: string): Ranges {
    return this.sequences.get(key)?.list() ?? [];
  }

  private async checkRowCounts(
    reader: RowCounter,
    content: ContentCheck,
    { sink, rangesOf }: { readonly sink: 'audit' | 'billing'; readonly rangesOf: (key: string) => Ranges },
  ): Promise<void> {
    for (const [key, rows] of await reader.countByEpoch()) {
      const matched = content.matchedRows(reader.table, key);
      if (rows === matched) continue;
      const { producer: producerId, epoch } = placeOf(key);
      const place = { table: reader.table, producer: producerId, epoch };
      const origin = { producerId, epoch };
      if ((await reader.countWithin(origin, rangesOf(key))) !== matched) {
        throw new AuditFault(
          'row_without_leaf',
          `${reader.table} has another number of rows of ${key} than the log`,
          place,
        );
      }
      const isSettled = async (): Promise<boolean> => {
        const total = (await reader.countByEpoch()).get(key) ?? 0;
        const landed = (await readLanded(this.access.store, sink)).get(key) ?? [];
        return total <= (await reader.countWithin(origin, landed));
      };
      if (!(await settles(isSettled, this.options.settleMs))) {
        throw new AuditFault('row_without_leaf', `${reader.table} has rows of ${key} that are not in the log`, place);
      }
    }
  }

  private async checkDeadLetterCount(): Promise<void> {
    const { warehouse } = this.access;
    const isSettled = async (): Promise<boolean> => {
      const [row] = await warehouse.query<{ leaves: string }>(
        `SELECT count() AS leaves FROM ${warehouse.database}.log_leaves WHERE kind = 'dead_letter'`,
      );
      return (await countLoggedDeadLetters(warehouse)) === Number(row?.leaves ?? 0);
    };
    if (await settles(isSettled, this.options.settleMs)) return;
    throw new AuditFault('row_without_leaf', 'dead_letters has another number of rows than the log', {
      table: 'dead_letters',
    });
  }
}

/** The producer and epoch of a key. */
function placeOf(key: string): { readonly producer: string; readonly epoch: number } {
  const split = key.lastIndexOf(':');
  return { producer: key.slice(0, split), epoch: Number(key.slice(split + 1)) };
}

/** Sequences of what could not be read. An event may have a leaf of its own and dead letters beside it. */
class DeadSequences {
  private readonly seen = new Map<string, LeafRow>();

  add(leaf: LeafRow): void {
    this.seen.set(`${leaf.producerId}:${leaf.epoch}:${leaf.sequence}`, leaf);
  }

  addTo(book: SequenceBook): void {
    for (const leaf of this.seen.values()) book.addOnce(leaf);
  }
}

async function* notesOf(
  checkpoints: AsyncGenerator<{ readonly note: string }, undefined>,
): AsyncGenerator<string, undefined> {
  for await (const { note } of checkpoints) yield note;
  return undefined;
}
