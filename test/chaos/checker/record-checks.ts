import type { Connection } from '@weir/testing';
import { query } from '../../e2e/record-kit.js';
import type { Outcome } from '../load/outcome.js';
import { findingOf, type Finding } from './finding.js';

interface CallRow {
  readonly call_id: string;
  readonly rows: string;
  readonly status: number;
  readonly error_code: string | null;
}

/** Answered calls that the record does not hold once, or of which it tells something else. */
export async function findLostCalls(connection: Connection, outcomes: readonly Outcome[]): Promise<Finding[]> {
  const rows = await query<CallRow>(
    connection,
    `SELECT call_id, count() AS rows, any(c.status) AS status, any(c.error_code) AS error_code
     FROM calls AS c WHERE c.state != 'open' GROUP BY call_id`,
  );
  const recorded = new Map(rows.map((row) => [row.call_id, row]));
  const answered = outcomes.filter(({ callId }) => callId !== undefined);
  const lost = answered.filter(({ callId }) => !recorded.has(callId ?? ''));
  const different = answered.flatMap((outcome) => {
    const row = recorded.get(outcome.callId ?? '');
    if (!row || outcome.end === 'left' || outcome.end === 'cut') return [];
    const isSame = row.status === outcome.status && (row.error_code === null) === (outcome.end === 'complete');
    // The client had it all before its ingress died: only the record could not be told.
    return isSame || row.error_code === 'ingress_lost' ? [] : [{ outcome: brief(outcome), row }];
  });
  return [
    ...findingOf('lost: an answered call is not in the record', lost.map(brief)),
    ...findingOf('record: a call ended otherwise than its client saw', different),
  ];
}

/** Calls of which the record holds an end or a refusal. */
export async function readRecordedIds(connection: Connection): Promise<ReadonlySet<string>> {
  const rows = await query<{ call_id: string }>(connection, 'SELECT DISTINCT call_id FROM calls_landed');
  return new Set(rows.map((row) => row.call_id));
}

const brief = ({ callId, number, status, end, detail }: Outcome): object => ({ callId, number, status, end, detail });

/** Queries of which each row is something that must not be. */
const RULES: Readonly<Record<string, string>> = {
  'duplicates: events':
    'SELECT producer_id, epoch, sequence, count() AS rows FROM events GROUP BY ALL HAVING rows > 1 LIMIT 100',
  'duplicates: event ids': 'SELECT event_id, count() AS rows FROM events GROUP BY ALL HAVING rows > 1 LIMIT 100',
  'duplicates: calls': 'SELECT call_id, count() AS rows FROM calls_landed GROUP BY ALL HAVING rows > 1 LIMIT 100',
  'duplicates: view calls': 'SELECT call_id, count() AS rows FROM calls GROUP BY ALL HAVING rows > 1 LIMIT 100',
  'duplicates: attempts':
    'SELECT attempt_id, count() AS rows FROM attempts_landed GROUP BY ALL HAVING rows > 1 LIMIT 100',
  'duplicates: charges':
    'SELECT attempt_id, line, count() AS rows FROM charges_landed GROUP BY ALL HAVING rows > 1 LIMIT 100',
  'duplicates: leaves by place':
    'SELECT partition, leaf_index, count() AS rows FROM log_leaves GROUP BY ALL HAVING rows > 1 LIMIT 100',
  'duplicates: leaves by event':
    "SELECT event_id, count() AS rows FROM log_leaves WHERE kind = 'event' GROUP BY ALL HAVING rows > 1 LIMIT 100",
  'duplicates: dead letters': `SELECT sink, stream, stream_created, stream_sequence, line, reason, count() AS rows FROM dead_letters
     GROUP BY ALL HAVING rows > 1 LIMIT 100`,
  // Producers go on saying that they live, so the youngest of those may be on its way.
  'leaves: an event without a leaf': `SELECT event_id FROM events
     WHERE type != 'producer.alive' AND event_id NOT IN (SELECT event_id FROM log_leaves WHERE kind = 'event') LIMIT 100`,
  'leaves: a leaf without an event': `SELECT l.event_id AS event_id FROM log_leaves AS l
     INNER JOIN (SELECT producer_id, epoch, max(sequence) AS last FROM events WHERE type != 'producer.alive' GROUP BY ALL) AS e
       ON e.producer_id = l.producer_id AND e.epoch = l.epoch
     WHERE l.kind = 'event' AND l.sequence <= e.last AND l.event_id NOT IN (SELECT event_id FROM events) LIMIT 100`,
  'views: a sum differs from its base': `SELECT view, cost, charged FROM (
       SELECT 'spend_by_day' AS view, sum(cost) AS cost, (SELECT sum(cost) FROM charges_landed) AS charged FROM spend_by_day
       UNION ALL SELECT 'spend_by_team', sum(cost), (SELECT sum(cost) FROM charges_landed) FROM spend_by_team
       UNION ALL SELECT 'spend_by_model', sum(cost), (SELECT sum(cost) FROM charges_landed) FROM spend_by_model
       UNION ALL SELECT 'charges', sum(cost), (SELECT sum(cost) FROM charges_landed) FROM charges) WHERE cost != charged`,
  'charges: an attempt costs something else than its lines': `SELECT attempt_id, any(a.cost) AS cost, sum(c.cost) AS charged
     FROM charges_landed AS c INNER JOIN attempts_landed AS a ON a.attempt_id = c.attempt_id
     GROUP BY attempt_id HAVING cost != charged LIMIT 100`,
  'charges: an attempt that cost something has no line': `SELECT attempt_id, cost FROM attempts_landed
     WHERE cost > 0 AND attempt_id NOT IN (SELECT attempt_id FROM charges_landed) LIMIT 100`,
  'double run: a call with two completed attempts': `SELECT call_id, groupArray((attempt_id, attempt_no, outcome)) AS attempts
     FROM attempts_landed GROUP BY call_id HAVING countIf(outcome = 'completed') > 1 LIMIT 100`,
  'attempts: an answered call tells another number of them': `SELECT c.call_id AS call_id, c.attempts AS told, countIf(a.attempt_no > 0) AS recorded,
       groupArray((a.attempt_no, a.outcome, a.error_code)) AS attempts
     FROM calls_landed AS c LEFT JOIN attempts_landed AS a ON a.call_id = c.call_id
     WHERE c.error_code = '' GROUP BY c.call_id, c.attempts HAVING told != recorded LIMIT 100`,
};

/** What stands in the record twice, or disagrees with itself. */
export async function findDisagreements(connection: Connection): Promise<Finding[]> {
  const findings: Finding[] = [];
  for (const [check, sql] of Object.entries(RULES)) findings.push(...findingOf(check, await query(connection, sql)));
  return findings;
}
