import type { WarehouseMigration } from '../migrations.js';
import { CALLS } from './people-views.js';

/**
 * What audit has found missing, in the order it was found: append-only, so that a gap that was closed later stays known. `first` and `last`
 * are sequences of the producer's epoch.
 */
const SECURITY_EVENT_LOG = `
CREATE TABLE IF NOT EXISTS {database}.security_event_log (
  kind LowCardinality(String),
  producer_id UUID,
  epoch UInt64,
  first UInt64,
  last UInt64,
  state LowCardinality(String),
  at DateTime64(3, 'UTC')
) ENGINE = MergeTree ORDER BY (producer_id, epoch, first, at)
SETTINGS non_replicated_deduplication_window = 10000, fsync_after_insert = 1`;

const SECURITY_EVENTS = `
CREATE OR REPLACE VIEW {database}.security_events AS
SELECT kind, producer_id AS producer, epoch, first, last, last - first + 1 AS events,
  minIf(at, state = 'found') AS found_at,
  if(argMax(state, at) = 'closed', toNullable(max(at)), NULL) AS closed_at
FROM {database}.security_event_log
GROUP BY kind, producer_id, epoch, first, last`;

/**
 * A call that was closed on behalf of a dead ingress, and whose own end came to light later, is shown by its own end alone. Reconstructed
 * calls are few, so the look at them costs one small column.
 */
const REAL_END = `FROM {database}.calls_landed AS t
WHERE NOT (t.reconstructed AND t.call_id IN (
  SELECT call_id FROM {database}.calls_landed
  WHERE NOT reconstructed AND call_id IN (SELECT call_id FROM {database}.calls_landed WHERE reconstructed)))
UNION ALL`;

export const securityEvents: WarehouseMigration = {
  number: 5,
  name: 'security-events',
  statements: [
    SECURITY_EVENT_LOG,
    SECURITY_EVENTS,
    CALLS.replace('FROM {database}.calls_landed AS t\nUNION ALL', REAL_END),
  ],
};
