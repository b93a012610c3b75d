import type { WarehouseMigration } from '../migrations.js';
import { NAMES, name } from './people-views.js';

/**
 * Spend by day, kept up by each insert of charges, exactly: a materialised view takes part in the deduplication of the insert that feeds it,
 * so a repeated token adds nothing and one that was cut off between table and view is made good (ADR 0010, measured). Numbers of calls and
 * attempts are sets, as an attempt may be charged twice in different batches.
 */
const SPEND_DAILY = `
CREATE TABLE IF NOT EXISTS {database}.spend_daily (
  day Date,
  organisation_id LowCardinality(String),
  team_id LowCardinality(String),
  model_served LowCardinality(String),
  provider LowCardinality(String),
  calls AggregateFunction(uniqExact, UUID),
  attempts AggregateFunction(uniqExact, UUID),
  tokens_input SimpleAggregateFunction(sum, UInt64),
  tokens_output SimpleAggregateFunction(sum, UInt64),
  cost SimpleAggregateFunction(sum, Decimal(38, 12)),
  unpriced_attempts AggregateFunction(uniqExact, UUID)
) ENGINE = AggregatingMergeTree PARTITION BY toYYYYMM(day) ORDER BY (day, organisation_id, team_id, model_served, provider)
SETTINGS non_replicated_deduplication_window = 10000, fsync_after_insert = 1`;

/** First day that is kept in `spend_daily`; earlier ones are summed up from the charges themselves. */
const SPEND_SINCE = `
CREATE TABLE IF NOT EXISTS {database}.spend_since (since Date) ENGINE = MergeTree ORDER BY since
SETTINGS non_replicated_deduplication_window = 10000, fsync_after_insert = 1`;

/**
 * Where there are charges already, the day after tomorrow: no charge of it can have landed before the view was there, nor be under way, so
 * that nothing has to be copied and no row is counted twice or never. Whoever says it first is right: the token lets no second one in.
 */
const SINCE = `
INSERT INTO {database}.spend_since SETTINGS insert_deduplicate = 1, insert_deduplication_token = 'spend-since'
SELECT if((SELECT count() FROM {database}.charges_landed) = 0, toDate(0), toDate(now('UTC')) + 2)`;

const SINCE_DAY = '(SELECT min(since) FROM {database}.spend_since)';

const FEED = `
CREATE MATERIALIZED VIEW IF NOT EXISTS {database}.spend_daily_feed TO {database}.spend_daily AS
SELECT
  toDate(c.charged_at) AS day, c.organisation_id AS organisation_id, c.team_id AS team_id, c.model_served AS model_served,
  c.provider AS provider,
  uniqExactState(c.call_id) AS calls,
  uniqExactState(c.attempt_id) AS attempts,
  sumIf(c.quantity, startsWith(c.bucket, 'input')) AS tokens_input,
  sumIf(c.quantity, NOT startsWith(c.bucket, 'input')) AS tokens_output,
  sum(ifNull(c.cost, toDecimal128(0, 12))) AS cost,
  uniqExactStateIf(c.attempt_id, c.unpriced) AS unpriced_attempts
FROM {database}.charges_landed AS c
WHERE toDate(c.charged_at) >= ${SINCE_DAY}
GROUP BY day, organisation_id, team_id, model_served, provider`;

const SUMS = 'calls, attempts, tokens_input, tokens_output, cost, unpriced_attempts';

/** The views of migration 2 by the same names and columns: kept days, and the days before them. */
const spendView = (view: string, keys: string, shown: string): string => `
CREATE OR REPLACE VIEW {database}.${view} AS
WITH ${NAMES}
SELECT ${shown}, ${SUMS}
FROM (
  SELECT ${keys}, uniqExactMerge(d.calls) AS calls, uniqExactMerge(d.attempts) AS attempts, sum(d.tokens_input) AS tokens_input,
    sum(d.tokens_output) AS tokens_output, sum(d.cost) AS cost, uniqExactMerge(d.unpriced_attempts) AS unpriced_attempts
  FROM {database}.spend_daily AS d GROUP BY ${keys}
  UNION ALL
  SELECT ${keys.replace(/\bday\b/, 'toDate(c.charged_at) AS day')}, uniqExact(c.call_id) AS calls, uniqExact(c.attempt_id) AS attempts,
    sumIf(c.quantity, startsWith(c.bucket, 'input')) AS tokens_input,
    sumIf(c.quantity, NOT startsWith(c.bucket, 'input')) AS tokens_output,
    sum(ifNull(c.cost, toDecimal128(0, 12))) AS cost, uniqExactIf(c.attempt_id, c.unpriced) AS unpriced_attempts
  FROM {database}.charges_landed AS c WHERE c.charged_at < toDateTime64(${SINCE_DAY}, 3, 'UTC') GROUP BY ${keys}
) AS t`;

const ORGANISATION = `${name('organisation')} AS organisation`;
const TEAM = `${name('team')} AS team`;

export const spendDaily: WarehouseMigration = {
  number: 4,
  name: 'spend-daily',
  statements: [
    SPEND_DAILY,
    SPEND_SINCE,
    SINCE,
    FEED,
    spendView('spend_by_day', 'day, organisation_id', `day, ${ORGANISATION}, organisation_id`),
    spendView(
      'spend_by_team',
      'day, organisation_id, team_id',
      `day, ${ORGANISATION}, ${TEAM}, organisation_id, team_id`,
    ),
    spendView(
      'spend_by_model',
      'day, organisation_id, model_served, provider',
      `day, ${ORGANISATION}, model_served, provider, organisation_id`,
    ),
  ],
};
