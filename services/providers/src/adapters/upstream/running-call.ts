import { pullBody, type CallReply, type CancelReason, type IncomingCall } from '@weir/bus';
import {
  AttemptStartedV1,
  ERRORS,
  uuidv7,
  type AttemptFacts,
  type CallFailure,
  type ErrorCode,
  type HeadFrame,
} from '@weir/contracts';
import { getDialect, JsonSyntaxError, type RequestFault, type WireDialect } from '@weir/dialects';
import { EgressError } from '@weir/egress';
import { factsOf } from '../../domain/attempt-record.js';
import type { AttemptEnd } from '../../domain/attempt-conclusion.js';
import { scaleTimeouts } from '../../domain/deadlines.js';
import { prepareCall, type PreparedCall } from '../../domain/prepare-call.js';
import type { TargetRecords } from '../../domain/target-records.js';
import { upstreamDialect } from '../../domain/upstream-dialect.js';
import { faultOf } from '../../domain/upstream-fault.js';
import { shownHeaders } from '../../domain/upstream-headers.js';
import { AttemptClosing } from './attempt-closing.js';
import type { CallServices } from './call-services.js';
import { ClientOutlet } from './client-outlet.js';
import { CredentialError } from './provider-credentials.js';
import { faultOfEgress } from './egress-fault.js';
import { UpstreamAnswer } from './upstream-answer.js';

const CANCEL_CODES: Readonly<Record<CancelReason, ErrorCode>> = {
  'client-gone': 'client_gone',
  draining: 'draining',
  // The ingress gave this run up: it had lost sight of it.
  denied: 'worker_lost',
  gap: 'sequence_gap',
};

export interface RunningCallOptions {
  readonly services: CallServices;
  readonly call: IncomingCall;
  readonly reply: CallReply;
  readonly target: TargetRecords;
  readonly onClosed: (call: RunningCall) => void;
}

/** One call on this worker, from the message to its terminal frame: at most one attempt. */
export class RunningCall {
  readonly target: TargetRecords;
  private readonly services: CallServices;
  private readonly call: IncomingCall;
  private readonly reply: CallReply;
  private readonly onClosed: (call: RunningCall) => void;
  private bodyAbort: AbortController | null = null;
  private cancelled: ErrorCode | null = null;
  private readonly unregister: () => void;
  private readonly dialect: WireDialect;
  private answer: UpstreamAnswer | null = null;
  private closing: AttemptClosing | null = null;
  private outlet: ClientOutlet | null = null;
  private isClosed = false;
  private claimState: 'waiting' | 'claimed' | 'late' = 'waiting';
  private lastPingAt: number;

  constructor(options: RunningCallOptions) {
    const { services, call, reply, target } = options;
    this.services = services;
    this.call = call;
    this.reply = reply;
    this.target = target;
    this.onClosed = options.onClosed;
    const { envelope } = call;
    this.dialect = upstreamDialect(target.deployment.adapter, target.deployment.upstreamModel, envelope.dialect);
    this.lastPingAt = performance.now();
    this.unregister = services.control.register(envelope.callId, envelope.ingressId, {
      onCredit: (offset, attempt) => attempt === reply.attempt && this.grant(offset),
      onCancel: (reason) => this.cancel(CANCEL_CODES[reason]),
      onIngressLost: () => this.cancel('ingress_lost'),
    });
    services.connection.deferToFlush(() => this.claim());
  }

  /** Bytes of the request that are held, or will be once they are pulled. */
  get bodyBytes(): number {
    return this.call.envelope.body.bytes;
  }

  get isPaused(): boolean {
    return this.answer?.isPausedForClient ?? false;
  }

  async run(): Promise<void> {
    try {
      const body = await this.readBody();
      if (this.isClosed) return;
      if (this.claimState === 'late') return this.leaveToOthers();
      const { envelope } = this.call;
      const { deployment } = this.target;
      const preparation = prepareCall({ envelope, deployment, upstream: this.dialect, body });
      if (!preparation.ok) return this.refuse(preparation.fault.code, preparation.fault);
      this.begin(preparation.prepared);
    } catch (error) {
      this.crash(error);
    }
  }

