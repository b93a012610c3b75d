import { AuditFault } from './audit-fault.js';
import type { BillingCheckOptions } from './billing-check.js';
import { findLedgerFault, type BookedLine, type RecordedLine } from './ledger-rules.js';
import { settles } from './settles.js';
import type { StackAccess } from './stack-access.js';

const HOUR_MS = 3_600_000;
/** Parameters travel in the URL, which the server bounds. */
const ATTEMPTS_PER_PAGE = 150;
const NO_ATTEMPT = '00000000-0000-0000-0000-000000000000';

/** Attempts without a cost line: nothing was used, so a bound that was booked is taken back. */
const IS_UNUSED = `NOT t.unpriced AND ifNull(t.cost, 1) = 0
  AND t.input_uncached + t.input_cache_read + t.input_cache_write_5m + t.input_cache_write_1h + t.output + t.reasoning = 0`;

/**
 * The ledger against the charges of the record, both ways: what is booked of an attempt is what one of its events was charged, or what another
 * price version makes of that where somebody rated it anew; and every charge of a closed hour is booked or set aside. The charges themselves
 * have been checked against the log before. Page by page, so memory does not grow with the ledger.
 */
export class LedgerCheck {
  constructor(
    private readonly access: StackAccess,
    private readonly options: BillingCheckOptions,
  ) {}

  /** @throws AuditFault */
  async check(): Promise<void> {
    const [ledger] = await this.select(`SELECT to_regclass('billing.set_aside') IS NOT NULL AS exists`);
    if (ledger?.['exists'] !== true) {
      this.options.notes.push('there is no ledger yet');
      return;
    }
    for (let after = NO_ATTEMPT; ;) {
      const rows = await this.select(
        `SELECT DISTINCT attempt_id FROM billing.ledger_entries WHERE attempt_id > $1 ORDER BY attempt_id LIMIT ${ATTEMPTS_PER_PAGE}`,
        [after],
      );
      const attemptIds = rows.map((row) => String(row['attempt_id']));
      const last = attemptIds.at(-1);
      if (last === undefined) break;
      after = last;
      await this.checkAttempts(attemptIds);
      this.options.counts.ledgerAttempts += attemptIds.length;
    }
    await this.checkNothingUnbooked();
  }

  /** What billing is just booking may be there in part: looked at again before it is called a fault. */
  private async checkAttempts(attemptIds: readonly string[]): Promise<void> {
    let fault: { readonly attemptId: string; readonly reason: string } | undefined;
    const isSound = async (): Promise<boolean> => {
      fault = await this.findFault(attemptIds);
      return fault === undefined;
    };
    if (await settles(isSound, this.options.settleMs)) return;
    const { attemptId = '', reason = '' } = fault ?? {};
    throw new AuditFault('ledger_differs', `the ledger's attempt ${attemptId} ${reason}`, {
      table: 'ledger_entries',
      attempt: attemptId,
    });
  }

  private async findFault(
    attemptIds: readonly string[],
  ): Promise<{ readonly attemptId: string; readonly reason: string } | undefined> {
    const [booked, recorded] = [await this.readBooked(attemptIds), await this.readRecorded(attemptIds)];
    for (const attemptId of attemptIds) {
      const reason = findLedgerFault(booked.get(attemptId) ?? [], recorded.get(attemptId) ?? [], this.options.prices);
      if (reason !== undefined) return { attemptId, reason };
    }
    return undefined;
  }

  private async readBooked(attemptIds: readonly string[]): Promise<Map<string, BookedLine[]>> {
    const rows = await this.select(
      `SELECT attempt_id, line, min(bucket) AS bucket, sum(quantity) AS quantity, coalesce(sum(amount_pico), 0) AS amount_pico,
         (array_agg(rate_pico ORDER BY revision DESC))[1] AS rate_pico, (array_agg(price_version ORDER BY revision DESC))[1] AS price_version,
         count(*) AS entries, max(revision) + 1 AS revisions
       FROM billing.ledger_entries WHERE attempt_id = ANY($1) GROUP BY attempt_id, line ORDER BY attempt_id, line`,
      [attemptIds],
    );
    return groupByAttempt(rows, (row) => ({
      line: Number(row['line']),
      bucket: String(row['bucket']),
      quantity: BigInt(String(row['quantity'])),
      amountPico: BigInt(String(row['amount_pico'])),
      ratePico: row['rate_pico'] === null ? null : BigInt(row['rate_pico'] as string),
      priceVersion: String(row['price_version']),
      isWhole: Number(row['entries']) === Number(row['revisions']),
    }));
  }

