import { Inject } from '@nestjs/common';
import type { CallDraft } from '@weir/bus';
import type { CallFacts, KeyRecord, ModelRecord, PinnedPrice } from '@weir/contracts';
import { scanRequest, type ScannedRequest } from '@weir/dialects';
import { CLOCK, SETTINGS, type Clock } from '@weir/kit';
import { formatPico } from '@weir/money';
import { admitModel } from '../../domain/admission.js';
import { apiVersionOf, upstreamHeaders } from '../../domain/header-policy.js';
import { refuse, type Refusal } from '../../domain/refusal.js';
import { digestRequest } from '../../domain/request-digest.js';
import { boundCost } from '../../domain/settlement.js';
import type { IngressSettings } from '../../settings.js';
import { Resources } from '../bus/resources.js';
import type { Arrival } from './arrival.js';
import { BodyBudget, readBody, refuseByHeaders } from './body-reader.js';
import { Gatekeeper, type KnownCaller } from './gatekeeper.js';
import { IngressMetrics } from './ingress-metrics.js';
import { LiveCall, type CallStart, type CallSurroundings } from './live-call.js';
import { OpenCalls } from './open-calls.js';

/** OpenAI's own limit of `n`; each answer multiplies what a call may cost. */
const CHOICES_MAX = 128;

interface AdmittedModel {
  readonly scan: ScannedRequest;
  readonly modelRequested: string;
  readonly model: ModelRecord;
  readonly prices: PinnedPrice[];
}

/** From a request to a running call: caller, body, model, price, digest. Whatever stands in the way is denied and recorded. */
export class CallIntake {
  private readonly surroundings: CallSurroundings;

  constructor(
    @Inject(SETTINGS) private readonly settings: IngressSettings,
    @Inject(Resources) private readonly resources: Resources,
    @Inject(Gatekeeper) private readonly gatekeeper: Gatekeeper,
    @Inject(OpenCalls) private readonly openCalls: OpenCalls,
    @Inject(BodyBudget) private readonly bodies: BodyBudget,
    @Inject(IngressMetrics) metrics: IngressMetrics,
    @Inject(CLOCK) clock: Clock,
  ) {
    const { channel, events, timing, catalog } = resources;
    this.surroundings = {
      channel,
      events,
      metrics,
      timing,
      clock,
      clientStallMs: settings.WEIR_CLIENT_STALL_MS,
      findPrice: (priceVersion) => catalog.price(priceVersion),
      onClosed: (call) => openCalls.delete(call),
    };
  }

  /** Settles once the call runs or was refused. Never rejects because of what a client sends. */
  async take(arrival: Arrival): Promise<void> {
    const { gatekeeper } = this;
    const obstacle = this.findObstacle();
    if (obstacle) {
      gatekeeper.deny(arrival, obstacle, { key: gatekeeper.findKey(arrival) });
      return;
    }
    const caller = gatekeeper.identify(arrival);
    if (!caller) return;
    const body = await this.read(arrival, caller.key);
    if (!body) return;
    let isRunning = false;
    try {
      const admitted = this.admit(arrival, caller.key, body);
      if (admitted) await this.begin(arrival, caller, body, admitted);
      isRunning = admitted !== undefined;
    } finally {
      // A running call gives its body back when it has ended.
      if (!isRunning) this.bodies.give(body.length);
    }
  }

  private async read(arrival: Arrival, key: KeyRecord): Promise<Buffer | undefined> {
    const { gatekeeper, bodies } = this;
    const stallMs = this.settings.WEIR_BODY_STALL_MS;
    const early = refuseByHeaders(arrival.request);
    if (early) {
      gatekeeper.deny(arrival, early, { key });
      return undefined;
    }
    const read = await readBody(arrival.request, { budget: bodies, stallMs });
    if (read.kind === 'read') return read.body;
    gatekeeper.deny(arrival, read.refusal, { key, requestBytes: read.received });
    return undefined;
  }

  private admit(arrival: Arrival, key: KeyRecord, body: Buffer): AdmittedModel | undefined {
    const { gatekeeper } = this;
    const { catalog } = this.resources;
    const requestBytes = body.length;
    const scan = scanRequest(arrival.dialect, body);
    if (!scan.ok) {
      const { code, message, param } = scan.fault;
      gatekeeper.deny(arrival, refuse(code, { message, param }), { key, requestBytes });
      return undefined;
    }
    const modelRequested = scan.model ?? '';
    if (scan.n > CHOICES_MAX) {
      const message = `n: must be at most ${CHOICES_MAX}`;
      gatekeeper.deny(arrival, refuse('invalid_request', { message, param: 'n' }), {
        key,
        modelRequested,
        requestBytes,
      });
      return undefined;
    }
    const admission = admitModel(catalog, key, modelRequested, arrival.startedAt);
    if (admission.kind === 'admitted')
      return { scan, modelRequested, model: admission.model, prices: admission.prices };
    gatekeeper.deny(arrival, admission.refusal, { key, modelRequested, requestBytes });
    return undefined;
  }

  /** Why no call can be made now, whoever asks. In strict audit a call that could not be recorded is not made. */
  private findObstacle(): Refusal | undefined {
    if (this.openCalls.isDraining) return refuse('draining');
    if (!this.resources.connection.isConnected) return refuse('bus_unavailable');
    return this.resources.events.isReady() ? undefined : refuse('audit_unavailable');
  }

  private async begin(
    arrival: Arrival,
    { principal }: KnownCaller,
    body: Buffer,
    admitted: AdmittedModel,
  ): Promise<void> {
    const { digest, salt } = await digestRequest(body);
    const { callId, dialect, startedAt, traceparent } = arrival;
    const { scan, modelRequested, model } = admitted;
    const facts: CallFacts = {
      callId,
      principal,
      region: this.settings.WEIR_REGION,
      dialect,
      modelRequested,
      model: model.name,
      stream: scan.stream,
      startedAt,
      requestBytes: body.length,
      requestDigest: digest,
    };
    const { maxOutputTokens, n: choices } = scan;
    const bounds = { model, prices: admitted.prices, requestBytes: body.length, maxOutputTokens, choices };
    const bound = boundCost(bounds, null, this.surroundings.findPrice);
    const start: CallStart = {
      call: { facts, salt, traceparent, boundPico: bound === null ? null : formatPico(bound) },
      draft: draftOf(arrival, facts, admitted),
      body,
      response: arrival.response,
      arrivedAt: arrival.arrivedAt,
      releaseBody: () => this.bodies.give(body.length),
    };
    const call = new LiveCall(start, this.surroundings);
    this.openCalls.add(call);
    call.begin();
  }
}

function draftOf(arrival: Arrival, facts: CallFacts, { scan, model, prices }: AdmittedModel): CallDraft {
  const { headers } = arrival.request;
  return {
    callId: facts.callId,
    traceparent: arrival.traceparent,
    region: facts.region,
    principal: facts.principal,
    dialect: facts.dialect,
    apiVersion: apiVersionOf(headers, facts.dialect),
    modelRequested: facts.modelRequested,
    model: model.name,
    stream: facts.stream,
    headers: upstreamHeaders(headers, facts.dialect),
    maxOutputTokens: scan.maxOutputTokens,
    choices: scan.n,
    startedAt: facts.startedAt,
    prices,
    attempts: [],
    lastFailure: null,
  };
}
