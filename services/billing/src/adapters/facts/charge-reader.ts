import { parseUsd } from '@weir/money';
import type { Warehouse } from '@weir/warehouse';
import { UNUSED_LINE, type ChargeFact } from '../../domain/ledger.js';

/** Facts of one hour: how many cost lines the record has, and attempts without any because nothing was used. */
export interface HourCount {
  /** First millisecond. */
  readonly hour: number;
  readonly facts: number;
}

interface Row {
  readonly at: string;
  readonly attempt_id: string;
  readonly line: number;
  readonly bucket: string;
  readonly quantity: string;
  readonly unit_price: string | null;
  readonly cost: string | null;
  readonly price_version: string;
  readonly usage_source: string;
  readonly origin: string;
  readonly organisation_id: string;
  readonly team_id: string;
  readonly person_id: string;
  readonly key_id: string;
  readonly application: string;
  readonly provider: string;
  readonly deployment_id: string;
  readonly model_served: string;
  readonly upstream_model: string;
  readonly region: string;
  readonly simulated: boolean;
}

/** Lines in a page: an attempt has at most ten, and is never cut by a page's end. */
const PAGE_LINES = 5_000;
/** Parameters travel in the URL, which the server bounds. */
const IDS_PER_QUERY = 200;
export const HOUR_MS = 3_600_000;

/** Facts of the record that money depends on: read from the landed tables themselves, never from a view over them. */
export class ChargeReader {
  constructor(
    private readonly warehouse: Warehouse,
    private readonly pageLines = PAGE_LINES,
  ) {}

  /** Hours with facts that began before `until`, oldest first. */
  async countByHour(until: number): Promise<HourCount[]> {
    const count = (time: string, table: string, condition: string): string =>
      `SELECT toUnixTimestamp(toStartOfHour(${time})) AS hour, count() AS facts FROM ${this.warehouse.database}.${table} AS t
       WHERE ${time} < fromUnixTimestamp64Milli({until: Int64}, 'UTC') AND ${condition} GROUP BY hour`;
    const rows = await this.warehouse.query<{ hour: string; facts: string }>(
      `SELECT hour, sum(facts) AS facts FROM (
         ${count('charged_at', 'charges_landed', 'true')} UNION ALL ${count('finished_at', 'attempts_landed', IS_UNUSED)})
       GROUP BY hour ORDER BY hour`,
      { until },
    );
    return rows.map((row) => ({ hour: Number(row.hour) * 1_000, facts: Number(row.facts) }));
  }

  /**
   * Facts of an hour, in pages of whole attempts. What lands meanwhile may be missing: its hour is then read again.
   *
   * @throws RangeError where a page holds a fact of another hour: counted here, it would hide one of this hour that comes late.
   */
  async *readHour(hour: number): AsyncGenerator<readonly ChargeFact[]> {
    // No attempt has this id: the first page begins with whatever is stamped with the hour's first millisecond.
    let after = { at: hour, attemptId: '00000000-0000-0000-0000-000000000000' };
    for (;;) {
      const rows = await this.readPage(after, hour + HOUR_MS);
      const stranger = rows.find(({ chargedAt }) => chargedAt < hour || chargedAt >= hour + HOUR_MS);
      if (stranger !== undefined)
        throw new RangeError(`attempt ${stranger.attemptId} is not of the hour ${new Date(hour).toISOString()}`);
      const isLast = rows.length < this.pageLines;
      const whole = isLast ? rows : dropLastAttempt(rows);
      if (whole.length > 0) yield whole;
      const last = whole.at(-1);
      if (isLast) return;
      if (last === undefined)
        throw new RangeError(`an attempt of ${new Date(hour).toISOString()} has over ${rows.length} lines`);
      after = { at: last.chargedAt, attemptId: last.attemptId };
    }
  }

  /** Why attempts are in the record and not in the ledger, by id; those the record does not know are left out. */
  async explainUncharged(attemptIds: readonly string[]): Promise<Map<string, string>> {
    const reasons = new Map<string, string>();
    for (let start = 0; start < attemptIds.length; start += IDS_PER_QUERY) {
      const rows = await this.warehouse.query<{ attempt_id: string; outcome: string; isCharged: boolean }>(
        `SELECT attempt_id, outcome, ifNull(cost, 1) != 0 AS isCharged FROM ${this.warehouse.database}.attempts_landed
         WHERE attempt_id IN {attempts: Array(UUID)}`,
        { attempts: attemptIds.slice(start, start + IDS_PER_QUERY) },
      );
      for (const { attempt_id, outcome, isCharged } of rows) {
        const nothing = `our record has it as ${outcome}, with nothing used`;
        reasons.set(
          attempt_id,
          isCharged ? 'it was recorded after its hour was closed: run weir billing close' : nothing,
        );
      }
    }
    return reasons;
  }

  /** Every fact of some attempts that ended before `until`. */
  async readAttempts(attemptIds: readonly string[], until: number): Promise<ChargeFact[]> {
    return this.readNamed(attemptIds, until, (condition) => this.facts(condition, ''));
  }

