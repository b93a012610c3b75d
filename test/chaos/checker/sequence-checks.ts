import type { Connection } from '@weir/testing';
import { query } from '../../e2e/record-kit.js';
import { findingOf, type Finding } from './finding.js';
import type { JournalEnd } from './journals.js';

/** Every sequence that is landed, as an event or as a dead letter of the sink that lands them all. */
const LANDED = `SELECT producer_id, epoch, sequence FROM events
  UNION DISTINCT SELECT assumeNotNull(producer_id), epoch, sequence FROM dead_letters WHERE sink = 'audit' AND producer_id IS NOT NULL`;

interface Epoch {
  readonly producer_id: string;
  readonly epoch: string;
  readonly least: string;
  readonly last: string;
  readonly landed: string;
}

interface Statement {
  readonly producer_id: string;
  readonly epoch: string;
  readonly stated: string;
}

/** Producers' sequences with a gap, also at the tail: by what their journals held at `ends`, and by what their later events state. */
export async function findGaps(connection: Connection, ends: readonly JournalEnd[]): Promise<Finding[]> {
  const epochs = await query<Epoch>(
    connection,
    `SELECT producer_id, epoch, min(sequence) AS least, max(sequence) AS last, uniqExact(sequence) AS landed FROM (${LANDED}) GROUP BY ALL`,
  );
  const lasts = new Map(epochs.map((row) => [`${row.producer_id}:${row.epoch}`, Number(row.last)]));
  const gaps = epochs.filter((row) => row.least !== '1' || row.landed !== row.last);
  const journalled = ends.filter(
    ({ producerId, epoch, lastSequence }) => (lasts.get(`${producerId}:${epoch}`) ?? 0) < lastSequence,
  );
  const stated = await query<Statement>(
    connection,
    `SELECT producer_id, toUInt64(JSONExtractUInt(leaf, 'data', 'previous', 'epoch')) AS epoch,
       max(JSONExtractUInt(leaf, 'data', 'previous', 'lastSequence')) AS stated
     FROM events WHERE type = 'producer.alive' GROUP BY ALL HAVING epoch > 0`,
  );
  const cutTails = stated.filter((row) => (lasts.get(`${row.producer_id}:${row.epoch}`) ?? 0) !== Number(row.stated));
  return [
    ...findingOf('sequences: a gap', gaps),
    ...findingOf('sequences: the end of a journal has not landed', journalled),
    ...findingOf('sequences: an epoch ends elsewhere than the next one states', cutTails),
  ];
}
