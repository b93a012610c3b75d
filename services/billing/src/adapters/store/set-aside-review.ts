import type { LockSession, Query } from '@weir/store';
import { addSums, bookFacts, noSums, type BookedSums, type BookingParts } from './fact-booker.js';
import { insertClosing } from './ledger.store.js';
import { endSetAside, readOpenAttempts } from './set-aside.store.js';

/** Attempts that are judged again in one transaction. */
const ATTEMPTS_PER_PAGE = 200;
const NO_ATTEMPT = '00000000-0000-0000-0000-000000000000';

export interface Review {
  readonly by: string;
  /** Facts of this time and later belong to no closed hour. */
  readonly until: number;
  readonly stopping: AbortSignal;
}

/** Undoes a look that found everything as it was; nothing has gone wrong. */
class NothingNew extends Error {}

/**
 * Judges again what is set aside, and books, late, what has been cured: its price is there now, or an event that is sound and known as
 * well. A transaction a page: stopped between two, the next review goes on with what is left.
 */
export async function reviewSetAside(session: LockSession, parts: BookingParts, review: Review): Promise<BookedSums> {
  const total = noSums();
  for (let after = NO_ATTEMPT; ;) {
    review.stopping.throwIfAborted();
    const attemptIds = await readOpenAttempts(session.query, after, ATTEMPTS_PER_PAGE);
    const last = attemptIds.at(-1);
    if (last === undefined) return total;
    after = last;
    try {
      addSums(total, await session.transaction((query) => reviewPage(query, parts, { ...review, attemptIds })));
    } catch (error) {
      if (!(error instanceof NothingNew)) throw error;
    }
  }
}

async function reviewPage(
  query: Query,
  parts: BookingParts,
  page: Review & { readonly attemptIds: readonly string[] },
): Promise<BookedSums> {
  const { by, until, attemptIds } = page;
  const facts = await parts.reader.readAttempts(attemptIds, until);
  const closing = await insertClosing(query, { kind: 'set-aside', by, detail: { attempts: attemptIds.length } });
  const { sums, open } = await bookFacts(query, parts, { closing, facts, isLate: true, until });
  // An attempt that the record has lost is not cured by that.
  const judged = [...new Set(facts.map((fact) => fact.attemptId))];
  const ended = await endSetAside(query, closing, { attemptIds: judged, open });
  const { charges, late, corrections, faults, conflicts } = sums;
  if (ended + charges + late + corrections + faults + conflicts === 0) throw new NothingNew();
  return sums;
}
