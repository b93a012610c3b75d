import {
  AttemptFinishedV1,
  CallDeniedV1,
  CallFinishedV1,
  CHARGE_BUCKETS,
  USAGE_BUCKETS,
  type ChargeBucket,
  type EventData,
  type EventEnvelope,
  type PriceRecord,
  type Usage,
} from '@weir/contracts';
import { chargedUsage, parsePico, rateUsage, type PicoUsd } from '@weir/money';

/**
 * What each column of each base table must hold, said a second time and independently of the services that write it: from the leaf alone
 * and, for money, by rating it again. A column that is missing here is itself a fault.
 */

/** How a column is read and compared. */
export type ColumnKind = 'text' | 'exact' | 'number' | 'money' | 'time' | 'list';

export interface ColumnRule<Facts> {
  readonly kind: ColumnKind;
  readonly expect: (facts: Facts) => Expected;
}
/** Milliseconds for a time, pico-USD for money. */
export type Expected = string | number | bigint | boolean | null | readonly string[];

export interface TableRules<Facts> {
  readonly table: string;
  /** The column its order begins with. */
  readonly timeColumn: string;
  readonly columns: Readonly<Record<string, ColumnRule<Facts>>>;
}

const rule =
  (kind: ColumnKind) =>
  <Facts>(expect: (facts: Facts) => Expected): ColumnRule<Facts> => ({ kind, expect });
const text = rule('text');
const exact = rule('exact');
const number = rule('number');
const money = rule('money');
const time = rule('time');
const list = rule('list');

export interface EventFacts {
  readonly event: EventEnvelope;
  readonly leaf: string;
  readonly partition: number;
}

type Rules<Facts> = Record<string, ColumnRule<Facts>>;

const origin: Rules<{ readonly event: EventEnvelope }> = {
  producer_id: exact(({ event }) => event.producerId),
  epoch: exact(({ event }) => event.epoch),
  sequence: exact(({ event }) => event.sequence),
};

/** `annex` is outside the leaf on purpose: a digest's salt, which may be erased. */
export const UNBOUND_COLUMNS: ReadonlySet<string> = new Set(['events.annex']);

export const EVENT_RULES: TableRules<EventFacts> = {
  table: 'events',
  timeColumn: 'time',
  columns: {
    ...origin,
    event_id: exact(({ event }) => event.eventId),
    type: text(({ event }) => event.type),
    version: exact(({ event }) => event.version),
    time: time(({ event }) => event.time),
    organisation_id: text(({ event }) => event.organisationId ?? ''),
    call_id: exact(({ event }) => event.callId),
    partition: exact(({ partition }) => partition),
    // Last: what stands before it in a line is short, and told by the leaf's head.
    leaf: text(({ leaf }) => leaf),
  },
};

/** What a call's row repeats, of one that ended or was refused. */
export interface CallFacts {
  readonly event: EventEnvelope;
  readonly finished: EventData<typeof CallFinishedV1> | undefined;
  readonly denied: EventData<typeof CallDeniedV1> | undefined;
}

const NO_USAGE = Object.fromEntries(USAGE_BUCKETS.map((bucket) => [bucket, 0])) as Usage;
const usageOf = ({ finished }: CallFacts): Usage => finished?.usage ?? NO_USAGE;
const principalOf = ({ finished, denied }: CallFacts) => finished?.principal ?? denied;
const either = ({ finished, denied }: CallFacts) => finished ?? denied;

