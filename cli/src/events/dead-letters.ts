import { createHash } from 'node:crypto';
import {
  AttemptFinishedV1,
  CallDeniedV1,
  CallFinishedV1,
  EventEnvelope,
  EventReplayedV1,
  findEventDefinition,
  type Sink,
} from '@weir/contracts';
import type { Warehouse } from '@weir/warehouse';

/** What could not be landed as it should have been. */
export interface DeadLetter {
  /** Twelve hex digits that name it: {@link digestOf}'s first. */
  readonly id: string;
  readonly sink: Sink;
  readonly reason: string;
  readonly detail: string;
  /** ISO 8601. */
  readonly landedAt: string;
  readonly stream: string;
  readonly streamCreated: number;
  readonly streamSequence: number;
  readonly line: number;
  readonly producerId: string | null;
  readonly epoch: number;
  readonly sequence: number;
  readonly bytes: number;
  readonly digest: string;
  readonly content: string;
}

export interface LetterFilter {
  readonly sink: string | undefined;
  readonly reason: string | undefined;
  /** By when it landed, in milliseconds since the epoch: from the one on, and before the other. */
  readonly from: number | undefined;
  readonly to: number | undefined;
}

/** Letters held in memory at once. */
const LETTERS_MAX = 10_000;

/** Dead letters, oldest first, at most 10,000. */
export async function readDeadLetters(warehouse: Warehouse, filter: LetterFilter): Promise<readonly DeadLetter[]> {
  const rows = await warehouse.query<Record<string, string | number | null>>(
    `SELECT sink, reason, detail, toUnixTimestamp64Milli(landed_at) AS landed, stream, toUnixTimestamp64Milli(stream_created) AS created,
       stream_sequence, line, producer_id, epoch, sequence, bytes, digest, content
     FROM ${warehouse.database}.dead_letters
     WHERE ({sink: String} = '' OR sink = {sink: String}) AND ({reason: String} = '' OR reason = {reason: String})
       AND landed_at >= fromUnixTimestamp64Milli({from: Int64}) AND landed_at < fromUnixTimestamp64Milli({to: Int64})
     ORDER BY landed_at, stream, stream_sequence, line, sink, reason LIMIT ${LETTERS_MAX}`,
    {
      sink: filter.sink ?? '',
      reason: filter.reason ?? '',
      from: filter.from ?? 0,
      to: filter.to ?? Date.UTC(2200, 0, 1),
    },
  );
  return rows.map(mapRowToLetter);
}

function mapRowToLetter(row: Record<string, string | number | null>): DeadLetter {
  const producer = row['producer_id'];
  const letter = {
    sink: String(row['sink']) as Sink,
    reason: String(row['reason']),
    detail: String(row['detail']),
    landedAt: new Date(Number(row['landed'])).toISOString(),
    stream: String(row['stream']),
    streamCreated: Number(row['created']),
    streamSequence: Number(row['stream_sequence']),
    line: Number(row['line']),
    producerId: producer === null || producer === undefined ? null : String(producer),
    epoch: Number(row['epoch']),
    sequence: Number(row['sequence']),
    bytes: Number(row['bytes']),
    digest: String(row['digest']),
    content: String(row['content']),
  };
  return { id: digestOf(letter).slice(0, 12), ...letter };
}

/**
 * Of a letter's place, reason and content: two tables may refuse one event, and a stream that was lost gives its places once more. Of a refusal
 * the table counts and not the server's words, which another version may choose differently.
 */
export function digestOf(letter: Omit<DeadLetter, 'id'>): string {
  const { sink, stream, streamCreated, streamSequence, line, reason, detail, digest } = letter;
  return createHash('sha256')
    .update([sink, stream, streamCreated, streamSequence, line, reason, refusedBy(letter) ?? detail, digest].join('|'))
    .digest('hex');
}

/** The table that has refused a row of the event; null where something else was wrong with it. */
const refusedBy = ({ reason, detail }: Pick<DeadLetter, 'reason' | 'detail'>): string | null =>
  reason === 'refused_by_warehouse' ? (detail.split(':')[0] ?? '') : null;

/** Whether a letter is of a replay that failed: what it was to land is the letter inside. */
export const isOfReplay = ({ content }: DeadLetter): boolean =>
  EventEnvelope.safeParse(findJson(content)).data?.type === EventReplayedV1.type;

/** Whether a letter can be landed again, into which tables; or why not. */
export type Replayability =
  | { readonly canReplay: true; readonly event: EventEnvelope; readonly table: string | null; readonly lacks: string }
  | { readonly canReplay: false; readonly why: string };

/** The table that an event of a type has rows in, beside `events`. */
const TABLE_OF: Readonly<Record<Sink, Readonly<Record<string, string>>>> = {
  audit: { [CallFinishedV1.type]: 'calls_landed', [CallDeniedV1.type]: 'calls_landed' },
  billing: { [AttemptFinishedV1.type]: 'attempts_landed' },
};

/** What the present software could make of a letter. */
export function judgeLetter(letter: DeadLetter): Replayability {
  if (Buffer.byteLength(letter.content) < letter.bytes) return refuse('only its beginning was kept');
  if (createHash('sha256').update(letter.content).digest('hex') !== letter.digest)
    return refuse('its text is not its own');
  const read = readEvent(letter.content);
  if (typeof read === 'string') return refuse(read);
  const table = refusedBy(letter);
  const lacks = table ?? TABLE_OF[letter.sink][read.type];
  if (lacks === undefined) return refuse(`no table of ${letter.sink} takes rows of ${read.type}`);
  return { canReplay: true, event: read, table, lacks };
}

/** The event of a text that this version can read; else why it cannot. */
function readEvent(text: string): EventEnvelope | string {
  const event = EventEnvelope.safeParse(findJson(text));
  if (!event.success) return 'it is no event';
  const { type, version, data } = event.data;
  if (type === EventReplayedV1.type) return 'it was a replay itself: replay the letter inside';
  const definition = findEventDefinition(type, version);
  if (!definition) return `${type} version ${version} is unknown to this version of Weir`;
  const parsed = definition.data.safeParse(data);
  return parsed.success ? event.data : `its data is not what ${type} demands: ${parsed.error.issues[0]?.message ?? ''}`;
}

const refuse = (why: string): Replayability => ({ canReplay: false, why });

function findJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    // That it is none is the answer.
    return undefined;
  }
}
