import { describe, expect, it } from '@jest/globals';
import { collectResponse } from './collect-response.js';
import type { StreamEvent } from './stream-event.js';
import { EMPTY_USAGE } from './usage.js';

const start: StreamEvent = { type: 'message-start', id: 'i', model: 'm' };
const finish: StreamEvent = { type: 'finish', reason: 'tool-calls' };

describe('collectResponse', () => {
  it('keeps blocks in the order they were started, however their events interleave', () => {
    const events: StreamEvent[] = [
      start,
      { type: 'tool-call-start', block: 1, id: 'a', name: 'f' },
      { type: 'tool-call-start', block: 2, id: 'b', name: 'g' },
      { type: 'tool-call-delta', block: 2, fragment: '{"y"' },
      { type: 'tool-call-delta', block: 1, fragment: '{}' },
      { type: 'tool-call-delta', block: 2, fragment: ':1}' },
      finish,
    ];
    expect(collectResponse(events)?.content).toEqual([
      { type: 'tool-call', id: 'a', name: 'f', input: '{}' },
      { type: 'tool-call', id: 'b', name: 'g', input: '{"y":1}' },
    ]);
  });

  it('lets the last usage win instead of adding up', () => {
    const usage = { ...EMPTY_USAGE, output: 5 };
    const events: StreamEvent[] = [
      start,
      { type: 'usage', usage: { ...usage, output: 3 } },
      finish,
      { type: 'usage', usage },
    ];
    expect(collectResponse(events)?.usage).toEqual(usage);
  });

  it('gives no answer for a stream that failed or never finished', () => {
    const error: StreamEvent = { type: 'error', error: { type: 'api', status: 500, message: 'x' } };
    expect(collectResponse([start, finish, error])).toBeUndefined();
    expect(collectResponse([start])).toBeUndefined();
  });
});
