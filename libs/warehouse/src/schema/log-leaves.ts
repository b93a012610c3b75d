import type { WarehouseMigration } from '../migrations.js';

/**
 * The tamper-evident log: one row a leaf, in the log's order, kept for ever, so that retention of `events` leaves the log provable.
 * `leaf_hash` is SHA-256(0x00 ‖ leaf) in hex (RFC 9162), `partition` and `leaf_index` its place. A leaf of kind `event` is the event's exact
 * bytes (`events.leaf`); one of kind `dead_letter` states in RFC 8785's form what could not be read as an event, and has no `event_id`.
 * `time_ms` is the event's time in milliseconds since the epoch, as a number: a leaf must never be refused for its time.
 */
const LOG_LEAVES = `
CREATE TABLE IF NOT EXISTS {database}.log_leaves (
  partition UInt16,
  leaf_index UInt64,
  leaf_hash FixedString(64) CODEC(ZSTD(1)),
  kind LowCardinality(String),
  event_id UUID,
  time_ms UInt64,
  producer_id UUID,
  epoch UInt64,
  sequence UInt64,
  INDEX by_event event_id TYPE bloom_filter(0.01) GRANULARITY 4,
  INDEX by_time time_ms TYPE minmax GRANULARITY 1
) ENGINE = MergeTree ORDER BY (partition, leaf_index)
SETTINGS non_replicated_deduplication_window = 10000, fsync_after_insert = 1`;

export const logLeaves: WarehouseMigration = { number: 3, name: 'log-leaves', statements: [LOG_LEAVES] };