  /** Ends the call from our side; an upstream that is open is closed in this turn. */
  cancel(code: ErrorCode): void {
    if (this.isClosed) return;
    this.cancelled = code;
    this.bodyAbort?.abort();
    if (code === 'ingress_lost') this.closing?.abandon();
    if (!this.answer) return this.refuse(code);
    if (this.answer.hasEnded) this.outlet?.discard();
    else this.answer.stop({ kind: 'cancelled', code });
  }

  sweep(now: number): void {
    this.answer?.sweep(now);
    this.closing?.sweep(now);
    if (this.isClosed || now - Math.max(this.lastPingAt, this.reply.lastFrameAt) < this.services.timing.pingEveryMs)
      return;
    this.lastPingAt = now;
    this.reply.ping({ blockedAt: this.outlet?.isBlocked ? this.reply.bytesSent : null });
  }

  private grant(offset: number): void {
    if (this.answer) this.answer.grant(offset);
  }

  private async readBody(): Promise<Uint8Array> {
    const { envelope, body } = this.call;
    if (envelope.body.kind === 'inline') return body;
    const { bytes, token } = envelope.body;
    const parts: Buffer[] = [];
    this.bodyAbort = new AbortController();
    const options = { ingressId: envelope.ingressId, token, bytes, signal: this.bodyAbort.signal };
    for await (const part of pullBody(this.services.connection, options)) parts.push(part);
    return Buffer.concat(parts);
  }

  /** Writes down that an attempt starts; the request leaves when that is in the journal. */
  private begin(prepared: PreparedCall): void {
    const { services, call, target } = this;
    const { envelope } = call;
    const facts = factsOf({
      attemptId: uuidv7() as AttemptFacts['attemptId'],
      envelope,
      ...target,
      startedAt: services.clock.now(),
    });
    const outlet = new ClientOutlet(this.reply, () => this.headFrame(prepared), envelope.initialCredit);
    const answer = new UpstreamAnswer({
      prepared,
      dialect: this.dialect,
      isStreamWanted: envelope.stream,
      timeouts: scaleTimeouts(target.provider.timeouts, services.timeScale),
      outlet,
      now: () => performance.now(),
      onEnd: (end) => this.close(end, facts, prepared),
    });
    services.publisher.append(
      {
        definition: AttemptStartedV1,
        data: facts,
        organisationId: envelope.principal.organisationId,
        callId: envelope.callId,
        traceparent: envelope.traceparent,
      },
      {
        onWritten: (error) =>
          error ? this.refuse('audit_unavailable') : void this.send(facts, prepared, answer, outlet),
      },
    );
  }

  private async send(
    facts: AttemptFacts,
    prepared: PreparedCall,
    answer: UpstreamAnswer,
    outlet: ClientOutlet,
  ): Promise<void> {
    this.answer = answer;
    this.outlet = outlet;
    // Cancelled while it was written down: what was started is also closed.
    if (this.cancelled) return answer.stop({ kind: 'cancelled', code: this.cancelled });
    const isUnsaid = this.claimState === 'waiting';
    if (!this.claim() || !this.services.connection.isConnected)
      return answer.stop({ kind: 'cancelled', code: 'not_dispatched' });
    // Heard of before the request leaves, not beside it.
    if (isUnsaid) this.services.connection.flushTurn();
    const { services, call, target } = this;
    try {
      const pool = services.pools.get(target.provider, target.deployment.adapter);
      const request = services.adapters[target.deployment.adapter]({
        attemptId: facts.attemptId,
        envelope: call.envelope,
        ...target,
        credential: services.credentials.get(target.provider.id, pool.origin),
        origin: pool.origin,
        basePath: pool.basePath,
        dialect: this.dialect,
        body: prepared.body,
      });
      const outbound = request instanceof Promise ? await request : request;
      if (!answer.hasEnded) answer.follow(pool.dispatcher.send(outbound, answer));
    } catch (error) {
      answer.stop(this.endOfFailedSend(error));
    }
  }

