import type { Query } from '@weir/store';
import type { Warehouse } from '@weir/warehouse';
import { nameOfGap, type EpochEnd, type Gap, type LandedEpoch } from '../../domain/find-gaps.js';

const TABLE = 'security_event_log';
const COLUMNS = ['kind', 'producer_id', 'epoch', 'first', 'last', 'state', 'at'];
/** Epochs that began this long ago are no longer looked at: what is missing at their end was found then. */
const ENDS_WITHIN_DAYS = 30;

/** What audit has landed of each producer's epochs. */
export async function readLandedEpochs(query: Query): Promise<readonly LandedEpoch[]> {
  const rows = await query('SELECT producer_id, epoch, through, above FROM landing_watermarks');
  return rows.map((row) => ({
    producerId: String(row['producer_id']),
    epoch: Number(row['epoch']),
    through: Number(row['through']),
    above: row['above'] as LandedEpoch['above'],
  }));
}

/** Where epochs ended, as the first events of the next ones state. */
export async function readEpochEnds(warehouse: Warehouse): Promise<readonly EpochEnd[]> {
  const rows = await warehouse.query<{ producer_id: string; ended: string; last: string }>(
    `SELECT producer_id, JSONExtractUInt(leaf, 'data', 'previous', 'epoch') AS ended,
       max(JSONExtractUInt(leaf, 'data', 'previous', 'lastSequence')) AS last
     FROM ${warehouse.database}.events
     WHERE type = 'producer.alive' AND sequence = 1 AND time > now() - INTERVAL ${ENDS_WITHIN_DAYS} DAY
     GROUP BY producer_id, ended HAVING ended > 0`,
  );
  return rows.map((row) => ({
    producerId: row.producer_id,
    epoch: Number(row.ended),
    lastSequence: Number(row.last),
  }));
}

/** Gaps that were found and not closed since, by name. */
export async function readOpenGaps(warehouse: Warehouse): Promise<ReadonlyMap<string, Gap>> {
  const rows = await warehouse.query<{
    kind: Gap['kind'];
    producer: string;
    epoch: string;
    first: string;
    last: string;
  }>(
    `SELECT kind, producer, epoch, first, last FROM ${warehouse.database}.security_events
     WHERE closed_at IS NULL AND kind IN ('sequence_gap', 'tail_gap')`,
  );
  const gaps = rows.map(({ kind, producer, epoch, first, last }) => ({
    kind,
    producerId: producer,
    epoch: Number(epoch),
    first: Number(first),
    last: Number(last),
  }));
  return new Map(gaps.map((gap) => [nameOfGap(gap), gap]));
}

/** Writes that gaps were found or closed. The token names what is written, so a repeat after a lost answer writes nothing. */
export async function writeGaps(
  warehouse: Warehouse,
  gaps: readonly Gap[],
  { state, at }: { readonly state: 'found' | 'closed'; readonly at: number },
): Promise<void> {
  for (const gap of gaps) {
    const cells = [gap.kind, gap.producerId, gap.epoch, gap.first, gap.last, state, (at / 1_000).toFixed(3)];
    const lines = `${cells.join('\t')}\n`;
    const token = `security:${state}:${nameOfGap(gap)}:${at}`;
    await warehouse.insertLines({ table: TABLE, columns: COLUMNS, lines, token });
  }
}
