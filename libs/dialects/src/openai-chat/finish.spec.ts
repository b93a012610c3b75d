import { describe, expect, it } from '@jest/globals';
import { encodeJson } from '../translation/json.js';
import { openAiChatDialect as chat } from './dialect.js';
import { mapChatFinish, mapFinishToChat } from './finish.js';

describe('Chat finish reasons', () => {
  it.each([
    ['stop', 'stop'],
    ['length', 'length'],
    ['tool_calls', 'tool-calls'],
    ['function_call', 'tool-calls'],
    ['content_filter', 'content-filter'],
    ['insufficient_system_resource', 'length'],
    ['something_new', 'stop'],
  ] as const)('%s means %s', (wire, neutral) => {
    expect(mapChatFinish(wire)).toBe(neutral);
  });

  it.each([
    ['stop', 'stop'],
    ['stop-sequence', 'stop'],
    ['length', 'length'],
    ['context-length', 'length'],
    ['tool-calls', 'tool_calls'],
    ['content-filter', 'content_filter'],
    ['refusal', 'content_filter'],
    ['pause', 'stop'],
    ['malformed', 'stop'],
  ] as const)('%s is shown as %s', (neutral, wire) => {
    expect(mapFinishToChat(neutral)).toBe(wire);
  });

  it('a refusal part is a refusal although Chat says stop', () => {
    const body = encodeJson({
      choices: [{ message: { role: 'assistant', content: null, refusal: 'no' }, finish_reason: 'stop' }],
    });
    expect(chat.parseResponse(body)).toMatchObject({
      response: { finish: 'refusal', content: [{ text: 'no', refusal: true }] },
    });
  });
});