  /**
   * Says that this worker runs the call, just before this turn's messages are written, or before the request leaves where the journal was quicker
   * than that. Past `dispatchBy` an ingress that has heard nothing routes the call again or tells its client that nothing was sent, so a worker that
   * was held up sends nothing; neither does one that the broker has lost, for nobody would hear it say so.
   */
  private claim(): boolean {
    if (this.isClosed || this.claimState !== 'waiting') return this.claimState === 'claimed';
    const isHeard = this.services.connection.isConnected && this.services.clock.now() <= this.call.envelope.dispatchBy;
    this.claimState = isHeard ? 'claimed' : 'late';
    if (this.claimState === 'claimed') this.reply.accept({ control: this.services.control.control });
    else this.services.metrics.late.inc();
    return this.claimState === 'claimed';
  }

  private endOfFailedSend(error: unknown): AttemptEnd {
    const { provider } = this.target;
    this.services.logger.error({ err: error, provider: provider.id }, 'an upstream request could not be made');
    if (error instanceof CredentialError) return { kind: 'fault', fault: faultOf('upstream_auth') };
    if (error instanceof EgressError) return { kind: 'fault', fault: faultOfEgress(error.code) };
    return { kind: 'fault', fault: faultOf('internal') };
  }

  private headFrame(prepared: PreparedCall): HeadFrame {
    const { envelope } = this.call;
    const { deployment, provider } = this.target;
    const headers = this.answer?.headers ?? {};
    const client = getDialect(envelope.dialect);
    const ownType = envelope.stream ? client.streamContentType : 'application/json';
    return {
      status: 200,
      headers: {
        'content-type': (prepared.isSameDialect ? headers['content-type'] : undefined) ?? ownType,
        ...(prepared.isSameDialect ? shownHeaders(headers) : {}),
      },
      control: this.services.control.control,
      served: {
        deploymentId: deployment.id,
        provider: provider.id,
        model: deployment.upstreamModel,
        simulated: provider.simulated,
      },
      dropped: [...prepared.dropped],
    };
  }

  private close(end: AttemptEnd, facts: AttemptFacts, prepared: PreparedCall): void {
    const { answer, outlet } = this;
    if (!answer || !outlet) return;
    this.closing = new AttemptClosing(
      {
        services: this.services,
        call: this.call,
        reply: this.reply,
        facts,
        prepared,
        answer,
        outlet,
        head: () => this.headFrame(prepared),
      },
      end,
      () => this.finish(),
    );
    const isUnheard = end.kind === 'cancelled' && (end.code === 'ingress_lost' || end.code === 'not_dispatched');
    if (isUnheard) this.closing.abandon();
  }

  /** Ends the call without an attempt: nothing has been sent to a provider. */
  private refuse(code: ErrorCode, fault: Partial<Pick<RequestFault, 'message' | 'param'>> = {}): void {
    if (this.isClosed) return;
    const { message = ERRORS[code].message, param = null } = fault;
    const failure: CallFailure = { code, message, param, status: null, retryAfterSeconds: null, upstream: null };
    const { attempts } = this.call.envelope;
    if (code === 'ingress_lost') this.reply.abandon();
    else this.reply.fail({ failure, attempts, served: null, usage: null, usageSource: 'none' });
    this.finish();
  }

  /** Nothing was sent and nobody waits for this worker: it says nothing. */
  private leaveToOthers(): void {
    this.reply.abandon();
    this.finish();
  }

  private crash(error: unknown): void {
    if (this.isClosed) return;
    if (error instanceof JsonSyntaxError) return this.refuse('malformed_json');
    if (this.cancelled) return;
    const code: ErrorCode = isBodyUnavailable(error) ? 'body_unavailable' : 'internal';
    this.services.logger.error({ err: error, callId: this.call.envelope.callId }, 'a call could not be run');
    if (this.answer) this.answer.stop({ kind: 'fault', fault: faultOf(code) });
    else this.refuse(code);
  }

  private finish(): void {
    if (this.isClosed) return;
    this.isClosed = true;
    this.unregister();
    this.onClosed(this);
  }
}

function isBodyUnavailable(error: unknown): boolean {
  return error instanceof Error && error.name === 'BodyUnavailableError';
}
