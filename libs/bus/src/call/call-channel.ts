import { randomBytes } from 'node:crypto';
import {
  CALL_SIZES,
  INBOX_BUNDLE,
  subjects,
  type CallBody,
  type CallEnvelopeV1,
  type CallTiming,
  type WorkerControl,
} from '@weir/contracts';
import { readBundle } from '../connection/bundle.js';
import type { BusConnection } from '../connection/bus-connection.js';
import type { BusMessage, BusSubscription } from '../connection/bus-message.js';
import type { BundledMessage } from '../connection/outbox.js';
import { BodyClaims } from './body-claims.js';
import type { CallDraft, CallHandlers, OpenCall } from './call-handlers.js';
import { encodeCall, publishCall } from './call-message.js';
import { CallCredit, CreditBudget } from './credit.js';
import { decodeFrame } from './frame-codec.js';
import { failFrame } from './frame-contents.js';
import { ChannelCall, type CallTransport } from './open-call.js';

export interface CallChannelOptions {
  readonly connection: BusConnection;
  /** A token that no other live process uses. */
  readonly ingressId: string;
  /** `scaleTiming(settings.timeScale)`. */
  readonly timing: CallTiming;
  readonly clock: { now(): number };
}

interface Route {
  readonly call: ChannelCall;
  /** Inboxes of the calls that left in one message with this one, where it was the first. */
  fellows: readonly string[];
  superseded: boolean;
}

/**
 * The ingress side of the call channel: starts calls and hands their frames to whoever started them. One subscription for all
 * calls, one timer for all of them. It beats for the workers, serves the bodies it holds, repeats credit and cancel, notices lost
 * frames and lost workers, and routes a call that nobody took once more.
 */
export class CallChannel {
  private readonly routes = new Map<string, Route>();
  private readonly calls = new Map<ChannelCall, { readonly body: Uint8Array; readonly inboxes: string[] }>();
  private readonly budget = new CreditBudget();
  private readonly claims: BodyClaims;
  private readonly subscription: BusSubscription;
  private readonly removeDisconnectListener: () => void;
  private readonly beatTimer: NodeJS.Timeout;
  private readonly sweepTimer: NodeJS.Timeout;
  private readonly sweepEveryMs: number;
  private readonly transport: CallTransport;
  /** Keeps inboxes of an earlier process with the same id apart from ours. */
  private readonly boot = randomBytes(4).toString('hex');
  private readonly prefixLength: number;
  private counter = 0;
  private sweptAt = performance.now();

  constructor(private readonly options: CallChannelOptions) {
    const { connection, ingressId, timing } = options;
    this.prefixLength = subjects.inbox(ingressId, '').length;
    this.subscription = connection.subscribe(subjects.inboxAll(ingressId), (message) => this.onMessage(message));
    this.removeDisconnectListener = connection.onDisconnect(() => {
      for (const call of this.calls.keys()) call.onDisconnect();
    });
    this.claims = new BodyClaims(connection, ingressId);
    this.transport = {
      timing,
      now: () => performance.now(),
      control: (subject, message) => this.sendControl(subject, message),
      reroute: (call) => this.reroute(call),
      forget: (call) => this.forget(call),
    };
    this.beat();
    this.beatTimer = setInterval(() => this.beat(), timing.ingressBeatEveryMs);
    this.sweepEveryMs = Math.max(5, Math.min(timing.cancelRepeatMs, timing.creditRepeatMs));
    // After the poll phase: what has already arrived is read before anything is judged to be missing.
    this.sweepTimer = setInterval(() => setImmediate(() => this.sweep()), this.sweepEveryMs);
  }

  /** Calls that have not ended, cancelled ones included. */
  get openCalls(): number {
    return this.calls.size;
  }

  /**
   * Publishes a call to its region's routers at the end of this turn. Bodies over `CALL_SIZES.inlineBodyMax` are held here and
   * travel by claim check. `body` must not change until the call has ended. Throws RangeError for a body over `CALL_SIZES.bodyMax`.
   */
  start(draft: CallDraft, body: Uint8Array, handlers: CallHandlers): OpenCall {
    if (body.length > CALL_SIZES.bodyMax) throw new RangeError(`a body of ${body.length} bytes`);
    const credit = new CallCredit(this.budget);
    const envelope = this.envelopeOf(draft, body, credit.initial);
    const call = new ChannelCall(envelope, handlers, credit, this.transport);
    this.calls.set(call, { body, inboxes: [] });
    if (this.options.connection.isConnected) this.publish(call, envelope, body);
    else setImmediate(() => call.refuse(failFrame('bus_unavailable', null)));
    return call;
  }

  /** Stops listening. Calls that are open hear nothing more: drain before, by waiting for {@link openCalls} to reach 0. */
  close(): void {
    clearInterval(this.beatTimer);
    clearInterval(this.sweepTimer);
    this.subscription.unsubscribe();
    this.removeDisconnectListener();
    this.claims.close();
    this.routes.clear();
    this.calls.clear();
  }

