import { Frontier, isSameHash } from '@weir/translog';
import { readOpenSecurityEvents, renderSecurityEvent } from '../security-events.js';
import { AuditFault } from './audit-fault.js';
import { addCounts, buildReport, noCounts, type AuditReport } from './audit-report.js';
import { checkBilling } from './billing-check.js';
import { findUnstoredCheckpoint } from './checkpoint-copies.js';
import { CheckpointWalk, TrustedKeys } from './checkpoint-walk.js';
import { BaseTables, type RowCounter } from './base-tables.js';
import { countLoggedDeadLetters } from './dead-letter-reader.js';
import { DeadSequences, SequenceBook, epochKey } from './leaf-log.js';
import { countLeavesFrom, readPartitions } from './log-reader.js';
import { readCheckpoints, readHeads, readLanded, readSnapshot, type LogSnapshot } from './log-store.js';
import { checkPages } from './page-run.js';
import type { PageOutcome } from './page-check.js';
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
  /** Threads that check; undefined for one each core where the log is long enough to be worth it. */
  readonly threads: number | undefined;
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

const HASH_BYTES = 32;

interface PartitionInput {
  readonly head: Frontier;
  readonly keys: TrustedKeys;
  readonly snapshot: LogSnapshot;
  readonly pages: AsyncGenerator<PageOutcome, undefined>;
}

class OnlineRun {
  readonly counts = noCounts();
  readonly notes: string[] = [];
  private readonly sequences = new SequenceBook();
  private readonly deadSequences = new DeadSequences();
  /** Rows that stand for a leaf, by table and `producer:epoch`. */
  private readonly matched = new Map<string, number>();
  private readonly statedKeys = new Set<string>();
  private keys: TrustedKeys | undefined;
  private readonly epochEnds = new Map<string, number>();
  private readonly tables: BaseTables;

  constructor(
    private readonly access: StackAccess,
    private readonly options: VerifyOptions,
  ) {
    this.tables = new BaseTables(access.warehouse);
  }

  async verify(): Promise<void> {
    const { store, warehouse, checkpoints } = this.access;
    const snapshot = await readSnapshot(store);
    for (const event of await readOpenSecurityEvents(warehouse)) this.notes.push(renderSecurityEvent(event));
    await this.tables.checkColumns();
    const partitions = new Set([...snapshot.heads.keys(), ...(await readPartitions(warehouse))]);
    await this.verifyLogs(
      [...partitions].sort((a, b) => a - b),
      snapshot,
    );
    this.counts.producers = this.sequences.size;
    await this.checkSequences(snapshot);
    if (checkpoints === undefined)
      this.notes.push('connection.json names no folder of checkpoints: the copies were not compared');
    else
      await findUnstoredCheckpoint({
        store,
        folder: checkpoints,
        partitions: [...partitions],
        settleMs: this.options.settleMs,
      });
    if (this.isWhole) {
      this.checkRotations(snapshot);
      await this.checkNothingElse(snapshot);
      const { counts, notes } = this;
      await checkBilling(this.access, { ...this.options, prices: snapshot.prices, counts, notes });
    } else this.notes.push('rows of other times were not read, so rows that stand for no leaf were not looked for');
  }

