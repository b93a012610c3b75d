import type { LockSession, Query } from '@weir/store';
import { DeposedError, type Fence } from './fence.js';
import type { Range } from './landed-ranges.js';
import type { Run } from './landing-event.js';

/** One insert of a batch. The token holds the digest of the rows: the same token never stands for others. */
export interface IntendedInsert {
  readonly table: string;
  readonly token: string;
}

/** What a batch is about to insert. */
export interface Intent {
  /** Creation time of the stream, ISO 8601: positions of another stream of the same name mean nothing. */
  readonly streamCreated: string;
  /** Positions of its messages in the order of the batch, which is that of the rows. */
  readonly positions: readonly Range[];
  /** Events it holds. */
  readonly runs: readonly Run[];
  readonly inserts: readonly IntendedInsert[];
}

export interface RecordedIntent extends Intent {
  /** Milliseconds since the epoch, by Postgres's clock. */
  readonly recordedAt: number;
}

interface IntentsOptions {
  readonly session: LockSession;
  readonly schema: string;
  readonly partition: number;
  readonly fence: Fence;
}

/** The last batch of a partition, as Postgres knows it. Every change is made under the fence. */
export class Intents {
  constructor(private readonly options: IntentsOptions) {}

  /** The batch that an earlier writer was about to insert, and may have. */
  async findOpen(): Promise<RecordedIntent | undefined> {
    const { session, schema, partition } = this.options;
    const [row] = await session.query(
      `SELECT stream_created, positions, runs, inserts, extract(epoch FROM recorded_at) * 1000 AS recorded_at
       FROM ${schema}.landing_intents WHERE partition = $1 AND done_at IS NULL`,
      [partition],
    );
    if (!row) return undefined;
    return {
      streamCreated: String(row['stream_created']),
      positions: row['positions'] as Range[],
      runs: row['runs'] as Run[],
      inserts: row['inserts'] as IntendedInsert[],
      recordedAt: Math.floor(Number(row['recorded_at'])),
    };
  }

  /**
   * Records a batch before its first insert; the same one again changes nothing. Returns when it was recorded first, in milliseconds.
   *
   * @throws DeposedError where another is the writer, or a batch of other rows is under way.
   */
  async record(intent: Intent): Promise<number> {
    const { session, schema, partition, fence } = this.options;
    const [row] = await session.query(
      `WITH fence AS (SELECT 1 FROM ${schema}.landing_fences WHERE partition = $1 AND epoch = $2 FOR UPDATE)
       INSERT INTO ${schema}.landing_intents AS i (partition, epoch, stream_created, positions, runs, inserts, recorded_at)
       SELECT $1, $2, $3, $4::jsonb, $5::jsonb, $6::jsonb, now() FROM fence
       ON CONFLICT (partition) DO UPDATE SET
         epoch = excluded.epoch, stream_created = excluded.stream_created, positions = excluded.positions, runs = excluded.runs,
         inserts = excluded.inserts, done_at = NULL,
         recorded_at = CASE WHEN i.done_at IS NULL THEN i.recorded_at ELSE excluded.recorded_at END
       WHERE i.done_at IS NOT NULL OR i.inserts = excluded.inserts
       RETURNING extract(epoch FROM recorded_at) * 1000 AS recorded_at`,
      [
        partition,
        fence.epoch,
        intent.streamCreated,
        JSON.stringify(intent.positions),
        JSON.stringify(intent.runs),
        JSON.stringify(intent.inserts),
      ],
    );
    if (!row) throw new DeposedError('another writer has recorded a batch');
    return Math.floor(Number(row['recorded_at']));
  }

  /** Marks the batch as landed; in the transaction that moves the watermarks. */
  async finish(query: Query): Promise<void> {
    const { schema, partition, fence } = this.options;
    await fence.hold(query);
    await query(`UPDATE ${schema}.landing_intents SET done_at = now() WHERE partition = $1 AND done_at IS NULL`, [
      partition,
    ]);
  }

  /** Runs of events that may stand in the warehouse though no watermark says so. */
  async doubts(): Promise<readonly Run[]> {
    const { session, schema, partition } = this.options;
    const [row] = await session.query(`SELECT doubts FROM ${schema}.landing_fences WHERE partition = $1`, [partition]);
    return (row?.['doubts'] ?? []) as Run[];
  }

  /** Gives the open batch up, since its messages are gone, and keeps in mind which events it held. */
  async giveUp(doubts: readonly Run[]): Promise<void> {
    const { session, schema, partition } = this.options;
    await session.transaction(async (query) => {
      await this.finish(query);
      await query(`UPDATE ${schema}.landing_fences SET doubts = $2::jsonb WHERE partition = $1`, [
        partition,
        JSON.stringify(doubts),
      ]);
    });
  }
}

/** Positions in their order, as few ranges as there are ascending runs. */
export function positionRanges(positions: readonly number[]): readonly Range[] {
  const ranges: [number, number][] = [];
  for (const position of positions) {
    const open = ranges.at(-1);
    if (open && position === open[1] + 1) open[1] = position;
    else ranges.push([position, position]);
  }
  return ranges;
}

export const positionsOf = (ranges: readonly Range[]): readonly number[] =>
  ranges.flatMap(([first, last]) => Array.from({ length: last - first + 1 }, (_, index) => first + index));