  /** The facts of some attempts that say that nothing was used. */
  async readUnused(attemptIds: readonly string[], until: number): Promise<ChargeFact[]> {
    return this.readNamed(attemptIds, until, (condition) => unusedFacts(this.warehouse.database, condition));
  }

  private async readNamed(
    attemptIds: readonly string[],
    until: number,
    sqlOf: (condition: (time: string) => string) => string,
  ): Promise<ChargeFact[]> {
    const facts: ChargeFact[] = [];
    const sql = sqlOf(
      (time) => `attempt_id IN {attempts: Array(UUID)} AND ${time} < fromUnixTimestamp64Milli({until: Int64}, 'UTC')`,
    );
    for (let start = 0; start < attemptIds.length; start += IDS_PER_QUERY) {
      const attempts = attemptIds.slice(start, start + IDS_PER_QUERY);
      facts.push(...(await this.warehouse.query<Row>(sql, { attempts, until })).map(mapRowToFact));
    }
    return facts;
  }

  private async readPage(after: { at: number; attemptId: string }, until: number): Promise<ChargeFact[]> {
    const sql = this.facts(
      (time) =>
        `${time} >= fromUnixTimestamp64Milli({at: Int64}, 'UTC') AND ${time} < fromUnixTimestamp64Milli({until: Int64}, 'UTC')
         AND (${time} > fromUnixTimestamp64Milli({at: Int64}, 'UTC') OR attempt_id > {attempt: UUID})`,
      'LIMIT {lines: UInt32}',
    );
    const parameters = { at: after.at, until, attempt: after.attemptId, lines: this.pageLines };
    return (await this.warehouse.query<Row>(sql, parameters)).map(mapRowToFact);
  }

  /** Cost lines, and attempts that used nothing, in order; `limit` bounds either and both together. */
  private facts(condition: (time: string) => string, limit: string): string {
    const { database } = this.warehouse;
    return `SELECT * FROM (
      (${chargedFacts(database, condition)} ORDER BY charged_at, attempt_id, line ${limit})
      UNION ALL
      (${unusedFacts(database, condition)} ORDER BY finished_at, attempt_id ${limit})
    ) ORDER BY at, attempt_id, line ${limit}`;
  }
}

/** An attempt (`t`) without a cost line: nothing can have been used, or what was counted is nothing. */
const IS_UNUSED = `NOT t.unpriced AND ifNull(t.cost, 1) = 0
  AND t.input_uncached + t.input_cache_read + t.input_cache_write_5m + t.input_cache_write_1h + t.output + t.reasoning = 0`;

const SHARED_COLUMNS = `concat(toString(producer_id), ':', toString(epoch), ':', toString(sequence)) AS origin,
  organisation_id, team_id, person_id, key_id, application, provider, deployment_id, model_served, upstream_model, region, simulated`;

const chargedFacts = (database: string, condition: (time: string) => string): string => `
  SELECT toUnixTimestamp64Milli(charged_at) AS at, attempt_id, toInt16(line) AS line, toString(bucket) AS bucket, quantity, unit_price,
    cost, price_version, usage_source, ${SHARED_COLUMNS}
  FROM ${database}.charges_landed WHERE ${condition('charged_at')}`;

const unusedFacts = (database: string, condition: (time: string) => string): string => `
  SELECT toUnixTimestamp64Milli(finished_at) AS at, attempt_id, toInt16(${UNUSED_LINE}) AS line, '' AS bucket, toUInt64(0) AS quantity,
    NULL AS unit_price, NULL AS cost, '' AS price_version, usage_source, ${SHARED_COLUMNS}
  FROM ${database}.attempts_landed AS t WHERE ${IS_UNUSED} AND ${condition('finished_at')}`;

/** An attempt whose lines may go on in the next page is read there. A page holds more lines than an attempt has. */
function dropLastAttempt(facts: readonly ChargeFact[]): ChargeFact[] {
  const last = facts.at(-1);
  return facts.filter((fact) => fact.attemptId !== last?.attemptId || fact.chargedAt !== last.chargedAt);
}

function mapRowToFact(row: Row): ChargeFact {
  return {
    attemptId: row.attempt_id,
    line: row.line,
    bucket: row.bucket,
    quantity: BigInt(row.quantity),
    ratePico: row.unit_price === null ? null : parseUsd(row.unit_price),
    costPico: row.cost === null ? null : parseUsd(row.cost),
    priceVersion: row.price_version,
    usageSource: row.usage_source,
    chargedAt: Number(row.at),
    origin: row.origin,
    context: {
      organisationId: row.organisation_id,
      teamId: row.team_id,
      personId: row.person_id,
      keyId: row.key_id,
      application: row.application,
      provider: row.provider,
      deploymentId: row.deployment_id,
      model: row.model_served,
      upstreamModel: row.upstream_model,
      region: row.region,
      simulated: row.simulated,
    },
  };
}
