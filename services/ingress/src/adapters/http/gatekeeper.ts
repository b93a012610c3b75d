import { Inject } from '@nestjs/common';
import type { EventPublisher } from '@weir/bus';
import type { KeyRecord, Principal } from '@weir/contracts';
import { hmacKey } from '@weir/credentials';
import { SETTINGS } from '@weir/kit';
import { authenticate, type AdmissionCatalog } from '../../domain/admission.js';
import { findCallerKey } from '../../domain/caller-key.js';
import { deniedEvent, type DeniedCall } from '../../domain/call-record.js';
import type { Refusal } from '../../domain/refusal.js';
import { renderRefusal, sendError } from './answer.js';
import type { Arrival } from './arrival.js';
import type { IngressSettings } from '../../settings.js';
import { Resources } from '../bus/resources.js';
import { isAddressAllowed } from './address-list.js';
import { IngressMetrics } from './ingress-metrics.js';

/** A refused request may still be sending its body; this long it may go on, so that it can read why it was refused. */
const LINGER_MS = 5_000;

export interface KnownCaller {
  readonly key: KeyRecord;
  readonly principal: Principal;
}

/** What is known of a request at the moment it is refused. */
export interface DeniedContext {
  readonly key?: KeyRecord | null;
  readonly modelRequested?: string;
  readonly requestBytes?: number;
}

/** Tells who calls, and turns away: every refusal is written down and answered in the caller's dialect. */
export class Gatekeeper {
  private readonly catalog: AdmissionCatalog;
  private readonly events: EventPublisher;
  private readonly region: string;
  private readonly hmac: (key: string) => string;

  constructor(
    @Inject(SETTINGS) settings: IngressSettings,
    @Inject(Resources) resources: Resources,
    @Inject(IngressMetrics) private readonly metrics: IngressMetrics,
  ) {
    this.catalog = resources.catalog;
    this.events = resources.events;
    this.region = settings.WEIR_REGION;
    this.hmac = (key) => hmacKey(key, settings.WEIR_KEY_PEPPER);
  }

  /** The caller, or undefined where the request has been refused. */
  identify(arrival: Arrival): KnownCaller | undefined {
    const { request, application, startedAt } = arrival;
    const caller = {
      callerKey: findCallerKey(request.rawHeaders),
      isAddressAllowed: (key: KeyRecord) => isAddressAllowed(key, request.socket.remoteAddress),
      application,
      now: startedAt,
    };
    const result = authenticate(this.catalog, caller, this.hmac);
    if (result.kind === 'admitted') return result;
    this.deny(arrival, result.refusal, { key: result.key });
    return undefined;
  }

  /** The key of a request that is refused for another reason, where it has one that is known. */
  findKey(arrival: Arrival): KeyRecord | null {
    const callerKey = findCallerKey(arrival.request.rawHeaders);
    if (callerKey.kind !== 'key' || this.catalog.state() !== 'ready') return null;
    return this.catalog.findKey(this.hmac(callerKey.key)) ?? null;
  }

  deny(
    arrival: Arrival,
    refusal: Refusal,
    context: DeniedContext = {},
    headers: Readonly<Record<string, string>> = {},
  ): void {
    const { callId, dialect, request, response } = arrival;
    const error = renderRefusal(refusal, dialect, callId);
    this.metrics.denied(dialect, refusal.code);
    // Refusals are not let fill a journal that is full, or no call could ever be admitted again.
    if (this.events.isReady()) this.record(arrival, context, { status: error.status, code: refusal.code });
    else this.metrics.deniedUnrecorded();
    sendError(response, callId, error, headers);
    if (!request.complete && !request.destroyed) this.linger(arrival);
  }

  private record(arrival: Arrival, context: DeniedContext, outcome: Pick<DeniedCall, 'status' | 'code'>): void {
    const { callId, dialect, application, traceparent, startedAt, arrivedAt } = arrival;
    this.events.append(
      deniedEvent({
        callId,
        at: startedAt,
        region: this.region,
        dialect,
        key: context.key ?? null,
        application,
        modelRequested: context.modelRequested ?? null,
        status: outcome.status,
        code: outcome.code,
        requestBytes: context.requestBytes ?? 0,
        latencyMs: performance.now() - arrivedAt,
        traceparent,
      }),
      { onWritten: (error) => error && this.metrics.deniedUnrecorded() },
    );
  }

  /** Node discards the rest of an unread body; this bounds for how long. */
  private linger({ request }: Arrival): void {
    const timer = setTimeout(() => request.destroy(), LINGER_MS);
    request.once('close', () => clearTimeout(timer));
    request.resume();
  }
}
