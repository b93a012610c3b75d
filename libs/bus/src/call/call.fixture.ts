import { randomUUID } from 'node:crypto';
import type { CallId, EndFrame, FailFrame, HeadFrame, KeyId, WholeFrame } from '@weir/contracts';
import type { CallDraft, CallHandlers } from './call-handlers.js';

export function callDraft(): CallDraft {
  return {
    callId: randomUUID() as CallId,
    traceparent: null,
    region: 'local',
    principal: { organisationId: 'o', teamId: 't', personId: null, keyId: 'k' as KeyId, application: '' },
    dialect: 'openai-chat',
    apiVersion: null,
    modelRequested: 'm',
    model: 'm',
    stream: true,
    headers: {},
    maxOutputTokens: null,
    startedAt: 1,
    prices: [],
    attempts: [],
    lastFailure: null,
  };
}

export const headFrame = (control: string): HeadFrame => ({
  status: 200,
  headers: { 'content-type': 'text/event-stream' },
  control,
  served: { deploymentId: 'd', provider: 'p', model: 'm', simulated: true },
  dropped: [],
});

export const endFrame = (bytes: number): EndFrame => ({
  usage: { inputUncached: 1, inputCacheRead: 0, inputCacheWrite5m: 0, inputCacheWrite1h: 0, output: 2, reasoning: 0 },
  usageSource: 'provider',
  finishReason: 'stop',
  costPico: '5',
  priceVersion: 'm@2026',
  firstTokenMs: 1,
  upstreamMs: 2,
  bytes,
  attempts: [],
});

/** Notes what a call's handlers were told, in order. */
export class CallRecorder implements CallHandlers {
  readonly told: string[] = [];
  readonly chunks: Buffer[] = [];
  ended: EndFrame | undefined;
  failed: FailFrame | undefined;
  wholeBody: Buffer | undefined;
  onData: ((received: number) => void) | undefined;
  private received = 0;

  get text(): string {
    return Buffer.concat(this.chunks).toString('utf8');
  }
  get bytes(): number {
    return this.received;
  }
  get isOver(): boolean {
    return this.told.some((name) => TERMINALS.has(name));
  }

  accepted(): void {
    this.told.push('accepted');
  }
  head(): void {
    this.told.push('head');
  }
  data(bytes: Buffer): void {
    if (this.told.at(-1) !== 'data') this.told.push('data');
    this.chunks.push(bytes);
    this.received += bytes.length;
    this.onData?.(this.received);
  }
  end(frame: EndFrame): void {
    this.told.push('end');
    this.ended = frame;
  }
  whole(_frame: WholeFrame, body: Buffer): void {
    this.told.push('whole');
    this.wholeBody = body;
  }
  fail(frame: FailFrame): void {
    this.told.push(`fail:${frame.failure.code}`);
    this.failed = frame;
  }
  noResponders(): void {
    this.told.push('noResponders');
  }
  notDispatched(): void {
    this.told.push('notDispatched');
  }
  lost(): void {
    this.told.push('lost');
  }
}

const TERMINALS: ReadonlySet<string> = new Set([
  'end',
  'whole',
  'noResponders',
  'notDispatched',
  'lost',
  'fail:sequence_gap',
  'fail:internal',
  'fail:bus_unavailable',
  'fail:upstream_error',
  'fail:client_gone',
]);
