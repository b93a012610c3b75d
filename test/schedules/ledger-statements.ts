import type { KnownStatement, Row } from './simulated-postgres.js';

const ENTRIES = 'billing.ledger_entries';
const HOURS = 'billing.closed_hours';
const HOUR_MS = 3_600_000;

/** Two entries of one revision of one line. */
class UniqueViolationError extends Error {
  override readonly name = 'UniqueViolationError';
}

const keyOf = (row: Row): string => `${String(row['attempt_id'])}:${String(row['line'])}:${String(row['revision'])}`;

/** The columns of a line over all its revisions, as the ledger tells them. */
function sumUp(entries: readonly Row[]): Row[] {
  const lines = new Map<string, Row>();
  for (const entry of [...entries].sort((a, b) => Number(a['revision']) - Number(b['revision']))) {
    const name = `${String(entry['attempt_id'])}:${String(entry['line'])}`;
    const before = lines.get(name);
    const sum = (column: string): string =>
      String(BigInt((before?.[column] ?? 0) as string) + BigInt((entry[column] ?? 0) as string));
    lines.set(name, { ...entry, quantity: sum('quantity'), amount_pico: sum('amount_pico') });
  }
  return [...lines.values()];
}

/** What a closer sends. */
export const LEDGER_STATEMENTS: readonly KnownStatement[] = [
  { words: ['SELECT now() AS now'], run: ({ now }) => [{ now: new Date(now) }] },
  {
    words: [`SELECT max(hour) + interval '1 hour' AS until FROM closed_hours`],
    run: ({ database }) => {
      const hours = [...database.table(HOURS).values()].map((row) => Number(row['hour']));
      return [{ until: hours.length === 0 ? null : new Date(Math.max(...hours) + HOUR_MS) }];
    },
  },
  {
    words: ['SELECT hour, sum(facts) AS facts FROM closed_hours GROUP BY hour'],
    run: ({ database }) => {
      const facts = new Map<number, number>();
      for (const row of database.table(HOURS).values())
        facts.set(Number(row['hour']), (facts.get(Number(row['hour'])) ?? 0) + Number(row['facts']));
      return [...facts].map(([hour, sum]) => ({ hour: new Date(hour), facts: String(sum) }));
    },
  },
  {
    words: ['INSERT INTO closings'],
    run: ({ database }) => {
      // A sequence gives each number once, also where its transaction is rolled back.
      const closings = database.table('billing.closings');
      closings.set(String(closings.size + 1), {});
      return [{ closing: String(closings.size) }];
    },
  },
  {
    words: ['INSERT INTO closed_hours (hour, closing, facts)'],
    run: ({ database, parameters: [hour, closing, facts], commit }) => {
      const row = { hour: (hour as Date).getTime(), closing, facts };
      commit(() => void database.table(HOURS).set(`${row.hour}:${String(closing)}`, row));
      return [];
    },
  },
  { words: ['SELECT month FROM closed_months'], run: () => [] },
  {
    words: ['SELECT DISTINCT ON (attempt_id, line)', 'ORDER BY attempt_id, line, revision DESC'],
    run: ({ database, parameters }) => {
      const [ids] = parameters as [string[]];
      const wanted = new Set(ids);
      return sumUp([...database.table(ENTRIES).values()].filter((row) => wanted.has(row['attempt_id'] as string)));
    },
  },
  {
    words: ['INSERT INTO ledger_entries', 'jsonb_to_recordset'],
    run: ({ database, parameters, commit }) => {
      const [closing, json] = parameters as [string, string];
      const entries = database.table(ENTRIES);
      const rows = JSON.parse(json) as Row[];
      const refuse = (): void => {
        const twice = rows.find((row) => entries.has(keyOf(row)));
        if (twice) throw new UniqueViolationError(`there is an entry ${keyOf(twice)}`);
      };
      refuse();
      commit(() => {
        refuse();
        for (const row of rows) entries.set(keyOf(row), { ...row, closing });
      });
      return [];
    },
  },
  {
    words: ['SELECT max(entry) AS last, count(*) FILTER', 'rate_pico IS NULL'],
    run: () => [{ last: null, lines: '0' }],
  },
  // Every charge of a schedule is sound: what would set one aside is not known here, and fails the schedule.
  { words: ['SELECT DISTINCT attempt_id FROM set_aside'], run: () => [] },
  {
    words: ['SELECT count(DISTINCT attempt_id) FILTER'],
    run: () => [{ faults: '0', conflicts: '0', amount_pico: '0' }],
  },
];
