import type { Warehouse } from '@weir/warehouse';
import type { LandingItem } from './landing-event.js';
import type { DeadLetterFacts } from './landing-log.js';
import type { DeadLetter } from './prepare-batch.js';
import { countCell, encodeCell, timeCell, type TextCell } from './sink-table.js';
import { digestOf } from './table-rows.js';

const TABLE = 'dead_letters';
const COLUMNS = [
  'landed_at',
  'sink',
  'reason',
  'detail',
  'stream',
  'stream_created',
  'stream_sequence',
  'line',
  'producer_id',
  'epoch',
  'sequence',
  'digest',
  'bytes',
  'content',
];
/** Bytes of a line that are kept; the digest is over all of it. */
const CONTENT_BYTES_MAX = 64 * 1024;
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

export interface DeadLetterContext {
  readonly sink: string;
  readonly stream: string;
  /** Creation time of the stream, ISO 8601: sequences of another stream of the same name mean nothing. */
  readonly streamCreated: string;
  readonly now: number;
}

/** Lands what could not be landed otherwise, except what a crashed run has landed already. */
export async function writeDeadLetters(
  warehouse: Warehouse,
  letters: readonly DeadLetter[],
  context: DeadLetterContext,
): Promise<void> {
  if (letters.length === 0) return;
  const landed = await findLanded(warehouse, letters, context);
  const waiting = new Map<string, DeadLetter>();
  for (const letter of letters) {
    const key = keyOf(letter);
    // A message that nobody can place may be in a batch twice.
    if (!landed.has(key) && !waiting.has(key)) waiting.set(key, letter);
  }
  if (waiting.size === 0) return;
  const lines = [...waiting.values()]
    .map((letter) => `${cellsOf(letter, context).map(encodeCell).join('\t')}\n`)
    .join('');
  const token = `${context.sink}:${TABLE}:${digestOf(Buffer.from(lines))}`;
  await warehouse.insertLines({ table: TABLE, columns: COLUMNS, lines, token });
}

interface LandedRow {
  readonly stream_sequence: string;
  readonly line: number;
  readonly reason: string;
  readonly detail: string;
  readonly digest: string;
}

/** What makes a letter another one: a stream whose broker has lost its tail gives the same positions once more. */
const keyOf = ({ item, fault }: DeadLetter): string =>
  keyOfRow({
    stream_sequence: String(item.position.streamSequence),
    line: item.position.line,
    ...fault,
    digest: digestOf(bytesOf(item)),
  });

/** Of a refusal the table alone: its words are the server's, and a repeat may get others. */
const keyOfRow = ({ stream_sequence: sequence, line, reason, detail, digest }: LandedRow): string =>
  [sequence, line, reason, digest, reason === 'refused_by_warehouse' ? detail.split(':')[0] : detail].join('|');

const bytesOf = (item: LandingItem): Buffer => (item.kind === 'event' ? item.event.leaf : item.bytes);

async function findLanded(
  warehouse: Warehouse,
  letters: readonly DeadLetter[],
  { sink, stream, streamCreated }: DeadLetterContext,
): Promise<ReadonlySet<string>> {
  const sequences = letters.map((letter) => letter.item.position.streamSequence);
  const rows = await warehouse.query<LandedRow>(
    `SELECT stream_sequence, line, reason, detail, digest FROM ${warehouse.database}.${TABLE}
     WHERE sink = {sink: String} AND stream = {stream: String} AND stream_created = fromUnixTimestamp64Milli({created: Int64})
       AND stream_sequence BETWEEN {first: UInt64} AND {last: UInt64}`,
    { sink, stream, created: Date.parse(streamCreated), first: Math.min(...sequences), last: Math.max(...sequences) },
  );
  return new Set(rows.map(keyOfRow));
}

/** What a dead letter states, for its row and for the log alike. */
export function factsOf(
  { item, fault }: DeadLetter,
  context: Pick<DeadLetterContext, 'stream' | 'streamCreated'>,
): DeadLetterFacts {
  const bytes = bytesOf(item);
  // An identity that no column can hold must not make the dead letter itself undeliverable.
  const origin = item.origin && UUID.test(item.origin.producerId) ? item.origin : null;
  return {
    reason: fault.reason,
    detail: fault.detail,
    stream: context.stream,
    streamCreated: Date.parse(context.streamCreated),
    streamSequence: item.position.streamSequence,
    line: item.position.line,
    origin,
    digest: digestOf(bytes),
    bytes: bytes.length,
    content: bytes.toString('utf8', 0, CONTENT_BYTES_MAX),
  };
}

function cellsOf(letter: DeadLetter, context: DeadLetterContext): TextCell[] {
  const { reason, detail, stream, streamCreated, streamSequence, line, origin, ...rest } = factsOf(letter, context);
  return [
    timeCell(context.now),
    context.sink,
    reason,
    detail,
    stream,
    timeCell(streamCreated),
    streamSequence,
    line,
    origin?.producerId ?? null,
    countCell(origin?.epoch ?? 0),
    countCell(origin?.sequence ?? 0),
    rest.digest,
    rest.bytes,
    rest.content,
  ];
}
