import type { PriceRecord, RerateAnswer, RerateRequest } from '@weir/contracts';
import type { Query, Rows } from '@weir/store';
import type { ChargeContext, PlannedEntry } from '../../domain/ledger.js';
import { monthOf } from '../../domain/ledger.js';
import { rerateAttempt, type RatedBefore } from '../../domain/rerate-attempt.js';
import { lockLedger } from './closer.js';
import { readLedgerHours } from './ledger-hours.js';
import { insertClosing, insertEntries, readBooked, readClosedMonths, readNow } from './ledger.store.js';
import { LedgerRefusal } from './month-closer.js';

const ENTRIES_PER_PAGE = 1_000;

/** Undoes what a dry run has done; nothing has gone wrong. */
class DryRunEnd extends Error {
  constructor(readonly answer: RerateAnswer) {
    super('a dry run is undone');
  }
}

export interface RerateOptions {
  readonly postgresUrl: string;
  readonly findPrice: (priceVersion: string) => PriceRecord | undefined;
  /** Gives up between two pages; then nothing is rated. */
  readonly stopping: AbortSignal;
}

/**
 * Rates booked attempts at another version: explicit, with a name and a reason, in one transaction. What was booked stays; the differences
 * are entries of their own, in the month of the attempt while it is open and in the running one afterwards. A repetition books nothing.
 *
 * @throws LedgerRefusal where there is no such version; ChargeFaultError where an attempt's tier cannot be told.
 */
export async function rerate(options: RerateOptions, request: RerateRequest): Promise<RerateAnswer> {
  const session = await lockLedger(options.postgresUrl, options.stopping);
  try {
    return await session.transaction(async (query) => {
      const answer = await rerateEntries(query, options, request);
      if (request.dryRun) throw new DryRunEnd(answer);
      return answer;
    });
  } catch (error) {
    if (error instanceof DryRunEnd) return error.answer;
    throw error;
  } finally {
    await session.close();
  }
}

/** {@link rerate} in a transaction of the caller, who holds the ledger's lock. */
export async function rerateEntries(
  query: Query,
  options: Omit<RerateOptions, 'postgresUrl'>,
  request: RerateRequest,
): Promise<RerateAnswer> {
  const price = getPrice(options, request.to);
  const ratedBefore = request.from === null ? { tier: request.tier } : { from: getPrice(options, request.from) };
  const answer = { attempts: 0, entries: 0, unpriced: 0, amountPico: 0n };
  const closing = await insertClosing(query, { kind: 're-rating', by: request.by, detail: request });
  const months = { closed: await readClosedMonths(query), now: monthOf(await readNow(query)) };
  for await (const targets of readTargets(query, request)) {
    options.stopping.throwIfAborted();
    const entries = await planTargets(query, { targets, price, ratedBefore, request, answer });
    const booked = entries.map((entry) => {
      const month = monthOf(entry.chargedAt);
      return { entry, month: months.closed.has(month) ? months.now : month };
    });
    await insertEntries(query, closing, booked);
    answer.entries += entries.length;
    answer.amountPico += entries.reduce((sum, entry) => sum + (entry.entryPico ?? 0n), 0n);
  }
  return { ...answer, amountPico: answer.amountPico.toString() };
}

function getPrice({ findPrice }: Pick<RerateOptions, 'findPrice'>, priceVersion: string): PriceRecord {
  const price = findPrice(priceVersion);
  if (price === undefined) throw new LedgerRefusal(`there is no price version ${priceVersion}`);
  return price;
}

interface Target {
  readonly attemptId: string;
  readonly chargedAt: number;
  readonly context: ChargeContext;
}

async function planTargets(
  query: Query,
  part: {
    targets: readonly Target[];
    price: PriceRecord;
    ratedBefore: RatedBefore;
    request: RerateRequest;
    answer: { attempts: number; unpriced: number };
  },
): Promise<PlannedEntry[]> {
  const { targets, price, ratedBefore, request, answer } = part;
  const booked = await readBooked(
    query,
    targets.map((target) => target.attemptId),
  );
  return targets.flatMap((target) => {
    const lines = booked.get(target.attemptId) ?? [];
    // Earlier revisions may name the version that is to be left, when the attempt has another by now.
    if (!lines.some((line) => isMeant(line, request))) return [];
    const entries = rerateAttempt({ ...target, booked: lines }, price, ratedBefore);
    if (entries === undefined) answer.unpriced += 1;
    else if (entries.length > 0) answer.attempts += 1;
    return entries ?? [];
  });
}

const isMeant = (line: { ratePico: bigint | null; priceVersion: string }, { from }: RerateRequest): boolean =>
  from === null ? line.ratePico === null : line.priceVersion === from;

/** Attempts to rate, each once, hour by hour in pages, each of which begins where the one before it ended. */
async function* readTargets(query: Query, request: RerateRequest): AsyncGenerator<readonly Target[]> {
  const [since, until] = [Date.parse(request.since), Date.parse(request.until)];
  for await (const { from, end } of readLedgerHours(query, since, until)) {
    let [at, entry] = [from, '0'];
    for (;;) {
      const rows = await readPage(query, request, { at, entry, end });
      const last = rows.at(-1);
      if (last === undefined) break;
      yield rows.filter((row) => row['is_first'] === true).map(mapTarget);
      [at, entry] = [(last['charged_at'] as Date).getTime(), last['entry'] as string];
    }
  }
}

/** An attempt is taken where its first entry of those that are meant is; asked of the page alone, or the planner would join the whole ledger. */
function readPage(
  query: Query,
  request: RerateRequest,
  place: { readonly at: number; readonly entry: string; readonly end: number },
): Promise<Rows> {
  const isMeant = (entry: string): string =>
    `CASE WHEN $6::text IS NULL THEN ${entry}.rate_pico IS NULL ELSE ${entry}.price_version = $6 END`;
  return query(
    `SELECT e.*, NOT EXISTS (SELECT FROM ledger_entries b WHERE b.attempt_id = e.attempt_id AND b.charged_at >= $7
         AND (b.charged_at, b.entry) < (e.charged_at, e.entry) AND ${isMeant('b')}) AS is_first
     FROM ledger_entries e
     WHERE (charged_at, entry) > ($1::timestamptz, $2::bigint) AND charged_at < $3 AND provider = $4 AND model = $5 AND ${isMeant('e')}
     ORDER BY charged_at, entry LIMIT ${ENTRIES_PER_PAGE}`,
    [
      new Date(place.at),
      place.entry,
      new Date(place.end),
      request.provider,
      request.model,
      request.from,
      `${request.since}T00:00:00Z`,
    ],
  );
}

const mapTarget = (row: Rows[number]): Target => ({
  attemptId: row['attempt_id'] as string,
  chargedAt: (row['charged_at'] as Date).getTime(),
  context: mapContext(row),
});

function mapContext(row: Rows[number]): ChargeContext {
  const text = (column: string): string => row[column] as string;
  return {
    organisationId: text('organisation_id'),
    teamId: text('team_id'),
    personId: text('person_id'),
    keyId: text('key_id'),
    application: text('application'),
    provider: text('provider'),
    deploymentId: text('deployment_id'),
    model: text('model'),
    upstreamModel: text('upstream_model'),
    region: text('region'),
    simulated: row['simulated'] as boolean,
  };
}
