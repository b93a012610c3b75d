import { canonicalJson } from '@weir/translog';
import type { Parameter, Warehouse } from '@weir/warehouse';
import { hexHash, type LeafOrigin } from './leaf-log.js';
import { spansOf, unescapeCell } from './table-reader.js';

const NOBODY = '00000000-0000-0000-0000-000000000000';

/**
 * Hashes of the leaves that audit's dead letters of these events state: in RFC 8785's form every column but `sink` and `landed_at`, which
 * are the sink's own. So a changed cell gives another hash, and the row's leaf is found missing.
 */
export async function readDeadLetterHashes(
  warehouse: Warehouse,
  origins: readonly LeafOrigin[],
): Promise<ReadonlyMap<string, { readonly reason: string; readonly leaf: string }>> {
  const parameters: Record<string, Parameter> = {};
  const conditions = spansOf(origins).map((span, i) => {
    Object.assign(parameters, {
      [`p${i}`]: span.producerId,
      [`e${i}`]: span.epoch,
      [`a${i}`]: span.first,
      [`b${i}`]: span.last,
    });
    return `(ifNull(producer_id, toUUID('${NOBODY}')) = {p${i}: UUID} AND epoch = {e${i}: UInt64} AND sequence BETWEEN {a${i}: UInt64} AND {b${i}: UInt64})`;
  });
  if (conditions.length === 0) return new Map();
  const text = await warehouse.queryText(
    `SELECT reason, detail, stream, toUnixTimestamp64Milli(stream_created), stream_sequence, line, producer_id, epoch, sequence, digest, bytes, content
     FROM ${warehouse.database}.dead_letters WHERE sink = 'audit' AND (${conditions.join(' OR ')})`,
    parameters,
  );
  const letters = text.split('\n').filter((line) => line !== '');
  return new Map(
    letters.map((line) => {
      const cells = line.split('\t').map((cell) => (cell === '\\N' ? null : unescapeCell(cell)));
      const leaf = leafOfCells(cells);
      return [hexHash(leaf), { reason: cells[0] ?? '', leaf }];
    }),
  );
}

/** As services/audit forms it when the letter lands. */
export function leafOfCells(cells: readonly (string | null)[]): string {
  const [reason, detail, stream, created, streamSequence, line, producerId, epoch, sequence, digest, bytes, content] =
    cells;
  return canonicalJson({
    bytes: Number(bytes),
    content,
    detail,
    digest,
    epoch: Number(epoch),
    line: Number(line),
    producerId,
    reason,
    sequence: Number(sequence),
    stream,
    streamCreated: Number(created),
    streamSequence: Number(streamSequence),
  });
}

/** Number of audit's dead letters that the log states: those the warehouse refused are known only after their leaf. */
export async function countLoggedDeadLetters(warehouse: Warehouse): Promise<number> {
  const [row] = await warehouse.query<{ letters: string }>(
    `SELECT count() AS letters FROM ${warehouse.database}.dead_letters WHERE sink = 'audit' AND reason != 'refused_by_warehouse'`,
  );
  return Number(row?.letters ?? 0);
}

/** Whether this event could not be landed, and its exact text was kept as a dead letter instead. */
export async function isRefused(
  warehouse: Warehouse,
  { producerId, epoch, sequence }: LeafOrigin,
  hash: string,
): Promise<boolean> {
  const text = await warehouse.queryText(
    `SELECT content FROM ${warehouse.database}.dead_letters WHERE sink = 'audit'
       AND producer_id = {producer: UUID} AND epoch = {epoch: UInt64} AND sequence = {sequence: UInt64}`,
    { producer: producerId, epoch, sequence },
  );
  return text.split('\n').some((line) => line !== '' && hexHash(unescapeCell(line)) === hash);
}
