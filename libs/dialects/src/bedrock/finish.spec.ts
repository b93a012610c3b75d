import { describe, expect, it } from '@jest/globals';
import { mapConverseFinish, mapFinishToConverse } from './finish.js';

describe('Converse finish reasons', () => {
  it.each([
    ['end_turn', 'stop'],
    ['stop_sequence', 'stop-sequence'],
    ['max_tokens', 'length'],
    ['model_context_window_exceeded', 'context-length'],
    ['tool_use', 'tool-calls'],
    ['content_filtered', 'content-filter'],
    ['malformed_model_output', 'malformed'],
  ] as const)('%s and %s stand for each other', (wire, neutral) => {
    expect(mapConverseFinish(wire)).toBe(neutral);
    expect(mapFinishToConverse(neutral)).toBe(wire);
  });

  it.each([
    ['guardrail_intervened', 'content-filter'],
    ['malformed_tool_use', 'malformed'],
    ['something_new', 'stop'],
  ] as const)('%s means %s', (wire, neutral) => {
    expect(mapConverseFinish(wire)).toBe(neutral);
  });

  it.each([
    ['refusal', 'content_filtered'],
    ['pause', 'end_turn'],
  ] as const)('%s is shown as %s', (neutral, wire) => {
    expect(mapFinishToConverse(neutral)).toBe(wire);
  });
});
