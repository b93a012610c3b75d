import type { WarehouseMigration } from '../migrations.js';

/**
 * Views for people. Names are looked up by `transform` with the directory's ids and names as constants of the query: no join, so a
 * condition on a time reaches the table's order, and an id without a name shows as itself.
 */
const namesOf = (kind: string): string => `
  (SELECT arrayPushBack(groupArray(id), '') FROM (SELECT id FROM {database}.directory WHERE kind = '${kind}' GROUP BY id ORDER BY id)) AS ${kind}_ids,
  (SELECT arrayPushBack(groupArray(name), '') FROM (SELECT id, argMax(name, version) AS name FROM {database}.directory WHERE kind = '${kind}' GROUP BY id ORDER BY id)) AS ${kind}_names`;

export const NAMES = ['organisation', 'team', 'person', 'key'].map(namesOf).join(',');
export const name = (kind: string): string =>
  `nullIf(transform(t.${kind}_id, ${kind}_ids, ${kind}_names, t.${kind}_id), '')`;

const NAMED_IDENTITY = `
  ${name('organisation')} AS organisation,
  ${name('team')} AS team,
  ${name('person')} AS person,
  nullIf(t.key_id, '') AS key_id,
  ${name('key')} AS key_name,
  application,
  nullIf(t.organisation_id, '') AS organisation_id,
  nullIf(t.team_id, '') AS team_id,
  nullIf(t.person_id, '') AS person_id`;

const TOKENS = `
  input_uncached + input_cache_read + input_cache_write_5m + input_cache_write_1h AS tokens_input,
  output + reasoning AS tokens_output,
  input_uncached, input_cache_read, input_cache_write_5m, input_cache_write_1h, output, reasoning`;

/** Calls that have started and not finished are looked for this far back; older ones are in `events`. */
const OPEN_HOURS = 6;

const FACT = (...path: string[]): string => ['leaf', "'data'", ...path.map((part) => `'${part}'`)].join(', ');
const text = (...path: string[]): string => `JSONExtractString(${FACT(...path)})`;

/** As of this migration; `security-events` makes it anew. */
export const CALLS = `
CREATE OR REPLACE VIEW {database}.calls AS
WITH ${NAMES}
SELECT
  call_id, started_at, toNullable(finished_at) AS finished_at,
  ${NAMED_IDENTITY},
  model_requested,
  nullIf(model_served, '') AS model_served,
  nullIf(provider, '') AS provider,
  region, dialect, stream,
  toNullable(status) AS status,
  nullIf(error_code, '') AS error_code,
  if(admitted, 'finished', 'refused') AS state,
  nullIf(finish_reason, '') AS finish_reason,
  ${TOKENS},
  usage_source, cost,
  nullIf(price_version, '') AS price_version,
  toNullable(latency_ms) AS latency_ms,
  first_token_ms, attempts, request_bytes, response_bytes, dropped, simulated, reconstructed
FROM {database}.calls_landed AS t
UNION ALL
SELECT
  call_id, started_at, NULL AS finished_at,
  ${NAMED_IDENTITY},
  model_requested,
  nullIf(model_served, '') AS model_served,
  NULL AS provider,
  region, dialect, stream,
  NULL AS status, NULL AS error_code, 'open' AS state, NULL AS finish_reason,
  0 AS tokens_input, 0 AS tokens_output,
  0 AS input_uncached, 0 AS input_cache_read, 0 AS input_cache_write_5m, 0 AS input_cache_write_1h, 0 AS output, 0 AS reasoning,
  'none' AS usage_source, toDecimal128(0, 12) AS cost, NULL AS price_version,
  NULL AS latency_ms, NULL AS first_token_ms, 0 AS attempts,
  request_bytes, 0 AS response_bytes, [] AS dropped, false AS simulated, false AS reconstructed
FROM (
  SELECT
    assumeNotNull(call_id) AS call_id,
    fromUnixTimestamp64Milli(toInt64(JSONExtractFloat(${FACT('startedAt')})), 'UTC') AS started_at,
    ${text('principal', 'organisationId')} AS organisation_id,
    ${text('principal', 'teamId')} AS team_id,
    ${text('principal', 'personId')} AS person_id,
    ${text('principal', 'keyId')} AS key_id,
    ${text('principal', 'application')} AS application,
    ${text('modelRequested')} AS model_requested,
    ${text('model')} AS model_served,
    ${text('region')} AS region,
    ${text('dialect')} AS dialect,
    JSONExtractBool(${FACT('stream')}) AS stream,
    JSONExtractUInt(${FACT('requestBytes')}) AS request_bytes
  FROM {database}.events
  WHERE type = 'call.started' AND time > now() - INTERVAL ${OPEN_HOURS} HOUR
    AND assumeNotNull(call_id) NOT IN (
      SELECT call_id FROM {database}.calls_landed WHERE started_at > now() - INTERVAL ${OPEN_HOURS + 1} HOUR)
) AS t`;

const ATTEMPTS = `
CREATE OR REPLACE VIEW {database}.attempts AS
WITH ${NAMES}
SELECT
  attempt_id, call_id, attempt_no, started_at, finished_at,
  ${NAMED_IDENTITY},
  provider, model_served, upstream_model, deployment_id, adapter, region, status, outcome,
  nullIf(error_code, '') AS error_code,
  nullIf(finish_reason, '') AS finish_reason,
  usage_source,
  ${TOKENS},
  cost, unpriced,
  nullIf(price_version, '') AS price_version,
  latency_ms, first_token_ms, response_bytes,
  nullIf(upstream_request_id, '') AS upstream_request_id,
  dropped, simulated, reconstructed
FROM {database}.attempts_landed AS t`;

const CHARGES = `
CREATE OR REPLACE VIEW {database}.charges AS
WITH ${NAMES}
SELECT
  charged_at, attempt_id, line, call_id, attempt_no,
  ${NAMED_IDENTITY},
  provider, model_served, upstream_model, deployment_id, region,
  bucket, quantity, unit_price, cost, unpriced,
  nullIf(price_version, '') AS price_version,
  usage_source, simulated
FROM {database}.charges_landed AS t`;

/** Sums over cost lines. What has no price is not in the sum; how many attempts that are stands beside it. */
const SPEND = `
  uniqExact(call_id) AS calls,
  uniqExact(attempt_id) AS attempts,
  sumIf(quantity, startsWith(bucket, 'input')) AS tokens_input,
  sumIf(quantity, NOT startsWith(bucket, 'input')) AS tokens_output,
  sum(ifNull(cost, toDecimal128(0, 12))) AS cost,
  uniqExactIf(attempt_id, unpriced) AS unpriced_attempts`;

const spendView = (view: string, keys: string, shown = keys): string => `
CREATE OR REPLACE VIEW {database}.${view} AS
WITH ${NAMES}
SELECT ${shown}, calls, attempts, tokens_input, tokens_output, cost, unpriced_attempts
FROM (
  SELECT ${keys.replace(/\bday\b/, 'toDate(charged_at) AS day')}, ${SPEND}
  FROM {database}.charges_landed GROUP BY ${keys}
) AS t`;

const ORGANISATION = `${name('organisation')} AS organisation`;
const TEAM = `${name('team')} AS team`;

export const peopleViews: WarehouseMigration = {
  number: 2,
  name: 'people-views',
  statements: [
    CALLS,
    ATTEMPTS,
    CHARGES,
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
