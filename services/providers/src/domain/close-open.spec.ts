import { describe, expect, it } from '@jest/globals';
import { AttemptFinishedV1, type EventEnvelope } from '@weir/contracts';
import { chargedUsage, EMPTY_USAGE } from '@weir/money';
import { closeOpenAttempts, closesAttempt, opensAttempt } from './close-open.js';

const bound = { ...EMPTY_USAGE, inputUncached: 100, output: 50 };
const started = (attemptId: string): EventEnvelope =>
  ({
    type: 'attempt.started',
    organisationId: 'acme',
    callId: '0197a000-0000-7000-8000-000000000001',
    traceparent: null,
    data: {
      attemptId,
      callId: '0197a000-0000-7000-8000-000000000001',
      attempt: 1,
      principal: { organisationId: 'acme', teamId: 't', personId: null, keyId: 'k', application: 'a' },
      region: 'local',
      provider: 'p',
      deploymentId: 'd',
      adapter: 'anthropic',
      model: 'm',
      upstreamModel: 'u',
      simulated: false,
      priceVersion: 'x@1',
      bound,
      startedAt: 1_000,
    },
  }) as unknown as EventEnvelope;
const id = '0197a000-0000-7000-8000-000000000002';

describe('closeOpenAttempts', () => {
  it('closes what a dead worker left open at its bound, and says that it is reconstructed', () => {
    const [draft] = closeOpenAttempts([started(id)], 3_500);
    expect(AttemptFinishedV1.data.parse(draft?.data)).toMatchObject({
      attemptId: id,
      outcome: 'cut',
      errorCode: 'worker_lost',
      usage: bound,
      usageSource: 'bounded',
      latencyMs: 2_500,
      reconstructed: true,
    });
    expect(draft).toMatchObject({ organisationId: 'acme', callId: started(id).callId });
  });

  it('charges exactly the bound', () => {
    const [draft] = closeOpenAttempts([started(id)], 3_500);
    expect(chargedUsage(AttemptFinishedV1.data.parse(draft?.data) as never)).toEqual(bound);
  });

  it('knows what opens and what closes an attempt', () => {
    expect(opensAttempt(started(id))).toBe(id);
    expect(closesAttempt(started(id))).toBeUndefined();
    expect(closesAttempt({ ...started(id), type: 'attempt.finished' })).toBe(id);
    expect(opensAttempt({ ...started(id), type: 'producer.alive' })).toBeUndefined();
  });
});