  /** Every log, page by page. Pages are checked ahead in threads, and taken up in their order. */
  private async verifyLogs(partitions: readonly number[], snapshot: LogSnapshot): Promise<void> {
    const { from = -Infinity, to = Infinity, threads } = this.options;
    const { charged, prices, heads } = snapshot;
    const keys = (this.keys = this.believedKeys(snapshot));
    const logs = partitions.map((partition) => ({ partition, size: heads.get(partition)?.size ?? 0 }));
    const pages = checkPages(this.access, { from, to, charged, prices }, { logs, threads });
    try {
      for (const partition of partitions) {
        await this.verifyPartition(partition, {
          head: heads.get(partition) ?? Frontier.empty(),
          keys,
          snapshot,
          pages,
        });
      }
    } finally {
      await pages.return(undefined);
    }
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

  private async verifyPartition(partition: number, { head, keys, snapshot, pages }: PartitionInput): Promise<void> {
    const walk = new CheckpointWalk(
      partition,
      notesOf(readCheckpoints(this.access.store, { partition, last: snapshot.lastCheckpoint })),
      keys,
    );
    const log = Frontier.empty();
    await walk.start();
    await walk.pass(log);
    while (log.size < head.size) {
      const page = await pages.next();
      if (page.done === true) throw new Error('a page of the log was not checked');
      await this.takePage(partition, page.value, { log, walk });
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

  private async takePage(
    partition: number,
    page: PageOutcome,
    { log, walk }: { readonly log: Frontier; readonly walk: CheckpointWalk },
  ): Promise<void> {
    addCounts(this.counts, page.counts);
    for (let at = 0; at < page.hashes.length; at += HASH_BYTES) {
      log.append(page.hashes.subarray(at, at + HASH_BYTES));
      if (walk.isDue(log.size)) await walk.pass(log);
    }
    for (const run of page.runs) {
      this.sequences.addRun(run, (sequence) => ({ partition, index: run.index + sequence - run.sequence }));
    }
    for (const origin of page.dead) this.deadSequences.add(origin);
    for (const { table, rows, ...producer } of page.matched) {
      const key = `${table} ${epochKey(producer)}`;
      this.matched.set(key, (this.matched.get(key) ?? 0) + rows);
    }
    for (const key of page.statedKeys) this.statedKeys.add(key);
    for (const [epoch, last] of page.epochEnds) this.epochEnds.set(epoch, last);
    const { fault } = page;
    if (fault) throw new AuditFault(fault.code, fault.message, fault.place);
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
  private async checkSequences({ landed }: LogSnapshot): Promise<void> {
    this.deadSequences.addTo(this.sequences);
    for (const key of new Set([...landed.keys(), ...this.sequences.keys()])) {
      await this.checkWatermark(key, landed.get(key) ?? []);
    }
    this.sequences.checkGaps();
    for (const [key, last] of this.epochEnds) {
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

  /** Each key but the first, of those Postgres names and those that have signed, was announced in the log. */
  private checkRotations({ verifierKeys }: LogSnapshot): void {
    const later = [...verifierKeys.slice(1), ...(this.keys?.named ?? [])];
    const unstated = later.find((key) => !this.statedKeys.has(key));
    if (unstated === undefined) return;
    throw new AuditFault('key_unlogged', 'the log is signed with a key whose rotation it does not state', {
      key: unstated,
    });
  }

  /** Every row of every base table stands for a leaf: one that was put there has none. */
  private async checkNothingElse({ charged }: LogSnapshot): Promise<void> {
    for (const reader of this.tables.ofAudit) {
      await this.checkRowCounts(reader, { sink: 'audit', rangesOf: (key) => this.verified(key) });
    }
    for (const reader of this.tables.ofBilling) {
      const rangesOf = (key: string): Ranges => intersect(this.verified(key), charged.get(key) ?? []);
      await this.checkRowCounts(reader, { sink: 'billing', rangesOf });
    }
    await this.checkDeadLetterCount();
  }

  private verified(key: string): Ranges {
    return this.sequences.get(key)?.list() ?? [];
  }

  private async checkRowCounts(
    reader: RowCounter,
    { sink, rangesOf }: { readonly sink: 'audit' | 'billing'; readonly rangesOf: (key: string) => Ranges },
  ): Promise<void> {
    for (const [key, rows] of await reader.countByEpoch()) {
      const matched = this.matched.get(`${reader.table} ${key}`) ?? 0;
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

async function* notesOf(
  checkpoints: AsyncGenerator<{ readonly note: string }, undefined>,
): AsyncGenerator<string, undefined> {
  for await (const { note } of checkpoints) yield note;
  return undefined;
}
