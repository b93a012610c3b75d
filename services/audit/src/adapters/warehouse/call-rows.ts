import { CallDeniedV1, CallFinishedV1, type EventData, type Usage } from '@weir/contracts';
import { countCell, defineSinkTable, timeCell, type RowSource } from '@weir/landing';
import { parsePico, picoToUsd } from '@weir/money';

type CallFinished = EventData<typeof CallFinishedV1>;
type CallDenied = EventData<typeof CallDeniedV1>;

const STATUS_MAX = 999;
const UINT32_MAX = 2 ** 32 - 1;

const bucket = (name: keyof Usage) => (call: CallFinished) => countCell(call.usage?.[name] ?? 0);

const finished = defineSinkTable<CallFinished>({
  name: 'calls_landed',
  timeColumn: 'started_at',
  time: (call) => call.startedAt,
  columns: {
    call_id: (call) => call.callId,
    finished_at: (call) => timeCell(call.finishedAt),
    admitted: () => true,
    organisation_id: (call) => call.principal.organisationId,
    team_id: (call) => call.principal.teamId,
    person_id: (call) => call.principal.personId ?? '',
    key_id: (call) => call.principal.keyId,
    application: (call) => call.principal.application,
    model_requested: (call) => call.modelRequested,
    model_served: (call) => call.model ?? '',
    provider: (call) => call.provider ?? '',
    deployment_id: (call) => call.deploymentId ?? '',
    region: (call) => call.region,
    dialect: (call) => call.dialect,
    stream: (call) => call.stream,
    status: (call) => countCell(call.status, STATUS_MAX),
    error_code: (call) => call.errorCode ?? '',
    finish_reason: (call) => call.finishReason ?? '',
    input_uncached: bucket('inputUncached'),
    input_cache_read: bucket('inputCacheRead'),
    input_cache_write_5m: bucket('inputCacheWrite5m'),
    input_cache_write_1h: bucket('inputCacheWrite1h'),
    output: bucket('output'),
    reasoning: bucket('reasoning'),
    usage_source: (call) => call.usageSource,
    cost: (call) => picoToUsd(parsePico(call.costPico)),
    price_version: (call) => call.priceVersion ?? '',
    latency_ms: (call) => call.latencyMs,
    first_token_ms: (call) => call.firstTokenMs,
    attempts: (call) => countCell(call.attempts.length, UINT32_MAX),
    request_bytes: (call) => countCell(call.requestBytes),
    response_bytes: (call) => countCell(call.responseBytes),
    request_digest: (call) => call.requestDigest ?? '',
    dropped: (call) => call.dropped,
    simulated: (call) => call.simulated,
    reconstructed: (call) => call.reconstructed,
  },
});

/** A refused call has the columns of an admitted one as far as it got; the others keep the table's defaults. */
const denied = defineSinkTable<CallDenied>({
  name: 'calls_landed',
  timeColumn: 'started_at',
  time: (call) => call.at,
  columns: {
    call_id: (call) => call.callId,
    finished_at: (call) => timeCell(call.at + Math.max(0, call.latencyMs)),
    admitted: () => false,
    organisation_id: (call) => call.organisationId ?? '',
    team_id: (call) => call.teamId ?? '',
    person_id: (call) => call.personId ?? '',
    key_id: (call) => call.keyId ?? '',
    application: (call) => call.application,
    model_requested: (call) => call.modelRequested ?? '',
    region: (call) => call.region,
    dialect: (call) => call.dialect,
    status: (call) => countCell(call.status, STATUS_MAX),
    error_code: (call) => call.errorCode,
    usage_source: () => 'none',
    latency_ms: (call) => call.latencyMs,
    request_bytes: (call) => countCell(call.requestBytes),
  },
});

/** One row from each call that ended. */
export const finishedCallRows: RowSource = (event) => {
  if (event.envelope.type !== CallFinishedV1.type || event.data === undefined) return [];
  // The definition of this type has checked the data.
  return [finished.row(event.data as CallFinished, event)];
};

/** One row from each call that was refused. */
export const deniedCallRows: RowSource = (event) => {
  if (event.envelope.type !== CallDeniedV1.type || event.data === undefined) return [];
  return [denied.row(event.data as CallDenied, event)];
};
