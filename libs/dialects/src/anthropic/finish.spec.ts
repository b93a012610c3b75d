import { describe, expect, it } from '@jest/globals';
import { mapAnthropicFinish, mapFinishToAnthropic } from './finish.js';

describe('Anthropic finish reasons', () => {
  it.each([
    ['end_turn', 'stop'],
    ['stop_sequence', 'stop-sequence'],
    ['max_tokens', 'length'],
    ['model_context_window_exceeded', 'context-length'],
    ['tool_use', 'tool-calls'],
    ['refusal', 'refusal'],
    ['pause_turn', 'pause'],
  ] as const)('%s and %s stand for each other', (wire, neutral) => {
    expect(mapAnthropicFinish(wire)).toBe(neutral);
    expect(mapFinishToAnthropic(neutral)).toBe(wire);
  });

  it.each([
    ['content-filter', 'refusal'],
    ['malformed', 'end_turn'],
  ] as const)('%s is shown as %s', (neutral, wire) => {
    expect(mapFinishToAnthropic(neutral)).toBe(wire);
  });
});
