import { countCell, defineSinkTable, timeCell, type Cell, type Columns } from '@weir/landing';
import { picoToUsd, type PicoUsd } from '@weir/money';
import type { AttemptCharge, ChargeLine, FinishedAttempt } from '../../domain/charge-attempt.js';

export interface ChargedAttempt {
  readonly attempt: FinishedAttempt;
  readonly charge: AttemptCharge;
}

export interface ChargedLine extends ChargedAttempt {
  readonly line: ChargeLine;
}

const STATUS_MAX = 999;
const UINT32_MAX = 2 ** 32 - 1;
const usd = (amount: PicoUsd | null): Cell => (amount === null ? null : picoToUsd(amount));

/** Who, where and which model: the same in both tables. */
const context: Columns<ChargedAttempt> = {
  attempt_id: ({ attempt }) => attempt.attemptId,
  call_id: ({ attempt }) => attempt.callId,
  attempt_no: ({ attempt }) => countCell(attempt.attempt, UINT32_MAX),
  organisation_id: ({ attempt }) => attempt.principal.organisationId,
  team_id: ({ attempt }) => attempt.principal.teamId,
  person_id: ({ attempt }) => attempt.principal.personId ?? '',
  key_id: ({ attempt }) => attempt.principal.keyId,
  application: ({ attempt }) => attempt.principal.application,
  region: ({ attempt }) => attempt.region,
  provider: ({ attempt }) => attempt.provider,
  deployment_id: ({ attempt }) => attempt.deploymentId,
  model_served: ({ attempt }) => attempt.model,
  upstream_model: ({ attempt }) => attempt.upstreamModel,
  usage_source: ({ attempt }) => attempt.usageSource,
  price_version: ({ attempt }) => attempt.priceVersion ?? '',
  unpriced: ({ charge }) => charge.isUnpriced,
  simulated: ({ attempt }) => attempt.simulated,
};

export const attemptTable = defineSinkTable<ChargedAttempt>({
  name: 'attempts_landed',
  timeColumn: 'finished_at',
  time: ({ attempt }) => attempt.finishedAt,
  columns: {
    ...context,
    started_at: ({ attempt }) => timeCell(attempt.startedAt),
    adapter: ({ attempt }) => attempt.adapter,
    status: ({ attempt }) => (attempt.status === null ? null : countCell(attempt.status, STATUS_MAX)),
    outcome: ({ attempt }) => attempt.outcome,
    error_code: ({ attempt }) => attempt.errorCode ?? '',
    finish_reason: ({ attempt }) => attempt.finishReason ?? '',
    input_uncached: ({ charge }) => countCell(charge.usage.inputUncached),
    input_cache_read: ({ charge }) => countCell(charge.usage.inputCacheRead),
    input_cache_write_5m: ({ charge }) => countCell(charge.usage.inputCacheWrite5m),
    input_cache_write_1h: ({ charge }) => countCell(charge.usage.inputCacheWrite1h),
    output: ({ charge }) => countCell(charge.usage.output),
    reasoning: ({ charge }) => countCell(charge.usage.reasoning),
    cost: ({ charge }) => usd(charge.totalPico),
    latency_ms: ({ attempt }) => attempt.latencyMs,
    first_token_ms: ({ attempt }) => attempt.firstTokenMs,
    response_bytes: ({ attempt }) => countCell(attempt.responseBytes),
    upstream_request_id: ({ attempt }) => attempt.upstreamRequestId ?? '',
    dropped: ({ attempt }) => attempt.dropped,
    reconstructed: ({ attempt }) => attempt.reconstructed,
  },
});

export const chargeTable = defineSinkTable<ChargedLine>({
  name: 'charges_landed',
  timeColumn: 'charged_at',
  time: ({ attempt }) => attempt.finishedAt,
  columns: {
    ...context,
    line: ({ line }) => line.line,
    bucket: ({ line }) => line.bucket,
    quantity: ({ line }) => countCell(line.quantity),
    unit_price: ({ line }) => usd(line.ratePico),
    cost: ({ line }) => usd(line.costPico),
  },
});
