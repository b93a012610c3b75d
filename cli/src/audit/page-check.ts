import type { PriceRecord } from '@weir/contracts';
import type { Warehouse } from '@weir/warehouse';
import { AuditFault, type FaultCode, type FaultPlace } from './audit-fault.js';
import { noCounts, type AuditCounts } from './audit-report.js';
import { BaseTables } from './base-tables.js';
import { ContentCheck } from './content-check.js';
import type { LeafOrigin } from './leaf-log.js';
import { readLeaves, type LeafRow } from './log-reader.js';
import type { RowCount } from './row-counts.js';
import type { Ranges } from './sequence-ranges.js';

/** What every page of a run is checked against. Plain data: it is handed to other threads. */
export interface PageOptions {
  /** Content is looked at where an event was recorded from here on, and before there; in milliseconds since the epoch. */
  readonly from: number;
  readonly to: number;
  readonly charged: ReadonlyMap<string, Ranges>;
  readonly prices: ReadonlyMap<string, PriceRecord>;
}

/** Leaves of a partition's log from an index up to but not including another. */
export interface PageTask {
  readonly partition: number;
  readonly from: number;
  readonly to: number;
}

/** Leaves that follow each other in the log and in their producer's sequence. */
export interface SequenceRun extends LeafOrigin {
  readonly last: number;
  readonly index: number;
}

/** What a page holds, and its first fault. Plain data. */
export interface PageOutcome {
  /** Its leaf hashes, 32 bytes each, one after the other. */
  readonly hashes: Uint8Array;
  readonly runs: readonly SequenceRun[];
  /** Sequences that dead letters close. */
  readonly dead: readonly LeafOrigin[];
  readonly counts: AuditCounts;
  readonly matched: readonly RowCount[];
  readonly epochEnds: ReadonlyMap<string, number>;
  readonly statedKeys: readonly string[];
  readonly fault: { readonly code: FaultCode; readonly message: string; readonly place: FaultPlace } | undefined;
}

const HASH_BYTES = 32;
const HASH = /^[0-9a-f]{64}$/;

/** Checks one page: its leaves, and what stands behind each. What depends on the pages before is left to who asks. */
export class PageCheck {
  private readonly tables: BaseTables;

  constructor(
    private readonly warehouse: Warehouse,
    private readonly options: PageOptions,
  ) {
    this.tables = new BaseTables(warehouse);
  }

  /** Never throws for a fault of the record: the outcome names it. */
  async check(task: PageTask): Promise<PageOutcome> {
    const content = new ContentCheck(this.tables, { ...this.options, warehouse: this.warehouse });
    let leaves: readonly LeafRow[] = [];
    let fault: AuditFault | undefined;
    try {
      leaves = await readLeaves(this.warehouse, task);
      checkHashes(task.partition, leaves);
      await content.checkPage(
        task.partition,
        leaves.filter((leaf) => this.isAskedFor(leaf)),
      );
    } catch (error) {
      if (!(error instanceof AuditFault)) throw error;
      fault = error;
    }
    return {
      hashes: hashesOf(leaves),
      runs: runsOf(leaves),
      dead: leaves.filter(({ kind, sequence }) => kind === 'dead_letter' && sequence > 0),
      counts: { ...noCounts(), ...content.counts, leaves: leaves.length },
      matched: content.rows.list(),
      epochEnds: content.epochEnds,
      statedKeys: content.statedKeys,
      fault: fault && { code: fault.code, message: fault.message, place: fault.place },
    };
  }

  private isAskedFor({ time }: LeafRow): boolean {
    return time >= this.options.from && time < this.options.to;
  }
}

function checkHashes(partition: number, leaves: readonly LeafRow[]): void {
  const broken = leaves.find(({ hash }) => !HASH.test(hash));
  if (!broken) return;
  throw new AuditFault('leaf_changed', `leaf ${broken.index} is no hash`, {
    table: 'log_leaves',
    column: 'leaf_hash',
    partition,
    index: broken.index,
  });
}

function hashesOf(leaves: readonly LeafRow[]): Uint8Array {
  const hashes = Buffer.alloc(leaves.length * HASH_BYTES);
  leaves.forEach(({ hash }, i) => hashes.write(hash, i * HASH_BYTES, HASH_BYTES, 'hex'));
  return hashes;
}

function runsOf(leaves: readonly LeafRow[]): readonly SequenceRun[] {
  const runs: { -readonly [K in keyof SequenceRun]: SequenceRun[K] }[] = [];
  let open: (typeof runs)[number] | undefined;
  for (const { kind, producerId, epoch, sequence, index } of leaves) {
    if (kind === 'dead_letter') open = undefined;
    else if (open?.last === sequence - 1 && open.producerId === producerId && open.epoch === epoch)
      open.last = sequence;
    else runs.push((open = { producerId, epoch, sequence, last: sequence, index }));
  }
  return runs;
}
