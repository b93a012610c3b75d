import { describe, expect, it } from '@jest/globals';
import {
  CallDeniedV1,
  CallFinishedV1,
  CallStartedV1,
  type AttemptSummary,
  type CallFacts,
  type CallId,
  type EndFrame,
  type FailFrame,
  type HeadFrame,
  type KeyId,
} from '@weir/contracts';
import {
  NOTHING_CONSUMED,
  consumptionOfEnd,
  consumptionOfFailure,
  consumptionUnheard,
  deniedEvent,
  finishedEvent,
  startedEvent,
  type Delivery,
  type StartedCall,
} from './call-record.js';

const callId = '01890a5d-ac96-774b-bcce-b302099a8057' as CallId;
const facts: CallFacts = {
  callId,
  principal: { organisationId: 'org', teamId: 'team', personId: null, keyId: 'k' as KeyId, application: 'curl' },
  region: 'local',
  dialect: 'openai-chat',
  modelRequested: 'gpt-5',
  model: 'sim-openai',
  stream: true,
  startedAt: 1_000,
  requestBytes: 42,
  requestDigest: 'digest',
};
const call: StartedCall = { facts, salt: 'salt', traceparent: null, boundPico: '900' };
const delivery: Delivery = {
  status: 200,
  errorCode: null,
  finishedAt: 2_000,
  latencyMs: 1_000.12345,
  firstTokenMs: 12.00049,
  responseBytes: 77,
};
const attempt = (costPico: string): AttemptSummary => ({
  attemptId: '01890a5d-ac96-774b-bcce-b302099a8058' as AttemptSummary['attemptId'],
  attempt: 1,
  deploymentId: 'd',
  provider: 'simulator',
  status: 200,
  errorCode: null,
  usageSource: 'provider',
  costPico,
});
const head: HeadFrame = {
  status: 200,
  headers: {},
  control: 'c',
  served: { deploymentId: 'd', provider: 'simulator', model: 'up', simulated: true },
  dropped: ['top_k:unsupported'],
};
const usage = {
  inputUncached: 1,
  inputCacheRead: 0,
  inputCacheWrite5m: 0,
  inputCacheWrite1h: 0,
  output: 2,
  reasoning: 0,
};
const end: EndFrame = {
  usage,
  usageSource: 'provider',
  finishReason: 'stop',
  costPico: '30',
  priceVersion: 'p@1',
  firstTokenMs: 5,
  upstreamMs: 9,
  bytes: 77,
  attempts: [attempt('5'), attempt('30')],
};

const withEnvelope = (event: {
  definition: { data: { safeParse(data: unknown): { success: boolean } } };
  data: unknown;
}) => event.definition.data.safeParse(event.data).success;

describe('the record of a call', () => {
  it('starts with the facts and the bound, the salt beside them and not in them', () => {
    const event = startedEvent(call);
    expect(event.definition).toBe(CallStartedV1);
    expect(event.annex).toBe('salt');
    expect(JSON.stringify(event.data)).not.toContain('salt');
    expect(event.data).toMatchObject({ callId, boundPico: '900' });
    expect(withEnvelope(event)).toBe(true);
  });

  it('ends with the cost of all attempts and what served it', () => {
    const event = finishedEvent(call, delivery, consumptionOfEnd(head, end));
    expect(event.definition).toBe(CallFinishedV1);
    expect(event.data).toMatchObject({
      costPico: '35',
      provider: 'simulator',
      deploymentId: 'd',
      simulated: true,
      finishReason: 'stop',
      priceVersion: 'p@1',
      latencyMs: 1_000.123,
      firstTokenMs: 12,
      dropped: ['top_k:unsupported'],
      reconstructed: false,
    });
    expect(event.data).not.toHaveProperty('served');
    expect(withEnvelope(event)).toBe(true);
  });

  it('keeps what failed attempts have cost', () => {
    const failure = { code: 'upstream_reset', message: '', status: null, retryAfterSeconds: null, upstream: null };
    const fail: FailFrame = { failure, attempts: [attempt('7')], served: null, usage, usageSource: 'bounded' };
    const event = finishedEvent(call, delivery, consumptionOfFailure(head, fail, 'p@1'));
    expect(event.data).toMatchObject({
      costPico: '7',
      usageSource: 'bounded',
      provider: 'simulator',
      priceVersion: 'p@1',
    });
    expect(withEnvelope(event)).toBe(true);
    expect(consumptionOfFailure(null, fail, null)).toMatchObject({ served: null, dropped: [] });
  });

  it('bounds the cost of a call whose worker is not heard of again, and claims none where none is known', () => {
    expect(consumptionUnheard(head, '900', 'p@1')).toMatchObject({ costPico: '900', usageSource: 'bounded' });
    expect(consumptionUnheard(null, null, null)).toMatchObject({ costPico: '0', usageSource: 'none', served: null });
    expect(withEnvelope(finishedEvent(call, { ...delivery, firstTokenMs: null }, NOTHING_CONSUMED))).toBe(true);
  });
});

describe('the record of a denied request', () => {
  const denied = {
    callId,
    at: 5,
    region: 'local',
    dialect: 'anthropic' as const,
    key: null,
    application: 'curl',
    modelRequested: null,
    status: 401,
    code: 'invalid_key' as const,
    requestBytes: 0,
    latencyMs: 0.5,
    traceparent: null,
  };

  it('names nobody where no key was recognised', () => {
    const event = deniedEvent(denied);
    expect(event.definition).toBe(CallDeniedV1);
    expect(event.data).toMatchObject({ organisationId: null, keyId: null, errorCode: 'invalid_key', status: 401 });
    expect(event.organisationId).toBeNull();
    expect(withEnvelope(event)).toBe(true);
    expect(event.data).not.toHaveProperty('key');
  });

  it('keeps a name of any length short', () => {
    const event = deniedEvent({ ...denied, modelRequested: 'm'.repeat(5_000) });
    expect(event.data.modelRequested).toHaveLength(256);
  });
});
