import type { WarehouseMigration } from '../migrations.js';

/**
 * Tables that landing writes. Each row names the event it came from by (`producer_id`, `epoch`, `sequence`) and starts its order with a
 * time of that event, so that a sink finds out cheaply which events of a batch are there already.
 *
 * The deduplication window makes a repeated token a no-op; it is 0 by default on tables without replicas. An insert is on disk when it
 * is acknowledged (`fsync_after_insert`).
 */
const LANDED_TABLE = 'SETTINGS non_replicated_deduplication_window = 10000, fsync_after_insert = 1';

const ORIGIN = `producer_id UUID, epoch UInt64, sequence UInt64`;

const IDENTITY = `
  organisation_id LowCardinality(String),
  team_id LowCardinality(String),
  person_id LowCardinality(String),
  key_id LowCardinality(String),
  application LowCardinality(String)`;

const BUCKETS = `
  input_uncached UInt64,
  input_cache_read UInt64,
  input_cache_write_5m UInt64,
  input_cache_write_1h UInt64,
  output UInt64,
  reasoning UInt64`;

/** Every event as it was journalled: `leaf` is its exact bytes, the columns repeat what queries filter by. */
const EVENTS = `
CREATE TABLE IF NOT EXISTS {database}.events (
  event_id UUID,
  type LowCardinality(String),
  version UInt32,
  time DateTime64(3, 'UTC'),
  ${ORIGIN},
  organisation_id LowCardinality(String),
  call_id Nullable(UUID),
  leaf String CODEC(ZSTD(1)),
  annex String,
  partition UInt16,
  INDEX by_call call_id TYPE bloom_filter(0.01) GRANULARITY 4
) ENGINE = MergeTree PARTITION BY toYYYYMM(time) ORDER BY (toStartOfHour(time), producer_id, epoch, sequence)
${LANDED_TABLE}`;

/** One row from each `call.finished` and each `call.denied`. Empty text where there is no such thing. */
const CALLS = `
CREATE TABLE IF NOT EXISTS {database}.calls_landed (
  call_id UUID,
  started_at DateTime64(3, 'UTC'),
  finished_at DateTime64(3, 'UTC'),
  admitted Bool,
  ${IDENTITY},
  model_requested String,
  model_served LowCardinality(String),
  provider LowCardinality(String),
  deployment_id LowCardinality(String),
  region LowCardinality(String),
  dialect LowCardinality(String),
  stream Bool,
  status UInt32,
  error_code LowCardinality(String),
  finish_reason LowCardinality(String),
  ${BUCKETS},
  usage_source LowCardinality(String),
  cost Decimal(38, 12),
  price_version LowCardinality(String),
  latency_ms Float64,
  first_token_ms Nullable(Float64),
  attempts UInt32,
  request_bytes UInt64,
  response_bytes UInt64,
  request_digest String,
  dropped Array(String),
  simulated Bool,
  reconstructed Bool,
  ${ORIGIN},
  INDEX by_call call_id TYPE bloom_filter(0.01) GRANULARITY 4
) ENGINE = MergeTree PARTITION BY toYYYYMM(started_at) ORDER BY (started_at, call_id)
${LANDED_TABLE}`;

/** One row from each `attempt.finished`, rated: buckets are what is charged, `cost` is null where there is no price. */
const ATTEMPTS = `
CREATE TABLE IF NOT EXISTS {database}.attempts_landed (
  attempt_id UUID,
  call_id UUID,
  attempt_no UInt32,
  started_at DateTime64(3, 'UTC'),
  finished_at DateTime64(3, 'UTC'),
  ${IDENTITY},
  region LowCardinality(String),
  provider LowCardinality(String),
  deployment_id LowCardinality(String),
  adapter LowCardinality(String),
  model_served LowCardinality(String),
  upstream_model LowCardinality(String),
  status Nullable(UInt32),
  outcome LowCardinality(String),
  error_code LowCardinality(String),
  finish_reason LowCardinality(String),
  usage_source LowCardinality(String),
  ${BUCKETS},
  cost Nullable(Decimal(38, 12)),
  price_version LowCardinality(String),
  unpriced Bool,
  latency_ms Float64,
  first_token_ms Nullable(Float64),
  response_bytes UInt64,
  upstream_request_id String,
  dropped Array(String),
  simulated Bool,
  reconstructed Bool,
  ${ORIGIN},
  INDEX by_call call_id TYPE bloom_filter(0.01) GRANULARITY 4,
  INDEX by_attempt attempt_id TYPE bloom_filter(0.01) GRANULARITY 4
) ENGINE = MergeTree PARTITION BY toYYYYMM(finished_at) ORDER BY (finished_at, attempt_id)
${LANDED_TABLE}`;

/** One row a cost line, unique by (`attempt_id`, `line`). `unit_price` and `cost` are null where there is no price. */
const CHARGES = `
CREATE TABLE IF NOT EXISTS {database}.charges_landed (
  charged_at DateTime64(3, 'UTC'),
  attempt_id UUID,
  line UInt8,
  call_id UUID,
  attempt_no UInt32,
  ${IDENTITY},
  region LowCardinality(String),
  provider LowCardinality(String),
  deployment_id LowCardinality(String),
  model_served LowCardinality(String),
  upstream_model LowCardinality(String),
  bucket LowCardinality(String),
  quantity UInt64,
  unit_price Nullable(Decimal(38, 12)),
  cost Nullable(Decimal(38, 12)),
  price_version LowCardinality(String),
  unpriced Bool,
  usage_source LowCardinality(String),
  simulated Bool,
  ${ORIGIN},
  INDEX by_attempt attempt_id TYPE bloom_filter(0.01) GRANULARITY 4
) ENGINE = MergeTree PARTITION BY toYYYYMM(charged_at) ORDER BY (charged_at, attempt_id, line)
${LANDED_TABLE}`;

/** What could not be landed as it should have been, with the reason. The digest is SHA-256 of the line's bytes, in hex. */
const DEAD_LETTERS = `
CREATE TABLE IF NOT EXISTS {database}.dead_letters (
  landed_at DateTime64(3, 'UTC'),
  sink LowCardinality(String),
  reason LowCardinality(String),
  detail String,
  stream LowCardinality(String),
  stream_created DateTime64(3, 'UTC'),
  stream_sequence UInt64,
  line UInt32,
  producer_id Nullable(UUID),
  epoch UInt64,
  sequence UInt64,
  digest String,
  bytes UInt64,
  content String CODEC(ZSTD(1))
) ENGINE = MergeTree ORDER BY (sink, stream, stream_created, stream_sequence, line)
${LANDED_TABLE}`;

/** Names that go with the ids of the record: a copy of the catalog, so that erasing a name here leaves the record as it is. */
const DIRECTORY = `
CREATE TABLE IF NOT EXISTS {database}.directory (
  kind LowCardinality(String),
  id String,
  organisation_id String,
  team_id String,
  name String,
  email String,
  removed Bool,
  version UInt64
) ENGINE = MergeTree ORDER BY (kind, id, version)
${LANDED_TABLE}`;

export const landedTables: WarehouseMigration = {
  number: 1,
  name: 'landed-tables',
  statements: [EVENTS, CALLS, ATTEMPTS, CHARGES, DEAD_LETTERS, DIRECTORY],
};