  /** Written out field by field: spreading objects this large is a twentieth of what a call costs here. */
  private envelopeOf(draft: CallDraft, body: Uint8Array, initialCredit: number): CallEnvelopeV1 {
    return {
      version: 1,
      callId: draft.callId,
      traceparent: draft.traceparent,
      ingressId: this.options.ingressId,
      region: draft.region,
      principal: draft.principal,
      dialect: draft.dialect,
      apiVersion: draft.apiVersion,
      modelRequested: draft.modelRequested,
      model: draft.model,
      stream: draft.stream,
      headers: draft.headers,
      maxOutputTokens: draft.maxOutputTokens,
      choices: draft.choices,
      startedAt: draft.startedAt,
      dispatchBy: this.dispatchBy(),
      body: this.place(body),
      prices: draft.prices,
      attempts: draft.attempts,
      lastFailure: draft.lastFailure,
      target: null,
      initialCredit,
    };
  }

  private place(body: Uint8Array): CallBody {
    if (body.length <= CALL_SIZES.inlineBodyMax) return { kind: 'inline', bytes: body.length };
    return { kind: 'claim', bytes: body.length, token: this.claims.hold(body) };
  }

  private dispatchBy(): number {
    return this.options.clock.now() + this.options.timing.dispatchWithinMs;
  }

  private publish(call: ChannelCall, envelope: CallEnvelopeV1, body: Uint8Array): void {
    const inbox = `${this.boot}${(this.counter++).toString(36)}`;
    this.routes.set(inbox, { call, fellows: [], superseded: false });
    this.calls.get(call)?.inboxes.push(inbox);
    const inline = envelope.body.kind === 'inline' ? body : new Uint8Array(0);
    const replyTo = subjects.inbox(this.options.ingressId, inbox);
    publishCall(this.options.connection, subjects.route(envelope.region), {
      payload: encodeCall(envelope, inline),
      replyTo,
      onBundle: this.onBundle,
    });
  }

  /** That nobody listens is told to the first call of a bundle: it tells the others. */
  private readonly onBundle = (messages: readonly BundledMessage[]): void => {
    const inboxes = messages.map(({ address }) => address.slice(this.prefixLength));
    const first = this.routes.get(inboxes[0] ?? '');
    if (first !== undefined) first.fellows = inboxes.slice(1);
  };

  /** A new inbox, so that frames of the first route, should it come to life after all, cannot be taken for the second's. */
  private reroute(call: ChannelCall): void {
    const open = this.calls.get(call);
    if (open === undefined) return;
    for (const inbox of open.inboxes) {
      const route = this.routes.get(inbox);
      if (route !== undefined) route.superseded = true;
    }
    this.publish(call, { ...call.envelope, dispatchBy: this.dispatchBy() }, open.body);
  }

  private forget(call: ChannelCall): void {
    const open = this.calls.get(call);
    if (open === undefined) return;
    this.calls.delete(call);
    for (const inbox of open.inboxes) this.routes.delete(inbox);
    if (call.envelope.body.kind === 'claim') this.claims.release(call.envelope.body.token);
  }

  private onMessage(message: BusMessage): void {
    const inbox = message.subject.slice(this.prefixLength);
    const { data } = message;
    if (message.isNoResponders) return this.onNoResponders(inbox);
    if (inbox !== INBOX_BUNDLE) return this.onFrame(inbox, data);
    // What is cut off is missed by its call: a gap, or silence.
    readBundle(data, (entry, frame) => this.onFrame(entry, frame));
  }

  private onNoResponders(inbox: string): void {
    for (const one of [inbox, ...(this.routes.get(inbox)?.fellows ?? [])]) {
      const route = this.routes.get(one);
      if (route !== undefined && !route.superseded) route.call.onNoResponders();
    }
  }

  private onFrame(inbox: string, data: Buffer): void {
    const route = this.routes.get(inbox);
    if (route === undefined) return;
    const frame = decodeFrame(data);
    if (frame === undefined) return;
    if (route.superseded) route.call.onSupersededFrame(frame);
    else route.call.onFrame(frame);
  }

  private sendControl(subject: string, message: WorkerControl): void {
    this.options.connection.publish(subject, Buffer.from(JSON.stringify(message)));
  }

  private beat(): void {
    const { connection, ingressId } = this.options;
    connection.publish(subjects.beat(), Buffer.from(JSON.stringify({ ingressId })));
  }

  private sweep(): void {
    const now = performance.now();
    // After a pause of this process (a debugger, a stopped container) the frames that came meanwhile are still to be read:
    // judging silence now would lose calls whose workers never stopped talking.
    const wasPaused = now - this.sweptAt > 10 * this.sweepEveryMs;
    this.sweptAt = now;
    if (wasPaused) return;
    for (const call of [...this.calls.keys()]) call.sweep();
  }
}
