import type { OpenSum, SetAsideAnswer, SetAsideKind, SetAsideLine, SetAsideRequest } from '@weir/contracts';
import type { Query, Rows } from '@weir/store';
import type { SetAside } from '../../domain/judge-attempt.js';
import type { BookedLine } from '../../domain/ledger.js';

/** Statements on what is set aside; each runs in the transaction of the `query` it is given. */

/** Something to set aside, beside what the ledger holds of its attempt. */
export interface OpenItem extends SetAside {
  readonly booked: readonly BookedLine[];
  readonly month: string;
}

const IS_OPEN = `NOT EXISTS (SELECT FROM set_aside_ends e WHERE e.item = s.item)`;
/** A month that was closed all the same accepts what was open in it. */
const IS_UNACCEPTED = `NOT EXISTS (SELECT FROM closed_months m WHERE m.month = s.month)`;
const HOUR_MS = 3_600_000;
const ROWS_PER_STATEMENT = 1_000;

/** Sets aside what is not yet; gives how many attempts of each kind are new. */
export async function insertSetAside(
  query: Query,
  closing: string,
  items: readonly OpenItem[],
): Promise<Readonly<Record<SetAsideKind, number>>> {
  const rows = items.flatMap(mapItemToRows);
  const added: Record<SetAsideKind, Set<string>> = { fault: new Set(), conflict: new Set() };
  for (let start = 0; start < rows.length; start += ROWS_PER_STATEMENT) {
    const inserted = await query(
      `INSERT INTO set_aside (closing, kind, reason, attempt_id, origin, line, bucket, quantity, recorded_pico, booked_pico, price_version,
         usage_source, provider, model, hour, month)
       SELECT $1::bigint, r.* FROM jsonb_to_recordset($2::jsonb) AS r (kind text, reason text, attempt_id uuid, origin text, line smallint,
         bucket text, quantity numeric, recorded_pico numeric, booked_pico numeric, price_version text, usage_source text, provider text,
         model text, hour timestamptz, month text)
       WHERE NOT EXISTS (SELECT FROM set_aside s WHERE s.attempt_id = r.attempt_id AND s.origin = r.origin AND s.line = r.line
         AND s.kind = r.kind AND ${IS_OPEN})
       RETURNING kind, attempt_id`,
      [closing, JSON.stringify(rows.slice(start, start + ROWS_PER_STATEMENT))],
    );
    for (const row of inserted) added[row['kind'] as SetAsideKind].add(row['attempt_id'] as string);
  }
  return { fault: added.fault.size, conflict: added.conflict.size };
}

function mapItemToRows({ kind, reason, facts, booked, month }: OpenItem): object[] {
  const held = new Map(booked.map((line) => [line.line, line.amountPico]));
  return facts.map((fact) => ({
    kind,
    reason,
    attempt_id: fact.attemptId,
    origin: fact.origin,
    line: fact.line,
    bucket: fact.bucket,
    quantity: fact.quantity.toString(),
    recorded_pico: fact.costPico?.toString() ?? null,
    booked_pico: held.get(fact.line)?.toString() ?? null,
    price_version: fact.priceVersion,
    usage_source: fact.usageSource,
    provider: fact.context.provider,
    model: fact.context.model,
    hour: new Date(Math.floor(fact.chargedAt / HOUR_MS) * HOUR_MS).toISOString(),
    month,
  }));
}

/** Attempts with something open, in the order of their ids, after one of them. */
export async function readOpenAttempts(query: Query, after: string, limit: number): Promise<string[]> {
  const rows = await query(
    `SELECT DISTINCT attempt_id FROM set_aside s WHERE attempt_id > $1 AND ${IS_OPEN} ORDER BY attempt_id LIMIT $2`,
    [after, limit],
  );
  return rows.map((row) => row['attempt_id'] as string);
}

/** Of attempts that were judged again: ends what is not set aside any more. Gives how many lines. */
export async function endSetAside(
  query: Query,
  closing: string,
  judged: { readonly attemptIds: readonly string[]; readonly open: readonly SetAside[] },
): Promise<number> {
  const open = judged.open.flatMap(({ kind, facts }) =>
    facts.map(({ attemptId, origin }) => `${kind} ${attemptId} ${origin}`),
  );
  const ended = await query(
    `INSERT INTO set_aside_ends (item, closing)
     SELECT item, $1 FROM set_aside s WHERE attempt_id = ANY($2) AND ${IS_OPEN}
       AND concat_ws(' ', kind, attempt_id, origin) != ALL($3) RETURNING item`,
    [closing, judged.attemptIds, open],
  );
  return ended.length;
}

/** What is set aside together, of one month or of all that are open. */
export async function sumOpen(query: Query, month?: string): Promise<OpenSum> {
  const [row] = await query(
    `SELECT count(DISTINCT attempt_id) FILTER (WHERE kind = 'fault') AS faults,
       count(DISTINCT attempt_id) FILTER (WHERE kind = 'conflict') AS conflicts, coalesce(sum(recorded_pico), 0) AS amount_pico
     FROM set_aside s WHERE ${IS_OPEN} AND CASE WHEN $1::text IS NULL THEN ${IS_UNACCEPTED} ELSE month = $1 END`,
    [month ?? null],
  );
  return {
    faults: Number(row?.['faults']),
    conflicts: Number(row?.['conflicts']),
    amountPico: row?.['amount_pico'] as string,
  };
}

const LINES_PER_PAGE = 1_000;

/** A page of what is set aside, in the order it was found. */
export async function readSetAside(query: Query, { month, after }: SetAsideRequest): Promise<SetAsideAnswer> {
  const rows = await query(
    `SELECT * FROM set_aside s WHERE item > $1 AND ${IS_OPEN} AND ($2::text IS NULL OR month = $2) ORDER BY item LIMIT $3`,
    [after, month ?? null, LINES_PER_PAGE],
  );
  const last = rows.at(-1);
  return {
    rows: rows.map(mapRow),
    next: rows.length < LINES_PER_PAGE || last === undefined ? null : Number(last['item']),
  };
}

function mapRow(row: Rows[number]): SetAsideLine {
  const text = (column: string): string => row[column] as string;
  return {
    item: text('item'),
    kind: row['kind'] as SetAsideKind,
    reason: text('reason'),
    attemptId: text('attempt_id'),
    origin: text('origin'),
    line: Number(row['line']),
    bucket: text('bucket'),
    quantity: text('quantity'),
    recordedPico: row['recorded_pico'] as string | null,
    bookedPico: row['booked_pico'] as string | null,
    provider: text('provider'),
    model: text('model'),
    hour: (row['hour'] as Date).toISOString(),
    month: text('month'),
    firstSeen: (row['first_seen'] as Date).toISOString(),
  };
}
