import type { LockSession, Migration, Query } from '@weir/store';
import { NOTHING_LANDED, type LandedRanges, type Range } from './landed-ranges.js';
import { producerKey, type Origin } from './landing-event.js';

/** The sink's table of what has landed: part of its schema's list of migrations, under the number given. */
export function landingMigration(number: number): Migration {
  return {
    number,
    name: 'landing-watermarks',
    statements: [
      `CREATE TABLE landing_watermarks (
         producer_id uuid NOT NULL,
         epoch bigint NOT NULL,
         partition integer NOT NULL,
         through bigint NOT NULL,
         above jsonb NOT NULL,
         updated_at timestamptz NOT NULL DEFAULT now(),
         PRIMARY KEY (producer_id, epoch))`,
      `COMMENT ON TABLE landing_watermarks IS
         'Sequences landed per producer and epoch: all up to "through", and the inclusive ranges in "above". What lies between is a gap.'`,
    ],
  };
}

type ProducerEpoch = Pick<Origin, 'producerId' | 'epoch'>;

/** What has landed, as one writer knows it: read once per producer, then kept in memory for as long as the lock is held. */
export class Watermarks {
  private readonly known = new Map<string, LandedRanges>();

  constructor(
    private readonly partition: number,
    private readonly session: Pick<LockSession, 'query' | 'transaction'>,
  ) {}

  /** Undefined for a producer that was not loaded. */
  find(key: string): LandedRanges | undefined {
    return this.known.get(key);
  }

  /** @throws Error for a producer that was not loaded. */
  get(key: string): LandedRanges {
    const landed = this.known.get(key);
    if (!landed) throw new Error(`the watermark of ${key} was not loaded`);
    return landed;
  }

  async load(producers: Iterable<ProducerEpoch>): Promise<void> {
    const unknown = new Map<string, ProducerEpoch>();
    for (const producer of producers) {
      const key = producerKey(producer);
      if (!this.known.has(key)) unknown.set(key, producer);
    }
    const missing = [...unknown.values()];
    if (missing.length === 0) return;
    const rows = await this.session.query(
      `SELECT producer_id, epoch, through, above FROM landing_watermarks
       WHERE (producer_id, epoch) IN (SELECT * FROM unnest($1::uuid[], $2::bigint[]))`,
      [missing.map((producer) => producer.producerId), missing.map((producer) => producer.epoch)],
    );
    const found = new Map<string, LandedRanges>();
    for (const row of rows) {
      const key = `${String(row['producer_id'])}:${String(row['epoch'])}`;
      found.set(key, { through: Number(row['through']), above: row['above'] as Range[] });
    }
    for (const producer of missing) {
      const key = producerKey(producer);
      this.known.set(key, found.get(key) ?? NOTHING_LANDED);
    }
  }

  /** Moves watermarks, and does what belongs to it in the same transaction; in memory only when Postgres has them. */
  async save(
    moved: readonly (ProducerEpoch & { readonly landed: LandedRanges })[],
    together: (query: Query) => Promise<void>,
  ): Promise<void> {
    await this.session.transaction(async (query) => {
      await together(query);
      await query(
        `INSERT INTO landing_watermarks AS w (producer_id, epoch, partition, through, above)
         SELECT producer_id, epoch, $5, through, above
         FROM unnest($1::uuid[], $2::bigint[], $3::bigint[], $4::jsonb[]) AS moved(producer_id, epoch, through, above)
         ON CONFLICT (producer_id, epoch)
         DO UPDATE SET through = excluded.through, above = excluded.above, updated_at = now()`,
        [
          moved.map((producer) => producer.producerId),
          moved.map((producer) => producer.epoch),
          moved.map((producer) => producer.landed.through),
          moved.map((producer) => JSON.stringify(producer.landed.above)),
          this.partition,
        ],
      );
    });
    for (const producer of moved) this.known.set(producerKey(producer), producer.landed);
  }
}