export const CALL_RULES: TableRules<CallFacts> = {
  table: 'calls_landed',
  timeColumn: 'started_at',
  columns: {
    ...origin,
    call_id: exact((call) => either(call)?.callId ?? ''),
    started_at: time(({ finished, denied }) => finished?.startedAt ?? denied?.at ?? 0),
    finished_at: time(
      ({ finished, denied }) => finished?.finishedAt ?? (denied ? denied.at + Math.max(0, denied.latencyMs) : 0),
    ),
    admitted: exact(({ finished }) => finished !== undefined),
    organisation_id: text((call) => principalOf(call)?.organisationId ?? ''),
    team_id: text((call) => principalOf(call)?.teamId ?? ''),
    person_id: text((call) => principalOf(call)?.personId ?? ''),
    key_id: text((call) => principalOf(call)?.keyId ?? ''),
    application: text((call) => principalOf(call)?.application ?? ''),
    model_requested: text((call) => either(call)?.modelRequested ?? ''),
    model_served: text(({ finished }) => finished?.model ?? ''),
    provider: text(({ finished }) => finished?.provider ?? ''),
    deployment_id: text(({ finished }) => finished?.deploymentId ?? ''),
    region: text((call) => either(call)?.region ?? ''),
    dialect: text((call) => either(call)?.dialect ?? ''),
    stream: exact(({ finished }) => finished?.stream ?? false),
    status: exact((call) => either(call)?.status ?? 0),
    error_code: text((call) => either(call)?.errorCode ?? ''),
    finish_reason: text(({ finished }) => finished?.finishReason ?? ''),
    input_uncached: exact((call) => usageOf(call).inputUncached),
    input_cache_read: exact((call) => usageOf(call).inputCacheRead),
    input_cache_write_5m: exact((call) => usageOf(call).inputCacheWrite5m),
    input_cache_write_1h: exact((call) => usageOf(call).inputCacheWrite1h),
    output: exact((call) => usageOf(call).output),
    reasoning: exact((call) => usageOf(call).reasoning),
    usage_source: text(({ finished }) => finished?.usageSource ?? 'none'),
    cost: money(({ finished }) => (finished ? parsePico(finished.costPico) : 0n)),
    price_version: text(({ finished }) => finished?.priceVersion ?? ''),
    latency_ms: number((call) => either(call)?.latencyMs ?? 0),
    first_token_ms: number(({ finished }) => finished?.firstTokenMs ?? null),
    attempts: exact(({ finished }) => finished?.attempts.length ?? 0),
    request_bytes: exact((call) => either(call)?.requestBytes ?? 0),
    response_bytes: exact(({ finished }) => finished?.responseBytes ?? 0),
    request_digest: text(({ finished }) => finished?.requestDigest ?? ''),
    dropped: list(({ finished }) => finished?.dropped ?? []),
    simulated: exact(({ finished }) => finished?.simulated ?? false),
    reconstructed: exact(({ finished }) => finished?.reconstructed ?? false),
  },
};

export type FinishedAttempt = EventData<typeof AttemptFinishedV1>;

/** One cost line as rating it again gives it. */
export interface RatedLine {
  readonly line: number;
  readonly bucket: ChargeBucket;
  readonly quantity: number;
  readonly rate: PicoUsd | null;
  readonly cost: PicoUsd | null;
}

export interface AttemptFacts {
  readonly event: EventEnvelope;
  readonly attempt: FinishedAttempt;
  readonly usage: Usage;
  readonly lines: readonly RatedLine[];
  readonly total: PicoUsd | null;
  readonly isUnpriced: boolean;
}

/** Rates an attempt again: what it used, at the price version pinned in it. Without that price every line is unpriced, never free. */
export function rateAttempt(
  event: EventEnvelope,
  attempt: FinishedAttempt,
  findPrice: (version: string) => PriceRecord | undefined,
): AttemptFacts {
  const usage = chargedUsage(attempt);
  const price = attempt.priceVersion === null ? undefined : findPrice(attempt.priceVersion);
  const rated = price && rateUsage(usage, price);
  const lines = rated
    ? rated.lines.map(({ bucket, quantity, ratePico, costPico }) => ({
        bucket,
        quantity,
        rate: ratePico,
        cost: costPico,
      }))
    : CHARGE_BUCKETS.map((bucket) => ({ bucket, quantity: usage[bucket] ?? 0, rate: null, cost: null })).filter(
        ({ quantity }) => quantity > 0,
      );
  const isUnpriced = !rated && lines.length > 0;
  const placed = lines.map((line) => ({ line: CHARGE_BUCKETS.indexOf(line.bucket), ...line }));
  return {
    event,
    attempt,
    usage,
    lines: placed,
    total: rated ? rated.total : isUnpriced ? null : (0n as PicoUsd),
    isUnpriced,
  };
}

