import { describe, expect, it } from '@jest/globals';
import { encodeText } from '../framing/bytes.js';
import { scanRequest } from './scan-request.js';

const message = '"messages":[{"role":"user","content":"hi"}]';

function faultOf(dialect: 'openai-chat' | 'anthropic', text: string | Uint8Array) {
  const scan = scanRequest(dialect, typeof text === 'string' ? encodeText(text) : text);
  return scan.ok ? undefined : scan.fault;
}

describe('scanRequest', () => {
  it('extracts what admission needs', () => {
    const text = `{"model":"gpt-5","stream":true,"n":3,"max_tokens":7,"max_completion_tokens":9,${message}}`;
    expect(scanRequest('openai-chat', encodeText(text))).toEqual({
      ok: true,
      model: 'gpt-5',
      stream: true,
      maxOutputTokens: 9,
      n: 3,
      messagesCount: 1,
    });
  });

  it('says that no bound was set', () => {
    expect(scanRequest('openai-chat', encodeText(`{"model":"m",${message}}`))).toMatchObject({
      maxOutputTokens: null,
      n: 1,
      stream: false,
    });
  });

  it('takes model and stream of Bedrock routes from nowhere: they are in the path', () => {
    expect(scanRequest('bedrock-converse', encodeText(`{${message}}`))).toMatchObject({ ok: true, model: null });
    expect(scanRequest('bedrock-invoke', encodeText(`{"max_tokens":5,${message}}`))).toMatchObject({
      ok: true,
      maxOutputTokens: 5,
    });
  });

  it('refuses a conversation that the provider would hold, so that the client sends it whole', () => {
    const next = '"thread":{"type":"continue","previous_message_id":"msg_1"},"messages":[]';
    expect(faultOf('anthropic', `{"model":"m","max_tokens":5,${next}}`)).toMatchObject({
      code: 'threads_not_held',
      param: 'thread',
    });
    expect(faultOf('anthropic', `{"model":"m","max_tokens":5,"thread":null,${message}}`)).toBeUndefined();
  });

  it('lets the last of duplicate fields win, as JSON.parse does', () => {
    expect(scanRequest('openai-chat', encodeText(`{"model":"a","model":"b",${message}}`))).toMatchObject({
      model: 'b',
    });
  });

  it.each([
    ['malformed JSON', '{"model":', 'malformed_json', null],
    ['a body that is no object', '[1]', 'malformed_json', null],
    ['an empty body', '', 'malformed_json', null],
    ['no model', `{${message}}`, 'invalid_request', 'model'],
    ['a model that is no string', `{"model":5,${message}}`, 'invalid_request', 'model'],
    ['an empty model', `{"model":"",${message}}`, 'invalid_request', 'model'],
    ['no messages', '{"model":"m"}', 'invalid_request', 'messages'],
    ['null messages', '{"model":"m","messages":null}', 'invalid_request', 'messages'],
    ['messages of a wrong type', '{"model":"m","messages":"hi"}', 'invalid_request', 'messages'],
    ['empty messages', '{"model":"m","messages":[]}', 'invalid_request', 'messages'],
    ['a message that is no object', '{"model":"m","messages":[{},"x"]}', 'invalid_request', 'messages[1]'],
    ['stream of a wrong type', `{"model":"m","stream":"yes",${message}}`, 'invalid_request', 'stream'],
    ['n of a wrong type', `{"model":"m","n":"2",${message}}`, 'invalid_request', 'n'],
    ['a negative token bound', `{"model":"m","max_tokens":-1,${message}}`, 'invalid_request', 'max_tokens'],
    ['a broken token bound', `{"model":"m","max_tokens":1.5,${message}}`, 'invalid_request', 'max_tokens'],
  ])('refuses %s', (_name, text, code, param) => {
    expect(faultOf('openai-chat', text)).toMatchObject({ code, param });
  });

  it('requires max_tokens of Anthropic clients, as Anthropic does', () => {
    expect(faultOf('anthropic', `{"model":"m",${message}}`)).toMatchObject({ param: 'max_tokens' });
  });

  it('recognises a Responses body sent to Chat and says so', () => {
    expect(faultOf('openai-chat', '{"model":"m","input":"hi"}')?.message).toContain('Responses API');
  });

  it('refuses invalid UTF-8', () => {
    const bytes = encodeText(`{"model":"m","x":"?",${message}}`);
    bytes[bytes.indexOf(0x3f)] = 0xff;
    expect(faultOf('openai-chat', bytes)).toMatchObject({ code: 'invalid_utf8' });
  });

  it('decides a large body as it decides a small one', () => {
    const padding = `"padding":${JSON.stringify('word "quoted" \n 堰 '.repeat(20_000))}`;
    expect(scanRequest('openai-chat', encodeText(`{"model":"m","stream":true,${padding},${message}}`))).toMatchObject({
      model: 'm',
      stream: true,
      messagesCount: 1,
    });
    expect(faultOf('openai-chat', `{"model":"m",${padding},"messages":[]}`)).toMatchObject({ param: 'messages' });
    expect(faultOf('openai-chat', `{"model":"m",${padding},${message}`)).toMatchObject({ code: 'malformed_json' });
  });

  it('survives nesting made to break parsers', () => {
    expect(faultOf('openai-chat', `{"model":"m","messages":${'['.repeat(50_000)}`)).toMatchObject({
      code: 'malformed_json',
    });
  });
});
