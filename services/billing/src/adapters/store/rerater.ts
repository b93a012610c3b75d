import type { PriceRecord, RerateAnswer, RerateRequest } from '@weir/contracts';
import type { Query, Rows } from '@weir/store';
import type { ChargeContext, PlannedEntry } from '../../domain/ledger.js';
import { monthOf } from '../../domain/ledger.js';
import { rerateAttempt, type RatedBefore } from '../../domain/rerate-attempt.js';
import { lockLedger } from './closer.js';
import { insertClosing, insertEntries, readBooked, readClosedMonths, readNow } from './ledger.store.js';
import { LedgerRefusal } from './month-closer.js';

const ATTEMPTS_PER_PAGE = 500;

/** Undoes what a dry run has done; nothing has gone wrong. */
class DryRunEnd extends Error {}

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
  const price = getPrice(options, request.to);
  const ratedBefore = request.from === null ? { tier: request.tier } : { from: getPrice(options, request.from) };
  const answer = { attempts: 0, entries: 0, unpriced: 0, amountPico: 0n };
  const session = await lockLedger(options.postgresUrl, options.stopping);
  try {
    await session.transaction(async (query) => {
      const closing = await insertClosing(query, { kind: 're-rating', by: request.by, detail: request });
      const months = { closed: await readClosedMonths(query), now: monthOf(await readNow(query)) };
      let after = '00000000-0000-0000-0000-000000000000';
      for (;;) {
        options.stopping.throwIfAborted();
        const targets = await readTargets(query, request, after);
        const last = targets.at(-1);
        if (last === undefined) break;
        after = last.attemptId;
        const entries = await planTargets(query, { targets, price, ratedBefore, request, answer });
        const booked = entries.map((entry) => {
          const month = monthOf(entry.chargedAt);
          return { entry, month: months.closed.has(month) ? months.now : month };
        });
        await insertEntries(query, closing, booked);
        answer.entries += entries.length;
        answer.amountPico += entries.reduce((sum, entry) => sum + (entry.entryPico ?? 0n), 0n);
      }
      if (request.dryRun) throw new DryRunEnd();
    });
  } catch (error) {
    if (!(error instanceof DryRunEnd)) throw error;
  } finally {
    await session.close();
  }
  return { ...answer, amountPico: answer.amountPico.toString() };
}

function getPrice({ findPrice }: RerateOptions, priceVersion: string): PriceRecord {
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

async function readTargets(query: Query, request: RerateRequest, after: string): Promise<Target[]> {
  const rows = await query(
    `SELECT DISTINCT ON (attempt_id) * FROM ledger_entries
     WHERE provider = $1 AND model = $2 AND charged_at >= $3 AND charged_at < $4 AND attempt_id > $5
       AND CASE WHEN $6::text IS NULL THEN rate_pico IS NULL ELSE price_version = $6 END
     ORDER BY attempt_id, entry LIMIT $7`,
    [
      request.provider,
      request.model,
      `${request.since}T00:00:00Z`,
      `${request.until}T00:00:00Z`,
      after,
      request.from,
      ATTEMPTS_PER_PAGE,
    ],
  );
  return rows.map((row) => ({
    attemptId: row['attempt_id'] as string,
    chargedAt: (row['charged_at'] as Date).getTime(),
    context: mapContext(row),
  }));
}

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