const attemptContext: Rules<AttemptFacts> = {
  ...origin,
  attempt_id: exact(({ attempt }) => attempt.attemptId),
  call_id: exact(({ attempt }) => attempt.callId),
  attempt_no: exact(({ attempt }) => attempt.attempt),
  organisation_id: text(({ attempt }) => attempt.principal.organisationId),
  team_id: text(({ attempt }) => attempt.principal.teamId),
  person_id: text(({ attempt }) => attempt.principal.personId ?? ''),
  key_id: text(({ attempt }) => attempt.principal.keyId),
  application: text(({ attempt }) => attempt.principal.application),
  region: text(({ attempt }) => attempt.region),
  provider: text(({ attempt }) => attempt.provider),
  deployment_id: text(({ attempt }) => attempt.deploymentId),
  model_served: text(({ attempt }) => attempt.model),
  upstream_model: text(({ attempt }) => attempt.upstreamModel),
  usage_source: text(({ attempt }) => attempt.usageSource),
  price_version: text(({ attempt }) => attempt.priceVersion ?? ''),
  unpriced: exact(({ isUnpriced }) => isUnpriced),
  simulated: exact(({ attempt }) => attempt.simulated),
};

export const ATTEMPT_RULES: TableRules<AttemptFacts> = {
  table: 'attempts_landed',
  timeColumn: 'finished_at',
  columns: {
    ...attemptContext,
    started_at: time(({ attempt }) => attempt.startedAt),
    finished_at: time(({ attempt }) => attempt.finishedAt),
    adapter: text(({ attempt }) => attempt.adapter),
    status: exact(({ attempt }) => attempt.status),
    outcome: text(({ attempt }) => attempt.outcome),
    error_code: text(({ attempt }) => attempt.errorCode ?? ''),
    finish_reason: text(({ attempt }) => attempt.finishReason ?? ''),
    input_uncached: exact(({ usage }) => usage.inputUncached),
    input_cache_read: exact(({ usage }) => usage.inputCacheRead),
    input_cache_write_5m: exact(({ usage }) => usage.inputCacheWrite5m),
    input_cache_write_1h: exact(({ usage }) => usage.inputCacheWrite1h),
    output: exact(({ usage }) => usage.output),
    reasoning: exact(({ usage }) => usage.reasoning),
    cost: money(({ total }) => total),
    latency_ms: number(({ attempt }) => attempt.latencyMs),
    first_token_ms: number(({ attempt }) => attempt.firstTokenMs),
    response_bytes: exact(({ attempt }) => attempt.responseBytes),
    upstream_request_id: text(({ attempt }) => attempt.upstreamRequestId ?? ''),
    dropped: list(({ attempt }) => attempt.dropped),
    reconstructed: exact(({ attempt }) => attempt.reconstructed),
  },
};

export interface ChargeFacts extends AttemptFacts {
  readonly charge: RatedLine;
}

export const CHARGE_RULES: TableRules<ChargeFacts> = {
  table: 'charges_landed',
  timeColumn: 'charged_at',
  columns: {
    ...attemptContext,
    charged_at: time(({ attempt }) => attempt.finishedAt),
    line: exact(({ charge }) => charge.line),
    bucket: text(({ charge }) => charge.bucket),
    quantity: exact(({ charge }) => charge.quantity),
    unit_price: money(({ charge }) => charge.rate),
    cost: money(({ charge }) => charge.cost),
  },
};
