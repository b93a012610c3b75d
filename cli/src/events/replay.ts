import { EventReplayedV1, type EventData } from '@weir/contracts';
import type { Parameter, Warehouse } from '@weir/warehouse';
import { digestOf, judgeLetter, type DeadLetter, type Replayability } from './dead-letters.js';
import { landEvent, producerOfDigest, type LandingAccess } from './land-event.js';

/** What became of one letter. */
export interface ReplayOutcome {
  readonly id: string;
  readonly outcome: 'replayed' | 'would_be_replayed' | 'landed_already' | 'cannot_be_replayed' | 'failed_again';
  readonly detail: string;
}

export interface ReplayAccess extends LandingAccess {
  readonly warehouse: Warehouse;
}

/** Tells what {@link replayLetter} would do, and changes nothing. */
export async function planReplay(warehouse: Warehouse, letter: DeadLetter): Promise<ReplayOutcome> {
  const verdict = judgeLetter(letter);
  if (!verdict.canReplay) return { id: letter.id, outcome: 'cannot_be_replayed', detail: verdict.why };
  const { lacks } = verdict;
  if (await hasRows(warehouse, verdict)) return { id: letter.id, outcome: 'landed_already', detail: lacks };
  return { id: letter.id, outcome: 'would_be_replayed', detail: lacks };
}

/**
 * Lands a dead letter's event again, through the same landing. Its producer is made of what names the letter, so two who replay the same letter
 * publish the same event, and it lands once; a later try, after it has failed again, is the next epoch.
 *
 * @throws where it has not landed in time.
 */
export async function replayLetter(access: ReplayAccess, letter: DeadLetter): Promise<ReplayOutcome> {
  const verdict = judgeLetter(letter);
  const plan = await planReplay(access.warehouse, letter);
  if (!verdict.canReplay || plan.outcome !== 'would_be_replayed') return plan;
  const producerId = producerOfDigest(digestOf(letter));
  const epoch = 1 + (await countFailures(access.warehouse, { sink: letter.sink, producerId }));
  await landEvent(access, { producerId, epoch, definition: EventReplayedV1, data: dataOf(letter, verdict.table) });
  if (await hasRows(access.warehouse, verdict)) return { id: letter.id, outcome: 'replayed', detail: verdict.lacks };
  return { id: letter.id, outcome: 'failed_again', detail: 'it is a dead letter again: see the newest' };
}

function dataOf(letter: DeadLetter, table: string | null): EventData<typeof EventReplayedV1> {
  const { sink, stream, streamCreated, streamSequence, line, reason, content } = letter;
  return { sink, stream, streamCreated, streamSequence, line, reason, table, leaf: content };
}

async function hasRows(
  warehouse: Warehouse,
  { event, lacks }: Extract<Replayability, { canReplay: true }>,
): Promise<boolean> {
  const { producerId, epoch, sequence } = event;
  const parameters: Record<string, Parameter> = { producer: producerId, epoch, sequence, table: lacks };
  const [row] = await warehouse.query<{ rows: string }>(
    `SELECT count() AS rows FROM ${warehouse.database}.{table: Identifier}
     WHERE producer_id = {producer: UUID} AND epoch = {epoch: UInt64} AND sequence = {sequence: UInt64}`,
    parameters,
  );
  return Number(row?.rows) > 0;
}

async function countFailures(
  warehouse: Warehouse,
  { sink, producerId }: { readonly sink: string; readonly producerId: string },
): Promise<number> {
  const [row] = await warehouse.query<{ epochs: string }>(
    `SELECT uniqExact(epoch) AS epochs FROM ${warehouse.database}.dead_letters
     WHERE sink = {sink: String} AND producer_id = {producer: UUID}`,
    { sink, producer: producerId },
  );
  return Number(row?.epochs ?? 0);
}