  private async readRecorded(attemptIds: readonly string[]): Promise<Map<string, RecordedLine[]>> {
    const { warehouse } = this.access;
    const origin = "concat(toString(t.producer_id), ':', toString(t.epoch), ':', toString(t.sequence))";
    const rows = await warehouse.query(
      `SELECT t.attempt_id AS attempt_id, ${origin} AS origin, toInt16(t.line) AS line, toString(t.bucket) AS bucket, t.quantity AS quantity,
         t.cost AS cost, t.price_version AS price_version
       FROM ${warehouse.database}.charges_landed AS t WHERE t.attempt_id IN {attempts: Array(UUID)}
       UNION ALL
       SELECT t.attempt_id, ${origin}, toInt16(-1), '', toUInt64(0), NULL, '' FROM ${warehouse.database}.attempts_landed AS t
       WHERE t.attempt_id IN {attempts: Array(UUID)} AND ${IS_UNUSED}`,
      { attempts: attemptIds },
    );
    return groupByAttempt(rows, (row) => ({
      origin: String(row['origin']),
      line: Number(row['line']),
      bucket: String(row['bucket']),
      quantity: BigInt(String(row['quantity'])),
      costUsd: row['cost'] as string | null,
      priceVersion: String(row['price_version']),
    }));
  }

  /** Charges of hours that are booked to the last fact: each is in the ledger, or set aside. */
  private async checkNothingUnbooked(): Promise<void> {
    for (const hour of await this.readBookedHours()) {
      for (let after = NO_ATTEMPT; ;) {
        const attemptIds = await this.readHour(hour, after);
        const last = attemptIds.at(-1);
        if (last === undefined) break;
        after = last;
        await this.checkBooked(attemptIds);
      }
    }
  }

  private async checkBooked(attemptIds: readonly string[]): Promise<void> {
    const [row] = await this.select(
      `SELECT a.id FROM unnest($1::uuid[]) AS a (id)
       WHERE NOT EXISTS (SELECT FROM billing.ledger_entries e WHERE e.attempt_id = a.id)
         AND NOT EXISTS (SELECT FROM billing.set_aside s WHERE s.attempt_id = a.id
           AND NOT EXISTS (SELECT FROM billing.set_aside_ends e WHERE e.item = s.item)) LIMIT 1`,
      [attemptIds],
    );
    if (row === undefined) return;
    const attempt = String(row['id']);
    // A bound of an attempt that turned out to have used nothing, before anything of it was booked.
    const recorded = (await this.readRecorded([attempt])).get(attempt) ?? [];
    if (recorded.some(({ line }) => line < 0)) return;
    throw new AuditFault('ledger_differs', `attempt ${attempt} was charged in a closed hour and is not in the ledger`, {
      table: 'ledger_entries',
      attempt,
    });
  }

  private async readHour(hour: number, after: string): Promise<string[]> {
    const { warehouse } = this.access;
    const rows = await warehouse.query<{ attempt: string }>(
      `SELECT DISTINCT attempt_id AS attempt FROM ${warehouse.database}.charges_landed
       WHERE charged_at >= fromUnixTimestamp64Milli({from: Int64}, 'UTC') AND charged_at < fromUnixTimestamp64Milli({to: Int64}, 'UTC')
         AND attempt_id > {after: UUID} ORDER BY attempt_id LIMIT 5000`,
      { from: hour, to: hour + HOUR_MS, after },
    );
    return rows.map(({ attempt }) => attempt);
  }

  /** Hours of which every fact is booked: what comes late is booked at the next close. */
  private async readBookedHours(): Promise<number[]> {
    const { warehouse } = this.access;
    const closed = await this.select('SELECT hour, sum(facts) AS facts FROM billing.closed_hours GROUP BY hour');
    const booked = new Map(closed.map((row) => [(row['hour'] as Date).getTime(), Number(row['facts'])]));
    const rows = await warehouse.query<{ hour: string; facts: string }>(
      `SELECT hour, sum(facts) AS facts FROM (
         SELECT toUnixTimestamp(toStartOfHour(charged_at)) AS hour, count() AS facts FROM ${warehouse.database}.charges_landed GROUP BY hour
         UNION ALL
         SELECT toUnixTimestamp(toStartOfHour(t.finished_at)) AS hour, count() AS facts FROM ${warehouse.database}.attempts_landed AS t
         WHERE ${IS_UNUSED} GROUP BY hour)
       GROUP BY hour ORDER BY hour`,
    );
    return rows
      .map((row) => ({ hour: Number(row.hour) * 1_000, facts: Number(row.facts) }))
      .filter(({ hour, facts }) => (booked.get(hour) ?? 0) >= facts)
      .map(({ hour }) => hour);
  }

  private select(
    sql: string,
    parameters: readonly unknown[] = [],
  ): Promise<readonly Readonly<Record<string, unknown>>[]> {
    return this.access.store.query<readonly Readonly<Record<string, unknown>>[]>(sql, [...parameters]);
  }
}

function groupByAttempt<Line>(
  rows: readonly Readonly<Record<string, unknown>>[],
  mapRow: (row: Readonly<Record<string, unknown>>) => Line,
): Map<string, Line[]> {
  const groups = new Map<string, Line[]>();
  for (const row of rows) {
    const attemptId = String(row['attempt_id']);
    const lines = groups.get(attemptId) ?? [];
    lines.push(mapRow(row));
    groups.set(attemptId, lines);
  }
  return groups;
}
