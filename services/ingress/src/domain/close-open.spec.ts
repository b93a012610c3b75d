import { describe, expect, it } from '@jest/globals';
import { CallFinishedV1, CallStartedV1, type CallId, type EventEnvelope } from '@weir/contracts';
import { closeOpenCalls, closesCall, opensCall } from './close-open.js';

const callId = '01890a5d-ac96-774b-bcce-b302099a8057' as CallId;

function started(change: object = {}, time = 2_000): EventEnvelope {
  return {
    eventId: '01890a5d-ac96-774b-bcce-b302099a8058',
    type: 'call.started',
    version: 1,
    time,
    producerId: '01890a5d-ac96-774b-bcce-b302099a8059',
    epoch: 1,
    sequence: 1,
    organisationId: 'org',
    callId,
    traceparent: null,
    data: {
      callId,
      principal: { organisationId: 'org', teamId: 't', personId: null, keyId: 'k', application: 'a' },
      region: 'local',
      dialect: 'anthropic',
      modelRequested: 'claude',
      model: 'sim',
      stream: true,
      startedAt: 1_500,
      requestBytes: 10,
      requestDigest: 'd',
      boundPico: '123',
      ...change,
    },
  } as EventEnvelope;
}

describe('closing what a dead ingress left open', () => {
  it('writes a reconstructed record with the bound of its cost, valid as any other', () => {
    const [event] = closeOpenCalls([started()]);
    expect(event?.definition).toBe(CallFinishedV1);
    expect(event?.data).toMatchObject({
      callId,
      status: 502,
      errorCode: 'ingress_lost',
      usageSource: 'bounded',
      costPico: '123',
      reconstructed: true,
      finishedAt: 2_000,
      latencyMs: 500,
    });
    expect(CallFinishedV1.data.safeParse(event?.data).success).toBe(true);
    expect(event?.data).not.toHaveProperty('boundPico');
  });

  it('claims nothing where no price was known', () => {
    for (const boundPico of [null, undefined]) {
      const [event] = closeOpenCalls([started({ boundPico })]);
      expect(event?.data).toMatchObject({ costPico: '0', usageSource: 'none', priceVersion: null });
    }
  });

  it('ends each call at the last sign of life of the process', () => {
    const events = closeOpenCalls([started({}, 2_000), started({}, 9_000)]);
    expect(events.map((event) => (event.data as { finishedAt: number }).finishedAt)).toEqual([9_000, 9_000]);
  });

  it('lets nothing it cannot read stop the rest', () => {
    expect(closeOpenCalls([started({ principal: 5 }), started()])).toHaveLength(1);
  });

  it('opens with call.started and closes with call.finished', () => {
    expect(opensCall(started())).toBe(callId);
    expect(closesCall(started())).toBeUndefined();
    expect(closesCall({ ...started(), type: CallFinishedV1.type })).toBe(callId);
    expect(opensCall({ ...started(), type: 'call.denied' })).toBeUndefined();
    expect(CallStartedV1.type).toBe('call.started');
  });
});
