import { describe, expect, it } from '@jest/globals';
import type { EndFrame, FailFrame, HeadFrame } from '@weir/contracts';
import { CallAccount } from './call-account.js';
import { failureHere } from './error-answer.js';

const served = { deploymentId: 'd', provider: 'simulator', model: 'up', simulated: true };
const head: HeadFrame = { status: 200, headers: {}, control: 'c', served, dropped: [] };
const end: EndFrame = {
  usage: null,
  usageSource: 'none',
  finishReason: 'stop',
  costPico: '0',
  priceVersion: 'p@1',
  firstTokenMs: null,
  upstreamMs: 1,
  bytes: 7,
  attempts: [],
};
const prices = [{ deploymentId: 'd', priceVersion: 'p@1' }];
const open = () => new CallAccount(prices, '900');
const fail = (change: Partial<FailFrame>): FailFrame => ({
  failure: failureHere('upstream_error'),
  attempts: [],
  served: null,
  usage: null,
  usageSource: 'none',
  ...change,
});

describe('the account of a call', () => {
  it('is nothing before anything is heard, and for a call that was not sent', () => {
    const account = open();
    expect(account.consumption).toMatchObject({ costPico: '0', usageSource: 'none' });
    account.notSent('no_worker');
    expect(account.failure?.code).toBe('no_worker');
    expect(account.consumption).toMatchObject({ costPico: '0', usageSource: 'none', attempts: [] });
  });

  it('is the bound where a worker is lost, at the price pinned for what served it', () => {
    const account = open();
    account.head = head;
    account.lost();
    expect(account.failure?.code).toBe('worker_lost');
    expect(account.consumption).toMatchObject({ costPico: '900', usageSource: 'bounded', priceVersion: 'p@1', served });
  });

  it('is the bound where the channel gave up a call without an account of its worker', () => {
    const account = open();
    account.failed(fail({ failure: failureHere('sequence_gap'), usageSource: 'bounded' }));
    expect(account.consumption).toMatchObject({ costPico: '900', usageSource: 'bounded' });
  });

  it('is what the worker says where it says something', () => {
    const account = open();
    account.failed(fail({ served }));
    expect(account.consumption).toMatchObject({ costPico: '0', usageSource: 'none', priceVersion: 'p@1' });
    account.completed(head, end);
    expect(account.end).toBe(end);
    expect(account.consumption).toMatchObject({ finishReason: 'stop', served });
  });

  it('is a failure of ours for an answer that ended without having begun', () => {
    const account = open();
    account.endedWithin(end);
    expect(account.failure?.code).toBe('internal');
    expect(account.end).toBeNull();
  });
});
